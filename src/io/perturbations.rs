//! What the labels of cells mean.

use std::collections::HashSet;

use crate::data::{GeneIndex, Perturbation, Treatment};
use crate::error::{Notice, some_of};

/// The perturbation of each distinct label; `None` for labels of more than two genes.
///
/// `A+B` and `A+ctrl` are read everywhere; `A_B` only where it is not a gene itself and both parts are genes, targets
/// that occur alone, or the control. Targets are called by their name among the genes where an alias says so.
pub(super) fn perturbations(
    names: &[String],
    control: Option<&str>,
    genes: &GeneIndex,
) -> (Vec<Option<Perturbation>>, Vec<Notice>) {
    let alone = names.iter().map(String::as_str).collect();
    let mut reader = Reader { control, genes, alone, renamed: Vec::new(), too_many: Vec::new() };
    let parsed = names.iter().map(|name| reader.read(name)).collect();
    let notices = [
        notice(reader.renamed, "perturbed genes were renamed by the aliases"),
        notice(reader.too_many, "perturbations of more than two genes are left out"),
    ];
    (parsed, notices.into_iter().flatten().collect())
}

/// Each distinct label as one perturbation, whatever is in it; of a drug with its dose, blanks in the name do not count.
pub(super) fn whole(names: &[String], control: Option<&str>) -> Vec<Option<Perturbation>> {
    let plain = |name: &str| Treatment::parse(name).map_or_else(|| name.to_owned(), |t| t.label());
    let control = control.map(plain);
    let of = |name: &String| match plain(name) {
        name if control.as_ref() == Some(&name) => Perturbation::control(),
        name => Perturbation::of([name]),
    };
    names.iter().map(|name| Some(of(name))).collect()
}

struct Reader<'a> {
    control: Option<&'a str>,
    genes: &'a GeneIndex,
    alone: HashSet<&'a str>,
    renamed: Vec<String>,
    too_many: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, name: &str) -> Option<Perturbation> {
        if self.control == Some(name) {
            return Some(Perturbation::control());
        }
        let Ok(perturbation) = Perturbation::parse(&self.with_plus(name), self.control.unwrap_or("ctrl")) else {
            self.too_many.push(name.to_owned());
            return None;
        };
        if perturbation.is_control() && !name.contains(['+', '_']) {
            // Another label that looks like a control is not the control: it stays a condition of its own.
            return Some(Perturbation::of([name]));
        }
        let targets = perturbation.targets().iter().filter(|t| !self.is_control(t));
        let targets: Vec<String> = targets.map(ToString::to_string).collect();
        Some(Perturbation::of(targets.into_iter().map(|target| self.gene(target))))
    }

    /// `A_B` as `A+B`, where it is a pair.
    fn with_plus(&self, label: &str) -> String {
        match label.split_once('_') {
            Some((a, b))
                if !label.contains('+') && self.genes.resolve(label).is_none() && self.known(a) && self.known(b) =>
            {
                format!("{a}+{b}")
            }
            _ => label.to_owned(),
        }
    }

    fn known(&self, part: &str) -> bool {
        self.genes.resolve(part).is_some() || self.alone.contains(part) || self.is_control(part)
    }

    fn is_control(&self, part: &str) -> bool {
        part == "ctrl" || self.control.is_some_and(|c| c == part || c.split('+').any(|p| p == part))
    }

    /// The name among the genes.
    fn gene(&mut self, target: String) -> String {
        match self.genes.resolve(&target).map(|id| self.genes.name(id)) {
            Some(name) if name != target => {
                self.renamed.push(format!("{target} -> {name}"));
                name.to_owned()
            }
            _ => target,
        }
    }
}

fn notice(mut labels: Vec<String>, what: &str) -> Option<Notice> {
    labels.sort();
    labels.dedup();
    (!labels.is_empty()).then(|| Notice::new(format!("{} {what}: {}", labels.len(), some_of(&labels, 3))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_in_every_spelling() {
        let genes = GeneIndex::new(["STAT1", "JAK2", "HLA_X"]).unwrap();
        let t = |label: &str, control: &str| {
            let names = ["STAT1", label].map(String::from);
            perturbations(&names, Some(control), &genes).0[1].clone().map(|p| p.to_string()).unwrap_or_default()
        };
        assert_eq!(t("STAT1_JAK2", "ctrl"), "JAK2+STAT1");
        assert_eq!(t("STAT1_other", "ctrl"), "STAT1_other");
        assert_eq!(t("HLA_X", "ctrl"), "HLA_X");
        assert_eq!(t("STAT1+ctrl", "control"), "STAT1");
        assert_eq!(t("ctrl_JAK2", "ctrl"), "JAK2");
        assert_eq!(t("non-targeting", "non-targeting"), "control");
        assert_eq!(t("ctrl+ctrl", "ctrl+ctrl"), "control");
    }

    #[test]
    fn names_of_drugs_stay_whole() {
        let names = ["DMSO", "(+)-JQ1 + A + B", "A_B"].map(String::from);
        let got: Vec<String> = whole(&names, Some("DMSO")).into_iter().flatten().map(|p| p.to_string()).collect();
        assert_eq!(got, ["control", "(+)-JQ1 + A + B", "A_B"]);
        let doses = ["[('DMSO_TF', 0.0, 'uM')]", "[('Infigratinib ', 0.05, 'uM')]", "[('Infigratinib', 0.05, 'uM')]"];
        let got = whole(&doses.map(String::from), Some("[('DMSO_TF', 0.0, 'uM')]"));
        assert!(got[0].as_ref().is_some_and(Perturbation::is_control));
        assert_eq!(got[1], got[2]);
    }
}
