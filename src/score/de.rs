//! Differential expression of every perturbation against the control.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::LogCells;
use super::log_cells::Column;
use crate::data::GeneIndex;
use crate::stats::{PMethod, Reference, Runs, benjamini_hochberg};

/// Over which tests the false discovery rate is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FdrScope {
    /// The genes of one perturbation (pdex 0.2 and later).
    #[default]
    PerTarget,
    /// All genes of all perturbations at once (pdex 0.1).
    Table,
}

/// How means become a fold change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FoldChange {
    /// (m_t + e) / (m_c + e); 0/0 counts as no change. With e = 0 a one-sided zero gives an infinite log.
    Epsilon(f64),
    /// m_t / m_c, but c where the control is zero, 1/c where the target is zero, 1 where both are.
    Clip(f64),
}

/// Which test, which correction, which fold change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeOptions {
    /// Scope of the correction.
    pub fdr: FdrScope,
    /// Asymptotic or exact for small groups.
    pub p: PMethod,
    /// Fold change.
    pub fold_change: FoldChange,
}

impl Default for DeOptions {
    fn default() -> Self {
        Self { fdr: FdrScope::default(), p: PMethod::default(), fold_change: FoldChange::Epsilon(0.0) }
    }
}

/// One test per perturbation and gene; every matrix is n_labels x n_genes.
#[derive(Debug, Clone)]
pub struct DeTable {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The perturbations, sorted.
    pub labels: Vec<String>,
    /// Cells per perturbation.
    pub n_target: Vec<usize>,
    /// Control cells.
    pub n_reference: usize,
    /// expm1 of the mean log1p expression of the perturbed cells.
    pub target_mean: Array2<f64>,
    /// The same of the control cells, per gene.
    pub reference_mean: Vec<f64>,
    /// log2 of the fold change of these means.
    pub log2_fold_change: Array2<f64>,
    /// Relative change of these means.
    pub percent_change: Array2<f64>,
    /// U of the perturbed cells.
    pub u: Array2<f64>,
    /// Two-sided p-value.
    pub p: Array2<f64>,
    /// p adjusted by Benjamini and Hochberg.
    pub fdr: Array2<f64>,
}

/// Tests every gene of every perturbation against the control cells (Mann-Whitney U on log1p values).
///
/// Genes run in parallel; the control values of a gene are sorted once and each perturbation's non-zero values are
/// looked up in them, so a test costs O(k log k + k log c) for k perturbed cells with a non-zero value and c controls.
pub fn differential_expression(cells: &LogCells, options: &DeOptions) -> DeTable {
    table(cells, options, |_, label, column, runs| {
        let n = cells.n_cells[label];
        runs.refill(column.group(label), n);
        column.mean(label, n)
    })
}

/// The same where every cell of every perturbation is the same vector of log1p values, length n_genes.
pub(super) fn differential_expression_of_constant(cells: &LogCells, profile: &[f32], options: &DeOptions) -> DeTable {
    table(cells, options, |gene, label, _, runs| {
        *runs = Runs::constant(profile[gene], cells.n_cells[label]);
        f64::from(profile[gene])
    })
}

/// One gene: the control mean, and (mean, U, p) per label.
type Tested = (f64, Vec<(f64, f64, f64)>);

fn table(
    cells: &LogCells,
    options: &DeOptions,
    group: impl Fn(usize, usize, &mut Column, &mut Runs) -> f64 + Sync,
) -> DeTable {
    let (n_labels, n_genes, control) = (cells.labels.len(), cells.n_genes(), cells.labels.len());
    let one_gene = |(column, runs): &mut (Column, Runs), gene: usize| -> Tested {
        cells.column(gene, column);
        let mean = column.mean(control, cells.n_controls());
        runs.refill(column.group(control), cells.n_controls());
        let reference = Reference::new(runs);
        let tests = (0..n_labels).map(|label| {
            let mean = group(gene, label, column, runs);
            let test = reference.test(runs, options.p);
            (mean, test.u, test.p)
        });
        (mean, tests.collect())
    };
    let tested: Vec<Tested> = (0..n_genes).into_par_iter().map_init(Default::default, one_gene).collect();
    let matrix = |value: &dyn Fn(&(f64, f64, f64)) -> f64| {
        Array2::from_shape_fn((n_labels, n_genes), |(label, gene)| value(&tested[gene].1[label]))
    };
    let reference_mean: Vec<f64> = tested.iter().map(|t| t.0.exp_m1()).collect();
    let target_mean = matrix(&|t| t.0.exp_m1());
    let p = matrix(&|t| t.2);
    let (log2_fold_change, percent_change) = changes(&target_mean, &reference_mean, options.fold_change);
    DeTable {
        genes: Arc::clone(&cells.genes),
        labels: cells.labels.clone(),
        n_target: cells.n_cells[..n_labels].to_vec(),
        n_reference: cells.n_controls(),
        u: matrix(&|t| t.1),
        fdr: adjusted(&p, options.fdr),
        target_mean,
        reference_mean,
        log2_fold_change,
        percent_change,
        p,
    }
}

fn changes(target: &Array2<f64>, reference: &[f64], rule: FoldChange) -> (Array2<f64>, Array2<f64>) {
    let (mut log2, mut percent) = (target.clone(), target.clone());
    for (gene, &c) in reference.iter().enumerate() {
        log2.column_mut(gene).mapv_inplace(|t| rule.fold_change(t, c).log2());
        percent.column_mut(gene).mapv_inplace(|t| rule.percent_change(t, c));
    }
    (log2, percent)
}

impl FoldChange {
    /// The ratio of two means.
    pub fn fold_change(self, target: f64, control: f64) -> f64 {
        match self {
            Self::Epsilon(e) if target + e == 0.0 && control + e == 0.0 => 1.0,
            Self::Epsilon(e) => (target + e) / (control + e),
            Self::Clip(_) if target == 0.0 && control == 0.0 => 1.0,
            Self::Clip(clip) if control == 0.0 => clip,
            Self::Clip(clip) if target == 0.0 => 1.0 / clip,
            Self::Clip(_) => target / control,
        }
    }

    /// Change relative to the control; 0/0 is no change.
    pub fn percent_change(self, target: f64, control: f64) -> f64 {
        let epsilon = if let Self::Epsilon(e) = self { e } else { 0.0 };
        if target == control { 0.0 } else { (target - control) / (control + epsilon) }
    }
}

fn adjusted(p: &Array2<f64>, scope: FdrScope) -> Array2<f64> {
    let mut out = p.clone();
    match scope {
        FdrScope::PerTarget => out.axis_iter_mut(Axis(0)).into_par_iter().for_each(|mut row| {
            let adjusted = benjamini_hochberg(&row.to_vec());
            row.iter_mut().zip(adjusted).for_each(|(to, q)| *to = q);
        }),
        FdrScope::Table => {
            let adjusted = benjamini_hochberg(&p.iter().copied().collect::<Vec<_>>());
            out.iter_mut().zip(adjusted).for_each(|(to, q)| *to = q);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_changes_of_zeros_are_defined() {
        let t = |rule: FoldChange, target: f64, control: f64, expected: f64| {
            assert_eq!(rule.fold_change(target, control), expected, "{rule:?} {target} {control}");
        };
        t(FoldChange::Epsilon(0.0), 0.0, 0.0, 1.0);
        t(FoldChange::Epsilon(0.0), 1.0, 0.0, f64::INFINITY);
        t(FoldChange::Epsilon(1.0), 3.0, 1.0, 2.0);
        t(FoldChange::Clip(20.0), 1.0, 0.0, 20.0);
        t(FoldChange::Clip(20.0), 0.0, 1.0, 0.05);
        t(FoldChange::Clip(20.0), 0.0, 0.0, 1.0);
        assert_eq!(FoldChange::Epsilon(0.0).percent_change(0.0, 0.0), 0.0);
        assert_eq!(FoldChange::Epsilon(0.0).percent_change(3.0, 2.0), 0.5);
    }
}
