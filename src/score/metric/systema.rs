//! Correlation of what is special about a perturbation: changes against the average of all real perturbation means.
//!
//! Pearson's correlation of H_t - m and Y_t - m, m the plain mean of the real means Y of all perturbations (the control is
//! none), H_t the predicted mean; over all genes, or over the 20 genes with the largest real shift against the control.
//! Against the control, what all perturbations share is rewarded as well. Systema (Viñas Torné et al., fe087c9). NaN where
//! a side is constant.

use ndarray::Axis;

use super::{Comparison, ScoreError, Values, per_label, top20};

pub(super) fn all_genes(c: &Comparison) -> Result<Values, ScoreError> {
    let all: Vec<usize> = (0..c.genes.len()).collect();
    correlation(c, |_| all.clone())
}

pub(super) fn top_genes(c: &Comparison) -> Result<Values, ScoreError> {
    correlation(c, |label| top20::genes(c, label))
}

fn correlation(c: &Comparison, genes: impl Fn(usize) -> Vec<usize>) -> Result<Values, ScoreError> {
    let Some(average) = c.real.mean.mean_axis(Axis(0)) else { return Ok(Vec::new()) };
    per_label(c, |label| {
        let genes = genes(label);
        let shift = |mean: &ndarray::Array2<f64>| -> Vec<f64> {
            genes.iter().map(|&gene| mean[[label, gene]] - average[gene]).collect()
        };
        Some(crate::stats::pearson(&shift(&c.pred.mean), &shift(&c.real.mean)).unwrap_or(f64::NAN))
    })
}
