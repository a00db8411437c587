//! Mean absolute error of mean expression over the genes that change most in the real cells.
//!
//! Genes are ordered by |log2(mean count + 1) - log2(mean control count + 1)|, real cells against real control cells,
//! counts as they are in the file; equal ones in gene order. All genes where there are no more than asked for. The error is
//! that of mean log1p expression. A file of log1p values holds no counts: expm1 of its values takes their place (see
//! [`counts_notice`](super::super::course::counts_notice)).

use super::super::Units;
use super::top20::largest;
use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison, k: usize) -> Result<Values, ScoreError> {
    let counts = c.real.cells.groups().clone().in_units(Units::Raw).means()?;
    let control = counts.row(c.n_labels());
    per_label(c, |label| {
        let shift = |gene: usize| ((counts[[label, gene]] + 1.0).log2() - (control[gene] + 1.0).log2()).abs();
        let genes = largest(c.genes.len(), k, shift);
        let error = |&gene: &usize| (c.pred.mean[[label, gene]] - c.real.mean[[label, gene]]).abs();
        Some(genes.iter().map(error).sum::<f64>() / genes.len() as f64)
    })
}
