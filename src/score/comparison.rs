//! Predicted and real cells, prepared for every metric.

use std::sync::Arc;

use ndarray::{Array1, Array2, s};

use super::bulk::{LogBulk, log_bulk};
use super::de::{Tests, tests_and_means};
use super::{DeOptions, DeTable, Effects, LogCells, Needs, ScoreError, Units, differential_expression, mean_profile};
use crate::data::{Csr, GeneId, GeneIndex};

/// A gene changes significantly where its false discovery rate, as a 32-bit number, is below this.
const SIGNIFICANT: f32 = 0.05;

/// What metrics need of one file; every matrix is n_labels x n_genes.
#[derive(Debug, Clone)]
pub struct Side {
    /// The cells.
    pub cells: SideCells,
    /// Mean log1p expression per perturbation, or log1p of its summed counts (see [`Self::of_counts`]).
    pub mean: Array2<f64>,
    /// The same of the control cells that changes are taken against, length n_genes.
    pub control: Array1<f64>,
    /// Mean per perturbation minus the control.
    pub delta: Array2<f64>,
    tested: Option<Tested>,
    /// Sampling variance of each mean, summed over genes, the control last.
    variance: Option<Vec<f64>>,
}

/// Where the cells of a side come from.
#[derive(Debug, Clone)]
pub enum SideCells {
    /// A file.
    Measured(LogCells),
    /// Every cell of every perturbation has the same profile (log1p, length n_genes); the control cells are those given.
    Constant {
        /// The profile.
        profile: Arc<[f32]>,
        /// The labels, their numbers of cells, and the control cells.
        like: LogCells,
    },
}

/// Differential expression of one side.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The tests.
    pub de: Effects,
    /// Significant genes per perturbation, largest absolute log fold change first, equal ones in gene order.
    pub significant: Vec<Vec<u32>>,
}

impl Side {
    /// Prepares cells: means, and tests where a metric needs them. One pass over the values.
    ///
    /// # Errors
    /// [`crate::data::DataError::Temporary`].
    pub fn of_cells(cells: &LogCells, options: &DeOptions, needs: Needs) -> Result<Self, ScoreError> {
        if needs == Needs::Means {
            return Ok(Self::new(SideCells::Measured(cells.clone()), cells.means()?, None));
        }
        let Tests { table, means, .. } = tests_and_means(cells, options, false)?;
        Ok(Self::new(SideCells::Measured(cells.clone()), means, Some(table)))
    }

    /// Prepares raw counts: the mean of a group is log1p of `total` times each gene's share of its summed counts, known
    /// with its sampling variance; genes are tested on counts per million. Two passes over the values.
    ///
    /// # Errors
    /// [`crate::data::DataError::Temporary`].
    pub fn of_counts(cells: &LogCells, total: f64, options: &DeOptions, needs: Needs) -> Result<Self, ScoreError> {
        let LogBulk { mean, variance } = log_bulk(cells, total)?;
        let per_million = cells.clone().in_units(Units::PerMillion);
        let table = (needs == Needs::Tests).then(|| differential_expression(&per_million, options)).transpose()?;
        let side = Self::new(SideCells::Measured(cells.clone()), mean, table);
        Ok(Self { variance: Some(variance), ..side })
    }

    /// Prepares real cells together with the baseline: a prediction that gives the mean profile (see [`mean_profile`]) to
    /// every cell of every perturbation and keeps the control cells. One pass over the values.
    ///
    /// # Errors
    /// [`crate::data::DataError::Temporary`].
    pub fn of_cells_and_baseline(cells: &LogCells, options: &DeOptions, needs: Needs) -> Result<[Self; 2], ScoreError> {
        let n = cells.labels.len();
        let (means, table, baseline) = if needs == Needs::Means {
            (cells.means()?, None, None)
        } else {
            let Tests { table, means, baseline } = tests_and_means(cells, options, true)?;
            (means, Some(table), baseline)
        };
        let profile = mean_profile(&means);
        let at = |(g, gene): (usize, usize)| if g < n { f64::from(profile[gene]) } else { means[[n, gene]] };
        let constant_means = Array2::from_shape_fn(means.dim(), at);
        let constant_cells = SideCells::Constant { profile, like: cells.clone() };
        Ok([
            Self::new(SideCells::Measured(cells.clone()), means, table),
            Self::new(constant_cells, constant_means, baseline),
        ])
    }

    /// From means of all groups, the control last.
    fn new(cells: SideCells, means: Array2<f64>, de: Option<DeTable>) -> Self {
        let n = means.nrows() - 1;
        let (mean, control) = (means.slice(s![..n, ..]).to_owned(), means.row(n).to_owned());
        let delta = &mean - &control;
        let tested = de.map(|de| {
            let de = Effects::from(de);
            let significant = (0..n).map(|label| significant(&de, label)).collect();
            Tested { de, significant }
        });
        Self { cells, mean, control, delta, tested, variance: None }
    }

    /// The same without differential expression, which takes most of the memory.
    #[must_use]
    pub fn without_tests(&self) -> Self {
        let Self { cells, mean, control, delta, variance, .. } = self;
        let (cells, mean, control, delta) = (cells.clone(), mean.clone(), control.clone(), delta.clone());
        Self { cells, mean, control, delta, variance: variance.clone(), tested: None }
    }

    /// Differential expression.
    ///
    /// # Errors
    /// [`ScoreError::NotTested`] where the side was prepared without.
    pub fn tested(&self) -> Result<&Tested, ScoreError> {
        self.tested.as_ref().ok_or(ScoreError::NotTested)
    }

    /// Sampling variance of the mean of each perturbation and (last) of the control, summed over genes.
    ///
    /// # Errors
    /// [`ScoreError::NoVariance`] where the side was not prepared from counts.
    pub fn variance(&self) -> Result<&[f64], ScoreError> {
        self.variance.as_deref().ok_or(ScoreError::NoVariance)
    }
}

impl SideCells {
    /// The cells of each perturbation and, last, of the control as rows, n_cells x n_genes: all values in memory.
    ///
    /// # Errors
    /// [`crate::data::DataError::Temporary`].
    pub fn rows(&self) -> Result<Vec<Csr<f32>>, ScoreError> {
        match self {
            Self::Measured(cells) => cells.rows(),
            Self::Constant { profile, like } => {
                let mut rows = like.rows()?;
                let n = like.labels.len();
                for (rows, &n_cells) in rows[..n].iter_mut().zip(&like.n_cells) {
                    *rows = Csr::empty(profile.len());
                    let row = || (0u32..).zip(profile.iter().copied()).filter(|(_, v)| *v != 0.0);
                    (0..n_cells).for_each(|_| rows.push_row(row()));
                }
                Ok(rows)
            }
        }
    }

    /// Labels and numbers of cells.
    pub fn groups(&self) -> &LogCells {
        match self {
            Self::Measured(cells) | Self::Constant { like: cells, .. } => cells,
        }
    }
}

impl Tested {
    /// log2 fold change as a 32-bit number, the precision at which cell-eval ranks.
    pub fn lfc(&self, label: usize, gene: u32) -> f32 {
        self.de.log2_fold_change[[label, gene as usize]] as f32
    }

    /// Whether a gene changes significantly.
    pub fn is_significant(&self, label: usize, gene: u32) -> bool {
        (self.de.fdr[[label, gene as usize]] as f32) < SIGNIFICANT
    }
}

fn significant(de: &Effects, label: usize) -> Vec<u32> {
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
    pub real: Arc<Side>,
    /// The prediction.
    pub pred: Arc<Side>,
}

impl Comparison {
    /// Puts two prepared sides together.
    ///
    /// # Errors
    /// [`ScoreError::GeneMismatch`], [`ScoreError::PerturbationMismatch`].
    pub fn new(real: impl Into<Arc<Side>>, pred: impl Into<Arc<Side>>) -> Result<Self, ScoreError> {
        let (real, pred) = (real.into(), pred.into());
        let (of_real, of_pred) = (real.cells.groups(), pred.cells.groups());
        same_genes(&of_real.genes, &of_pred.genes)?;
        same_labels(&of_real.labels, &of_pred.labels)?;
        let (genes, labels) = (Arc::clone(&of_real.genes), of_real.labels.clone());
        let own_of = |label: &String| label.split('+').filter_map(|g| genes.id(g)).map(GeneId::index).collect();
        let own = labels.iter().map(own_of).collect();
        Ok(Self { genes, labels, own, real, pred })
    }

    /// Differential expression of both sides, the real one first.
    ///
    /// # Errors
    /// [`ScoreError::NotTested`].
    pub fn tested(&self) -> Result<(&Tested, &Tested), ScoreError> {
        Ok((self.real.tested()?, self.pred.tested()?))
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
