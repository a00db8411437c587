//! Which genes drugs act on.

mod action;
mod label;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::action::{ACTIONS, Action};
pub use self::label::Treatment;

/// A gene that a drug acts on.
#[derive(Debug, Clone, PartialEq)]
pub struct DrugTarget {
    /// Name of the gene.
    pub gene: String,
    /// What the drug does to it.
    pub action: Action,
    /// Confidence or potency as the table gives it; 1 where it gives none.
    pub weight: f32,
}

/// A drug and its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Drug {
    /// Name as the table writes it first.
    pub name: String,
    /// Class or mechanism of action, where the table has one.
    pub class: Option<String>,
    /// Targets by ascending name of the gene, each once.
    pub targets: Vec<DrugTarget>,
}

impl Drug {
    /// What the drug does to all of its targets; unknown where they differ or one is not known.
    pub fn action(&self) -> Action {
        let mut actions = self.targets.iter().map(|t| t.action);
        let first = actions.next().unwrap_or_default();
        if actions.all(|a| a == first) { first } else { Action::Unknown }
    }
}

/// Drugs by name. Names are compared without case and without blanks at their ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrugTargets {
    drugs: Vec<Drug>,
    by_key: HashMap<String, usize>,
}

impl DrugTargets {
    /// All drugs, by ascending name without case.
    pub fn drugs(&self) -> &[Drug] {
        &self.drugs
    }

    /// Number of drugs.
    pub fn len(&self) -> usize {
        self.drugs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.drugs.is_empty()
    }

    /// The drug of this name.
    pub fn get(&self, name: &str) -> Option<&Drug> {
        self.by_key.get(&key(name)).map(|&at| &self.drugs[at])
    }

    /// The drug behind the name of a query: the whole name, else the longest drug name that the query begins with and
    /// that ends before a separator (blank, tab, or one of `_ | , ; : @ ( [`), so that `name_dose` and `name | cell
    /// line` are found. `[('name', 0.05, 'uM')]` is read as well. O(length of the name).
    ///
    /// ```
    /// use grn::data::{Action, DrugTargetsBuilder};
    /// let mut builder = DrugTargetsBuilder::default();
    /// builder.target("Trametinib", "MAP2K1", Action::Inhibits, 1.0);
    /// let table = builder.finish();
    /// assert_eq!(table.find("trametinib_0.05 | CVCL_0023").map(|d| d.name.as_str()), Some("Trametinib"));
    /// assert!(table.find("trametinibine").is_none());
    /// ```
    pub fn find(&self, query: &str) -> Option<&Drug> {
        let treatment = Treatment::parse(query);
        let name = treatment.as_ref().map_or(query, |t| t.drug.as_str());
        self.get(name).or_else(|| label::beginnings(name).find_map(|beginning| self.get(beginning)))
    }

    /// The same table with genes called as `resolve` calls them. Targets that it does not know are dropped, and drugs
    /// that no target is left of; `Unresolved` says which.
    #[must_use]
    pub fn resolve(&self, resolve: impl Fn(&str) -> Option<String>) -> (Self, Unresolved) {
        let (mut builder, mut lost) = (DrugTargetsBuilder::default(), Unresolved::default());
        for drug in &self.drugs {
            let mut found = 0;
            for target in &drug.targets {
                match resolve(&target.gene) {
                    Some(gene) => {
                        builder.target(&drug.name, &gene, target.action, target.weight);
                        found += 1;
                    }
                    None => drop(lost.genes.insert(target.gene.clone())),
                }
            }
            match (found, &drug.class) {
                (0, _) => lost.drugs.push(drug.name.clone()),
                (_, Some(class)) => builder.class(&drug.name, class),
                _ => {}
            }
        }
        (builder.finish(), lost)
    }
}

/// What [`DrugTargets::resolve`] dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unresolved {
    /// Genes that are not known.
    pub genes: BTreeSet<String>,
    /// Drugs that no target is left of.
    pub drugs: Vec<String>,
}

/// Collects drugs and targets in any order.
#[derive(Debug, Clone, Default)]
pub struct DrugTargetsBuilder {
    drugs: BTreeMap<String, Entry>,
    repeated: usize,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    name: String,
    class: Option<String>,
    targets: BTreeMap<String, (Action, f32)>,
}

impl DrugTargetsBuilder {
    /// Adds a target. The same target again is merged: the larger weight stays, an action that is known replaces one that
    /// is not, and two that contradict each other make it unknown.
    pub fn target(&mut self, drug: &str, gene: &str, action: Action, weight: f32) {
        let targets = &mut self.entry(drug).targets;
        let Some(known) = targets.get_mut(gene) else {
            targets.insert(gene.to_owned(), (action, weight));
            return;
        };
        *known = (known.0.merged(action), known.1.max(weight));
        self.repeated += 1;
    }

    /// Adds a drug, and says of which class it is where `class` is not empty; the first class stays.
    pub fn class(&mut self, drug: &str, class: &str) {
        let entry = self.entry(drug);
        if !class.trim().is_empty() {
            entry.class.get_or_insert_with(|| class.trim().to_owned());
        }
    }

    /// Rows that named a target of a drug again.
    pub fn repeated(&self) -> usize {
        self.repeated
    }

    /// Names of the drugs that no target was given for.
    pub fn without_target(&self) -> Vec<String> {
        self.drugs.values().filter(|d| d.targets.is_empty()).map(|d| d.name.clone()).collect()
    }

    /// The drugs with at least one target.
    pub fn finish(self) -> DrugTargets {
        let target = |(gene, (action, weight))| DrugTarget { gene, action, weight };
        let (mut drugs, mut by_key) = (Vec::new(), HashMap::new());
        for (key, entry) in self.drugs.into_iter().filter(|(_, d)| !d.targets.is_empty()) {
            by_key.insert(key, drugs.len());
            let targets = entry.targets.into_iter().map(target).collect();
            drugs.push(Drug { name: entry.name, class: entry.class, targets });
        }
        DrugTargets { drugs, by_key }
    }

    fn entry(&mut self, drug: &str) -> &mut Entry {
        let fresh = || Entry { name: drug.trim().to_owned(), ..Entry::default() };
        self.drugs.entry(key(drug)).or_insert_with(fresh)
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> DrugTargets {
        let mut builder = DrugTargetsBuilder::default();
        builder.target("JQ1", "BRD4", Action::Inhibits, 1.0);
        builder.target("JQ1 acid", "BRD2", Action::Unknown, 1.0);
        builder.target("jq1 ", "BRD2", Action::Inhibits, 0.5);
        builder.target("Drug A", "X", Action::Activates, 1.0);
        builder.target("Drug A", "X", Action::Inhibits, 2.0);
        builder.class("Idle", "none");
        assert_eq!((builder.repeated(), builder.without_target()), (1, vec!["Idle".to_owned()]));
        builder.finish()
    }

    #[test]
    fn spellings_of_one_drug_are_one_drug() {
        let table = table();
        let names: Vec<&str> = table.drugs().iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["Drug A", "JQ1", "JQ1 acid"]);
        let genes: Vec<&str> = table.get(" jQ1").unwrap().targets.iter().map(|t| t.gene.as_str()).collect();
        assert_eq!(genes, ["BRD2", "BRD4"]);
        assert_eq!(table.get("JQ1").unwrap().action(), Action::Inhibits);
        assert_eq!(table.get("Drug A").unwrap().targets[0].action, Action::Unknown);
    }

    #[test]
    fn the_longest_name_before_a_separator_is_found() {
        let table = table();
        let t = |query: &str, expected: Option<&str>| {
            assert_eq!(table.find(query).map(|d| d.name.as_str()), expected, "{query}");
        };
        t("JQ1", Some("JQ1"));
        t("jq1_0.5", Some("JQ1"));
        t("JQ1 acid | CVCL_1", Some("JQ1 acid"));
        t("JQ1 salt", Some("JQ1"));
        t("(drug a, X)", None);
        t("drug a, X", Some("Drug A"));
        t("[('JQ1 ', 0.05, 'uM')]", Some("JQ1"));
        t("JQ10", None);
        t("JQ1-amide", None);
        t("Drug", None);
    }

    #[test]
    fn unknown_genes_are_dropped_and_named() {
        let (known, lost) = table().resolve(|gene| (gene != "X").then(|| gene.to_lowercase()));
        assert_eq!(known.drugs().len(), 2);
        assert_eq!(known.get("jq1").unwrap().targets[1].gene, "brd4");
        assert_eq!(lost, Unresolved { genes: ["X".to_owned()].into(), drugs: vec!["Drug A".to_owned()] });
    }
}
