//! Rank correlation of fold changes over the real significant genes; NaN for fewer than two or constant ones.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    per_label(c, |label| {
        let genes = &real.significant[label];
        let real: Vec<f32> = genes.iter().map(|&g| real.lfc(label, g)).collect();
        let pred: Vec<f32> = genes.iter().map(|&g| pred.lfc(label, g)).collect();
        (!genes.is_empty()).then(|| crate::stats::spearman(&real, &pred).unwrap_or(f64::NAN))
    })
}
