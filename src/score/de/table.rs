//! The table of all tests.

use std::sync::Arc;

use ndarray::Array2;

use super::adjust::adjusted;
use super::gene::Tested;
use super::{Against, DeOptions, FoldChange, Keep, Mean};
use crate::data::GeneIndex;
use crate::score::LogCells;

/// One test per perturbation and gene; every matrix is n_labels x n_genes.
#[derive(Debug, Clone)]
pub struct DeTable {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The perturbations, sorted; the control is the last of them where all other cells are the reference.
    pub labels: Vec<String>,
    /// Cells per perturbation.
    pub n_target: Vec<usize>,
    /// Cells that each perturbation is compared with.
    pub n_reference: Vec<usize>,
    /// Mean expression of the perturbed cells, on the scale of counts.
    pub target_mean: Array2<f64>,
    /// The same of the cells compared with: 1 x n_genes where these are the control cells.
    pub reference_mean: Array2<f64>,
    /// log2 of the fold change of these means.
    pub log2_fold_change: Array2<f64>,
    /// U of the perturbed cells, or t.
    pub statistic: Array2<f64>,
    /// Two-sided p-value.
    pub p: Array2<f64>,
    /// p adjusted by Benjamini and Hochberg over the tests that are kept, NaN for the others.
    pub fdr: Array2<f64>,
    /// The tests that are kept; all where there is none.
    pub kept: Option<Array2<bool>>,
    rule: FoldChange,
}

/// One test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeRow<'a> {
    /// The perturbation.
    pub target: &'a str,
    /// The gene.
    pub feature: &'a str,
    /// Mean expression of the perturbed cells, on the scale of counts.
    pub target_mean: f64,
    /// The same of the cells compared with.
    pub reference_mean: f64,
    /// Perturbed cells.
    pub n_target: usize,
    /// Cells compared with.
    pub n_reference: usize,
    /// log2 of the fold change.
    pub log2_fold_change: f64,
    /// Relative change.
    pub percent_change: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// U or t.
    pub statistic: f64,
    /// False discovery rate.
    pub fdr: f64,
}

/// What scoring keeps of a table: the rest would only take memory. Every matrix is n_labels x n_genes.
#[derive(Debug, Clone)]
pub struct Effects {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// log2 of the fold change.
    pub log2_fold_change: Array2<f64>,
    /// Two-sided p-value.
    pub p: Array2<f64>,
    /// p adjusted by Benjamini and Hochberg, NaN for tests that are not kept.
    pub fdr: Array2<f64>,
    /// The tests that are kept; all where there is none.
    pub kept: Option<Array2<bool>>,
}

impl Effects {
    /// Whether a test is kept.
    pub fn is_kept(&self, label: usize, gene: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept[[label, gene]])
    }
}

impl From<DeTable> for Effects {
    fn from(table: DeTable) -> Self {
        let DeTable { genes, log2_fold_change, p, fdr, kept, .. } = table;
        Self { genes, log2_fold_change, p, fdr, kept }
    }
}

/// Mean expression of target and reference.
type Pair = (f64, f64);

impl DeTable {
    /// Puts the tests of `genes` together.
    pub(super) fn new(cells: &LogCells, genes: &[usize], tested: &[Tested], options: &DeOptions) -> Self {
        let sizes = &cells.n_cells;
        let all: usize = sizes.iter().sum();
        let (n_labels, n_reference) = match options.against {
            Against::Control => (sizes.len() - 1, vec![sizes[sizes.len() - 1]; sizes.len() - 1]),
            Against::Rest => (sizes.len(), sizes.iter().map(|n| all - n).collect()),
        };
        let shape = (n_labels, genes.len());
        let matrix = |of: &dyn Fn(&Tested, usize) -> f64| Array2::from_shape_fn(shape, |(l, g)| of(&tested[g], l));
        let pair = |t: &Tested, label| mean_pair(t, label, sizes, options);
        let target_mean = matrix(&|t, l| pair(t, l).0);
        let reference_rows = if options.against == Against::Control { 1.min(n_labels) } else { n_labels };
        let reference_mean = Array2::from_shape_fn((reference_rows, genes.len()), |(l, g)| pair(&tested[g], l).1);
        let reference = |l: usize, g: usize| reference_mean[[l.min(reference_rows - 1), g]];
        let (p, rule) = (matrix(&|t, l| t.tests[l].1), options.fold_change);
        let kept = kept(tested, shape, sizes, options, &reference);
        Self {
            genes: subset(&cells.genes, genes),
            labels: cells.labels.iter().chain(std::iter::once(&cells.control_label)).take(n_labels).cloned().collect(),
            n_target: sizes[..n_labels].to_vec(),
            n_reference,
            log2_fold_change: Array2::from_shape_fn(shape, |(l, g)| {
                rule.fold_change(target_mean[[l, g]], reference(l, g)).log2()
            }),
            statistic: matrix(&|t, l| t.tests[l].0),
            fdr: adjusted(&p, kept.as_ref(), options.fdr),
            target_mean,
            reference_mean,
            p,
            kept,
            rule,
        }
    }

    /// Mean expression of the cells that a perturbation is compared with.
    pub fn reference_mean(&self, label: usize, gene: usize) -> f64 {
        self.reference_mean[[label.min(self.reference_mean.nrows() - 1), gene]]
    }

    /// Whether a test is kept.
    pub fn is_kept(&self, label: usize, gene: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept[[label, gene]])
    }

    /// The tests that are kept, perturbation after perturbation.
    pub fn rows(&self) -> impl Iterator<Item = DeRow<'_>> {
        let tests = (0..self.labels.len()).flat_map(|label| (0..self.genes.len()).map(move |gene| (label, gene)));
        tests.filter(|&(label, gene)| self.is_kept(label, gene)).map(|(label, gene)| self.row(label, gene))
    }

    /// One test.
    pub fn row(&self, label: usize, gene: usize) -> DeRow<'_> {
        let at = [label, gene];
        DeRow {
            target: &self.labels[label],
            feature: &self.genes.names()[gene],
            target_mean: self.target_mean[at],
            reference_mean: self.reference_mean(label, gene),
            n_target: self.n_target[label],
            n_reference: self.n_reference[label],
            log2_fold_change: self.log2_fold_change[at],
            percent_change: self.rule.percent_change(self.target_mean[at], self.reference_mean(label, gene)),
            p: self.p[at],
            statistic: self.statistic[at],
            fdr: self.fdr[at],
        }
    }
}

fn subset(all: &Arc<GeneIndex>, genes: &[usize]) -> Arc<GeneIndex> {
    if genes.len() == all.len() {
        return Arc::clone(all);
    }
    // A part of an index has unique names as the whole has.
    GeneIndex::new(genes.iter().map(|&g| Arc::clone(&all.names()[g]))).map_or_else(|_| Arc::clone(all), Arc::new)
}

/// Sum and number of the cells that group `label` is compared with.
fn reference(sums: &[f64], label: usize, sizes: &[usize], against: Against) -> Pair {
    let control = sizes.len() - 1;
    match against {
        Against::Control => (sums[control], sizes[control] as f64),
        // The difference of sums may round to less than nothing.
        Against::Rest => {
            ((sums.iter().sum::<f64>() - sums[label]).max(0.0), (sizes.iter().sum::<usize>() - sizes[label]) as f64)
        }
    }
}

fn mean_pair(t: &Tested, label: usize, sizes: &[usize], options: &DeOptions) -> Pair {
    let of = |sums: &[f64]| {
        let (sum, n) = reference(sums, label, sizes, options.against);
        (sums[label] / sizes[label] as f64, sum / n)
    };
    match options.mean {
        Mean::Geometric if t.log_sums.is_empty() => (t.means[label].exp_m1(), t.means[sizes.len() - 1].exp_m1()),
        Mean::Geometric => {
            let (target, reference) = of(&t.log_sums);
            (target.exp_m1(), reference.exp_m1())
        }
        Mean::Arithmetic => of(&t.sums),
    }
}

fn kept(
    tested: &[Tested],
    shape: (usize, usize),
    sizes: &[usize],
    options: &DeOptions,
    reference_mean: &dyn Fn(usize, usize) -> f64,
) -> Option<Array2<bool>> {
    match options.keep {
        Keep::All => None,
        Keep::ReferenceMean(least) => Some(Array2::from_shape_fn(shape, |(l, g)| reference_mean(l, g) > least)),
        Keep::PooledCpm(least) => {
            let totals: Vec<f64> = (0..sizes.len()).map(|group| tested.iter().map(|t| t.sums[group]).sum()).collect();
            let cpm = |part: f64, all: f64| if all > 0.0 { part / all * 1e6 } else { 0.0 };
            Some(Array2::from_shape_fn(shape, |(label, g)| {
                let sums = &tested[g].sums;
                let of_rest = |sums: &[f64]| reference(sums, label, sizes, options.against).0;
                cpm(sums[label], totals[label]) > least || cpm(of_rest(sums), of_rest(&totals)) > least
            }))
        }
    }
}
