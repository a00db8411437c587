//! Which column says what was done to a cell, and which label is the control.

use std::path::Path;

use super::annotation::Annotation;
use super::h5ad::Labels;
use super::{IoError, ScreenOptions};
use crate::data::Treatment;
use crate::error::{Notice, some_of};

/// Columns that hold perturbations, the first that fits is taken.
pub(super) const COLUMNS: [&str; 11] = [
    "target_gene",
    "perturbation",
    "condition",
    "gene",
    "gene_target",
    "perturbed_gene",
    "target",
    "perturbation_name",
    "guide_target",
    "drugname_drugconc",
    "drug",
];
/// Labels of the control, spelt without blanks, hyphens and underscores in lower case, likely ones first.
const CONTROLS: [&str; 17] = [
    "nontargeting",
    "control",
    "ctrl",
    "nt",
    "ntc",
    "nontarget",
    "negctrl",
    "negativecontrol",
    "negcontrol",
    "unperturbed",
    "safetargeting",
    "scramble",
    "scrambled",
    "nonperturbed",
    "dmso",
    "dmsotf",
    "vehicle",
];

/// What the cells of a file were found to be labelled with.
#[derive(Debug, Clone)]
pub(super) struct Detected {
    /// The column.
    pub(super) column: String,
    /// The control label as the file writes it; `None` where no label looks like one.
    pub(super) control: Option<String>,
    /// The labels.
    pub(super) labels: Labels,
    /// What was decided.
    pub(super) notices: Vec<Notice>,
}

/// The label that looks most like a control; of a drug with its dose (`[('DMSO_TF', 0.0, 'uM')]`) the name counts.
pub(super) fn find_control(names: &[String]) -> Option<&String> {
    let plain = |name: &str| {
        let treatment = Treatment::parse(name);
        let name = treatment.as_ref().map_or(name, |t| t.drug.as_str());
        name.to_lowercase().replace(['-', '_', ' ', '.'], "")
    };
    // `ctrl` also stands for itself twice, as in GEARS' `ctrl+ctrl`.
    let rank = |name: &str| {
        let plain = plain(name);
        let first = plain.split('+').next().unwrap_or_default();
        CONTROLS.iter().position(|c| *c == plain || (plain == format!("{first}+{first}") && *c == first))
    };
    names.iter().filter_map(|name| rank(name).map(|rank| (rank, name))).min_by_key(|(rank, _)| *rank).map(|(_, n)| n)
}

/// Finds the column of perturbations and the control label, or takes those given.
pub(super) fn detect(path: &Path, obs: &Annotation, options: &ScreenOptions) -> Result<Detected, IoError> {
    let column = match &options.pert_col {
        Some(column) if obs.has(column) => column.clone(),
        Some(column) => return Err(missing(path, obs, column)),
        None => choose(obs, options)?.ok_or_else(|| missing(path, obs, COLUMNS[1]))?,
    };
    let labels = obs.labels(&column)?;
    let control = if let Some(label) = &options.control {
        Some(stated_control(path, &column, &labels, label.trim())?)
    } else {
        let known = options.preset.and_then(|preset| preset.control_among(&labels.names));
        known.or_else(|| find_control(&labels.names)).cloned()
    };
    let mut notices = Vec::new();
    if options.pert_col.is_none() || options.control.is_none() {
        let control = control.as_ref().map_or_else(|| "no control".into(), |c| format!("control `{c}`"));
        notices.push(Notice::new(format!(
            "perturbations are in column `{column}`, {control} (say `--pert-col` and `--control-pert` to choose others)"
        )));
    }
    if labels.trimmed > 0 {
        notices.push(Notice::new(format!("blanks were removed from {} labels of column `{column}`", labels.trimmed)));
    }
    let unlabelled = labels.of_cell.iter().filter(|l| l.is_none()).count();
    if unlabelled > 0 {
        notices.push(Notice::new(format!("{unlabelled} cells without a label in column `{column}` are left out")));
    }
    Ok(Detected { column, control, labels, notices })
}

/// The control that the user names, which must occur.
fn stated_control(path: &Path, column: &str, labels: &Labels, label: &str) -> Result<String, IoError> {
    if labels.names.iter().any(|name| name == label) {
        return Ok(label.to_owned());
    }
    let (expected, got) = (format!("the control label `{label}`"), some_of(&labels.names, 5));
    Err(IoError::format(path, format!("column `{column}`"), expected, got))
}

/// The first known column whose labels include a control; else the first known column with more than one label.
fn choose(obs: &Annotation, options: &ScreenOptions) -> Result<Option<String>, IoError> {
    let mut fallback = None;
    for column in COLUMNS.iter().filter(|c| obs.has(c)) {
        let labels = obs.labels(column)?;
        let fits = match &options.control {
            Some(control) => labels.names.iter().any(|n| n == control.trim()),
            None => find_control(&labels.names).is_some(),
        };
        if fits {
            return Ok(Some((*column).to_owned()));
        }
        if labels.names.len() > 1 && fallback.is_none() {
            fallback = Some((*column).to_owned());
        }
    }
    Ok(fallback)
}

/// An error that names a column that would do, where one looks like it.
fn missing(path: &Path, obs: &Annotation, column: &str) -> IoError {
    let hint = obs.columns().iter().find_map(|other| {
        let labels = obs.labels(other).ok()?;
        let control = find_control(&labels.names)?;
        let n = labels.names.len();
        Some(format!(
            "`{other}` has {n} values and one of them is `{control}`; try `--pert-col {other} --control-pert {control}`"
        ))
    });
    let expected = expected_columns();
    let found = if obs.columns().is_empty() { "no column".into() } else { some_of(obs.columns(), 12) };
    IoError::MissingColumn { path: path.to_owned(), column: column.to_owned(), expected, found, hint }
}

/// The columns to name in messages.
pub(super) fn expected_columns() -> String {
    some_of(&COLUMNS[..4], 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_recognised() {
        let t = |names: &[&str]| find_control(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).cloned();
        assert_eq!(t(&["A", "NT"]).as_deref(), Some("NT"));
        assert_eq!(t(&["ctrl", "non-targeting"]).as_deref(), Some("non-targeting"));
        assert_eq!(t(&["A", "Non_Targeting"]).as_deref(), Some("Non_Targeting"));
        assert_eq!(t(&["A+ctrl", "ctrl+ctrl"]).as_deref(), Some("ctrl+ctrl"));
        assert_eq!(t(&["A", "NTRK1", "A+ctrl"]), None);
        let tahoe = ["[('Infigratinib ', 0.05, 'uM')]", "[('DMSO_TF', 0.0, 'uM')]"];
        assert_eq!(t(&tahoe).as_deref(), Some(tahoe[1]));
    }
}
