//! Which genes are called significant: the sets of the Virtual Cell Challenge 2026.
//!
//! As cell-eval2: a false discovery rate below 0.05 in double precision, own target genes left out.

use super::super::Effects;
use super::{Comparison, ScoreError, Values, per_label};

const SIGNIFICANT: f64 = 0.05;

/// Whether a gene is called significant; a test that is not kept is no call.
pub(super) fn is_called(de: &Effects, label: usize, gene: usize) -> bool {
    de.fdr[[label, gene]] < SIGNIFICANT
}

/// The genes called significant but for own targets, in gene order.
pub(super) fn calls(c: &Comparison, de: &Effects, label: usize) -> Vec<usize> {
    (0..c.genes.len()).filter(|gene| is_called(de, label, *gene) && !c.own[label].contains(gene)).collect()
}

/// Genes called in both over genes called in either; 1 where there are none.
pub(super) fn jaccard(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    per_label(c, |label| {
        let (of_real, of_pred) = (calls(c, &real.de, label), calls(c, &pred.de, label));
        let both = of_pred.iter().filter(|gene| of_real.binary_search(gene).is_ok()).count();
        let either = of_real.len() + of_pred.len() - both;
        Some(if either == 0 { 1.0 } else { both as f64 / either as f64 })
    })
}
