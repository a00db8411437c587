//! A pseudobulk as an AnnData file.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{AnnData, Column, IoError, Matrix, write_h5ad};
use crate::data::{Condition, Pseudobulk, Quantity};

/// Writes one obs per condition: `target_gene` (the control label for the control), `n_cells`, `cell_type` and `batch`
/// where present; X = mean (log1p, or the effect), layers `var`, `third`, `fraction`, `half_a`, `half_b`, `significant`
/// where present; `uns/grn` says quantity, control label and version, so that [`super::read_table`] gives the same table.
///
/// # Errors
/// [`IoError`] where the folder cannot be written; nothing is left behind then.
pub fn write_pseudobulk(path: &Path, table: &Pseudobulk) -> Result<(), IoError> {
    write_pseudobulk_with(path, table, Vec::new())
}

/// The same with further columns of `obs`, one value per condition each.
///
/// # Errors
/// As [`write_pseudobulk`], and for a column of another length.
pub(super) fn write_pseudobulk_with(
    path: &Path,
    table: &Pseudobulk,
    columns: Vec<(String, Column)>,
) -> Result<(), IoError> {
    let m = &table.moments;
    let [half_a, half_b] = table.halves.as_ref().map_or([None, None], |[a, b]| [Some(a), Some(b)]);
    let layers = [
        ("var", m.var.as_ref()),
        ("third", m.third.as_ref()),
        ("fraction", m.fraction.as_ref()),
        ("half_a", half_a),
        ("half_b", half_b),
        ("significant", table.significant.as_ref()),
    ];
    let rows = TableRows::of(table);
    let file = AnnData {
        obs_names: rows.names(),
        obs: rows.obs().into_iter().chain(columns).collect(),
        genes: Arc::clone(&table.genes),
        var: Vec::new(),
        x: Matrix::Dense(m.mean.view()),
        layers: layers
            .into_iter()
            .filter_map(|(name, layer)| Some((name.to_owned(), Matrix::Dense(layer?.view()))))
            .collect(),
        uns: rows.about(table.quantity),
    };
    write_h5ad(path, &file)
}

/// What is said of the rows of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableRows<'a> {
    /// The conditions.
    pub(super) conditions: &'a [Condition],
    /// Their cells.
    pub(super) n_cells: &'a [u64],
    /// The label that is written for the control.
    pub(super) control_label: &'a str,
}

impl<'a> TableRows<'a> {
    fn of(table: &'a Pseudobulk) -> Self {
        Self { conditions: &table.conditions, n_cells: &table.n_cells, control_label: &table.control_label }
    }

    /// Unique names.
    pub(super) fn names(self) -> Vec<String> {
        unique(self.conditions.iter().map(|c| name(&self.label(c), c)))
    }

    /// One column of labels, one of cell numbers, and the context where there is one.
    pub(super) fn obs(self) -> Vec<(String, Column)> {
        let labels: Vec<String> = self.conditions.iter().map(|c| self.label(c)).collect();
        let mut columns = vec![
            ("target_gene".to_owned(), Column::Categories(labels)),
            ("n_cells".to_owned(), Column::Integers(self.n_cells.iter().map(|&n| n as i64).collect())),
        ];
        let mut context = |name: &str, of: fn(&Condition) -> Option<&Arc<str>>| {
            if self.conditions.iter().any(|c| of(c).is_some()) {
                let text = |c| of(c).map_or_else(String::new, ToString::to_string);
                columns.push((name.to_owned(), Column::Categories(self.conditions.iter().map(text).collect())));
            }
        };
        context("cell_type", |c| c.cell_type.as_ref());
        context("batch", |c| c.batch.as_ref());
        columns
    }

    /// `uns`: by it the file is recognised as a table.
    pub(super) fn about(self, quantity: Quantity) -> serde_json::Map<String, serde_json::Value> {
        let quantity = match quantity {
            Quantity::Level => "level",
            Quantity::Effect => "effect",
        };
        let version = env!("CARGO_PKG_VERSION");
        let about = json!({ "quantity": quantity, "control_label": self.control_label, "version": version });
        serde_json::Map::from_iter([("grn".to_owned(), about)])
    }

    fn label(self, condition: &Condition) -> String {
        let perturbation = &condition.perturbation;
        if perturbation.is_control() { self.control_label.to_owned() } else { perturbation.to_string() }
    }
}

fn name(label: &str, condition: &Condition) -> String {
    let context = [&condition.cell_type, &condition.batch].into_iter().flatten();
    context.fold(label.to_owned(), |name, part| format!("{name} | {part}"))
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let fresh = |name: String| {
        let spellings = (1..).map(|k| format!("{name}-{k}"));
        let pick = std::iter::once(name.clone()).chain(spellings).find(|n| !seen.contains(n)).unwrap_or(name);
        seen.insert(pick.clone());
        pick
    };
    names.map(fresh).collect()
}
