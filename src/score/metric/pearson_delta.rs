//! Pearson correlation of changes over all genes; NaN where the predicted change is constant.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let narrow = |x: ndarray::ArrayView1<'_, f64>| x.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    per_label(c, |label| {
        let (pred, real) = (narrow(c.pred.delta.row(label)), narrow(c.real.delta.row(label)));
        Some(crate::stats::pearson(&pred, &real).unwrap_or(f64::NAN))
    })
}
