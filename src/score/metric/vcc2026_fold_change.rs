//! The size of fold changes: mean absolute error over the mean absolute real fold change.
//!
//! Over real significant genes with a finite fold change, own targets left out, where there are at least ten. A predicted
//! fold change that is missing or not finite counts as no change.

use super::super::Effects;
use super::vcc2026_calls::calls;
use super::{Comparison, ScoreError, Values};

/// Fewer genes say nothing.
const LEAST_GENES: usize = 10;

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    Ok(relative_error(c, &real.de, &real.de, &pred.de))
}

/// Error between `a` and `b`, over the genes and the size of `gate`.
pub(in crate::score) fn relative_error(c: &Comparison, gate: &Effects, a: &Effects, b: &Effects) -> Values {
    let of_label = |label: usize| {
        let size = |gene: &usize| gate.log2_fold_change[[label, *gene]].abs();
        let genes: Vec<usize> = calls(c, gate, label).into_iter().filter(|gene| size(gene).is_finite()).collect();
        let lfc = |de: &Effects, gene: usize| {
            let lfc = de.log2_fold_change[[label, gene]];
            if de.is_kept(label, gene) && lfc.is_finite() { lfc } else { 0.0 }
        };
        let error: f64 = genes.iter().map(|&gene| (lfc(b, gene) - lfc(a, gene)).abs()).sum();
        let sizes: f64 = genes.iter().map(size).sum();
        (genes.len() >= LEAST_GENES && sizes > 0.0).then(|| error / sizes)
    };
    (0..c.n_labels()).map(of_label).collect()
}
