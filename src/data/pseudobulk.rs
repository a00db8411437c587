//! The table that replaces the cells: moments per condition and gene.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::{Condition, DataError, GeneIndex};

/// What the values of a [`Pseudobulk`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// Mean log1p expression of the cells of a condition.
    Level,
    /// A change against the control (log fold change, signature score): the control itself is zero.
    Effect,
}

/// Central moments of log1p expression over the cells of each condition; every matrix is n_conditions x n_genes.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: Array2<f32>,
    /// Variance over cells (divided by n, not n - 1).
    pub var: Option<Array2<f32>>,
    /// Third central moment over cells (divided by n).
    pub third: Option<Array2<f32>>,
    /// Share of cells with a value above zero.
    pub fraction: Option<Array2<f32>>,
}

/// One row per condition, one column per gene: all that fitting, ranking and plotting read.
#[derive(Debug, Clone)]
pub struct Pseudobulk {
    /// The genes (columns).
    pub genes: Arc<GeneIndex>,
    /// The conditions (rows).
    pub conditions: Vec<Condition>,
    /// Cells per condition; 0 where the table does not say.
    pub n_cells: Vec<u64>,
    /// Level or effect.
    pub quantity: Quantity,
    /// Mean and, from cells, higher moments.
    pub moments: Moments,
    /// Means over two disjoint random halves of the cells of each condition: the replicate ceiling.
    pub halves: Option<[Array2<f32>; 2]>,
    /// 1 where a gene changes significantly, else 0 (effect tables that carry `layers/significant`).
    pub significant: Option<Array2<f32>>,
    /// The control label as the file writes it.
    pub control_label: String,
}

impl Pseudobulk {
    /// Checks that all parts have one row per condition and one column per gene.
    ///
    /// # Errors
    /// [`DataError::Shape`].
    pub fn check(&self) -> Result<(), DataError> {
        let shape = [self.conditions.len(), self.genes.len()];
        let m = &self.moments;
        let layers = [Some(&m.mean), m.var.as_ref(), m.third.as_ref(), m.fraction.as_ref(), self.significant.as_ref()];
        let halves = self.halves.iter().flatten();
        if let Some(bad) = layers.into_iter().flatten().chain(halves).find(|x| x.shape() != shape) {
            return Err(DataError::Shape {
                what: "pseudobulk",
                expected: format!("{} conditions x {} genes", shape[0], shape[1]),
                got: format!("{} x {}", bad.nrows(), bad.ncols()),
            });
        }
        if self.n_cells.len() != shape[0] {
            let (expected, got) = (format!("{} cell numbers", shape[0]), self.n_cells.len().to_string());
            return Err(DataError::Shape { what: "pseudobulk", expected, got });
        }
        Ok(())
    }

    /// The conditions at these rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let select = |x: &Array2<f32>| x.select(Axis(0), rows);
        let m = &self.moments;
        Self {
            genes: Arc::clone(&self.genes),
            conditions: rows.iter().map(|&i| self.conditions[i].clone()).collect(),
            n_cells: rows.iter().map(|&i| self.n_cells[i]).collect(),
            quantity: self.quantity,
            moments: Moments {
                mean: select(&m.mean),
                var: m.var.as_ref().map(select),
                third: m.third.as_ref().map(select),
                fraction: m.fraction.as_ref().map(select),
            },
            halves: self.halves.as_ref().map(|[a, b]| [select(a), select(b)]),
            significant: self.significant.as_ref().map(select),
            control_label: self.control_label.clone(),
        }
    }

    /// Rows that are controls.
    pub fn control_rows(&self) -> Vec<usize> {
        (0..self.conditions.len()).filter(|&i| self.conditions[i].perturbation.is_control()).collect()
    }

    /// The control row in the same context: same cell type and batch, else same cell type, else any.
    pub fn control_of(&self, condition: &Condition) -> Option<usize> {
        let same = |i: &usize, batch: bool| {
            let c = &self.conditions[*i];
            c.cell_type == condition.cell_type && (!batch || c.batch == condition.batch)
        };
        let rows = self.control_rows();
        let exact = rows.iter().copied().find(|i| same(i, true));
        exact.or_else(|| rows.iter().copied().find(|i| same(i, false))).or_else(|| rows.first().copied())
    }
}
