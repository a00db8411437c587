//! One number for all perturbations: rank correlation of the numbers of real and predicted significant genes, over
//! perturbations with a really significant gene. 1 where there is none, NaN where a side is constant.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    let counts = real.significant.iter().zip(&pred.significant).map(|(r, p)| (r.len() as f32, p.len() as f32));
    let (real, pred): (Vec<f32>, Vec<f32>) = counts.filter(|(real, _)| *real > 0.0).unzip();
    let rho = if real.is_empty() { 1.0 } else { crate::stats::spearman(&real, &pred).unwrap_or(f64::NAN) };
    per_label(c, |_| Some(rho))
}
