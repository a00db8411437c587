//! Predicted and real cells, prepared for every metric.

use std::sync::Arc;

use ndarray::{Array1, Array2, s};

use super::de::differential_expression_of_constant;
use super::{DeOptions, DeTable, LogCells, ScoreError, differential_expression};
use crate::data::{GeneId, GeneIndex};

/// A gene changes significantly where its false discovery rate, as a 32-bit number, is below this.
const SIGNIFICANT: f32 = 0.05;

/// What metrics need of one file; every matrix is n_labels x n_genes.
#[derive(Debug, Clone)]
pub struct Side {
    /// Mean log1p expression per perturbation.
    pub mean: Array2<f64>,
    /// Mean per perturbation minus the mean of the control cells of the same file.
    pub delta: Array2<f64>,
    /// Differential expression.
    pub de: DeTable,
    /// Significant genes per perturbation, largest absolute log fold change first, equal ones in gene order.
    pub significant: Vec<Vec<u32>>,
}

impl Side {
    /// Prepares cells.
    pub fn of_cells(cells: &LogCells, options: &DeOptions) -> Self {
        let means = cells.means();
        let n = cells.labels.len();
        Self::new(means.slice(s![..n, ..]).to_owned(), means.row(n).to_owned(), differential_expression(cells, options))
    }

    /// Prepares a prediction that gives the same profile (log1p, length n_genes) to every cell of every perturbation
    /// and keeps the control cells.
    pub fn of_constant(cells: &LogCells, profile: &[f32], options: &DeOptions) -> Self {
        let n = cells.labels.len();
        let mean = Array2::from_shape_fn((n, cells.n_genes()), |(_, gene)| f64::from(profile[gene]));
        let de = differential_expression_of_constant(cells, profile, options);
        Self::new(mean, cells.means().row(n).to_owned(), de)
    }

    fn new(mean: Array2<f64>, control: Array1<f64>, de: DeTable) -> Self {
        let delta = &mean - &control;
        let significant = (0..de.labels.len()).map(|label| significant(&de, label)).collect();
        Self { mean, delta, de, significant }
    }

    /// log2 fold change as a 32-bit number, the precision at which cell-eval ranks.
    pub fn lfc(&self, label: usize, gene: u32) -> f32 {
        self.de.log2_fold_change[[label, gene as usize]] as f32
    }

    /// Whether a gene changes significantly.
    pub fn is_significant(&self, label: usize, gene: u32) -> bool {
        (self.de.fdr[[label, gene as usize]] as f32) < SIGNIFICANT
    }
}

fn significant(de: &DeTable, label: usize) -> Vec<u32> {
    let mut genes: Vec<u32> =
        (0..de.genes.len() as u32).filter(|&g| (de.fdr[[label, g as usize]] as f32) < SIGNIFICANT).collect();
    let size = |g: u32| (de.log2_fold_change[[label, g as usize]] as f32).abs();
    genes.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    genes
}

/// Predicted against real cells with the same genes and the same perturbations.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The perturbations, sorted.
    pub labels: Vec<String>,
    /// Per perturbation the columns of its own target genes, where measured.
    pub own: Vec<Vec<usize>>,
    /// The truth.
    pub real: Side,
    /// The prediction.
    pub pred: Side,
}

impl Comparison {
    /// Puts two prepared sides together.
    ///
    /// # Errors
    /// [`ScoreError::GeneMismatch`], [`ScoreError::PerturbationMismatch`].
    pub fn new(real: Side, pred: Side) -> Result<Self, ScoreError> {
        same_genes(&real.de.genes, &pred.de.genes)?;
        same_labels(&real.de.labels, &pred.de.labels)?;
        let (genes, labels) = (Arc::clone(&real.de.genes), real.de.labels.clone());
        let own_of = |label: &String| label.split('+').filter_map(|g| genes.id(g)).map(GeneId::index).collect();
        let own = labels.iter().map(own_of).collect();
        Ok(Self { genes, labels, own, real, pred })
    }

    /// Number of perturbations.
    pub fn n_labels(&self) -> usize {
        self.labels.len()
    }
}

/// Refuses other genes or another order of them.
pub(super) fn same_genes(real: &GeneIndex, pred: &GeneIndex) -> Result<(), ScoreError> {
    if real == pred {
        return Ok(());
    }
    let differ = real.names().iter().zip(pred.names()).position(|(a, b)| a != b);
    let (expected, got) = match differ {
        Some(i) if real.len() == pred.len() => (
            format!("the same {} genes in the same order, `{}` at position {i}", real.len(), real.names()[i]),
            format!("`{}` there", pred.names()[i]),
        ),
        _ => (format!("the {} genes of the real cells", real.len()), format!("{} genes", pred.len())),
    };
    Err(ScoreError::GeneMismatch { expected, got })
}

/// Refuses other perturbations.
pub(super) fn same_labels(real: &[String], pred: &[String]) -> Result<(), ScoreError> {
    if real == pred {
        return Ok(());
    }
    let missing = |from: &[String], of: &[String]| {
        let only: Vec<&String> = of.iter().filter(|l| from.binary_search(l).is_err()).collect();
        if only.is_empty() { "none".into() } else { crate::error::some_of(only, 5) }
    };
    Err(ScoreError::PerturbationMismatch { only_predicted: missing(real, pred), only_real: missing(pred, real) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_genes_or_another_order_are_refused() {
        let genes = |names: &[&str]| GeneIndex::new(names).unwrap();
        let t = |real: &[&str], pred: &[&str], ok: bool| {
            assert_eq!(same_genes(&genes(real), &genes(pred)).is_ok(), ok, "{real:?} {pred:?}");
        };
        t(&["A", "B"], &["A", "B"], true);
        t(&["A", "B"], &["B", "A"], false);
        t(&["A", "B"], &["A"], false);
    }

    #[test]
    fn a_missing_perturbation_is_named() {
        let labels = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let error = same_labels(&labels(&["A", "B"]), &labels(&["A", "C"])).unwrap_err();
        let (only_predicted, only_real) = ("`C`".into(), "`B`".into());
        assert_eq!(error, ScoreError::PerturbationMismatch { only_predicted, only_real });
    }
}
