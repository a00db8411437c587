//! The table of a split.

use std::collections::BTreeMap;

use crate::data::{DataError, Perturbation};
use crate::io::ScreenFile;

/// One perturbation.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As the file writes it.
    pub(super) label: String,
    pub(super) cell_type: Option<String>,
    /// Its part or fold.
    pub(super) part: String,
    pub(super) subgroup: Option<String>,
}

impl Row {
    pub(super) fn new(screen: &ScreenFile, perturbation: &Perturbation, part: &str) -> Self {
        let label = screen.labels.get(perturbation).cloned().unwrap_or_else(|| perturbation.to_string());
        Self { label, cell_type: None, part: part.to_owned(), subgroup: None }
    }
}

/// All rows, sorted by label and cell type.
#[derive(Debug)]
pub(super) struct Table {
    column: &'static str,
    pub(super) rows: Vec<Row>,
}

impl Table {
    pub(super) fn new(column: &'static str, mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| (&a.label, &a.cell_type).cmp(&(&b.label, &b.cell_type)));
        Self { column, rows }
    }

    /// How many rows each part has.
    pub(super) fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        self.rows.iter().for_each(|row| *counts.entry(row.part.as_str()).or_insert(0) += 1);
        counts
    }

    /// A comment with the hash of what follows, the names of the columns, the rows.
    pub(super) fn text(&self) -> String {
        let has = |of: fn(&Row) -> &Option<String>| self.rows.iter().any(|row| of(row).is_some());
        let (types, subgroups) = (has(|r| &r.cell_type), has(|r| &r.subgroup));
        let line = |label: &str, cell_type: &str, part: &str, subgroup: &str| {
            let mut fields = vec![label, part];
            fields.extend(types.then_some(cell_type));
            fields.extend(subgroups.then_some(subgroup));
            fields.join("\t") + "\n"
        };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let rows = self.rows.iter().map(|r| line(&r.label, &text(&r.cell_type), &r.part, &text(&r.subgroup)));
        let content = line("target_gene", "cell_type", self.column, "subgroup") + &rows.collect::<String>();
        format!("# blake3 {}\n{content}", blake3::hash(content.as_bytes()).to_hex())
    }
}

/// The hash in the first line.
pub(super) fn hash(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix("# blake3 ")).unwrap_or_default()
}

/// The perturbation of a label, as the file or as others write it.
pub(super) fn parse(screen: &ScreenFile, label: &str) -> Result<Perturbation, DataError> {
    let own = screen.labels.iter().find(|(_, own)| *own == label).map(|(perturbation, _)| perturbation.clone());
    let control = screen.control_label.as_deref().unwrap_or("ctrl");
    own.map_or_else(|| Perturbation::parse(label, control), Ok)
}

/// An error that suggests close spellings.
pub(super) fn unknown(label: &str, perturbations: &[Perturbation]) -> DataError {
    let names: Vec<String> = perturbations.iter().map(ToString::to_string).collect();
    let suggestions = crate::data::suggest(label, names.iter().map(String::as_str));
    DataError::UnknownPerturbation { label: label.to_owned(), suggestions }
}
