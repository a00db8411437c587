//! Rank correlation of fold changes over the real significant genes; NaN for fewer than two or constant ones.

use super::{Comparison, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Values {
    per_label(c, |label| {
        let genes = &c.real.significant[label];
        let real: Vec<f32> = genes.iter().map(|&g| c.real.lfc(label, g)).collect();
        let pred: Vec<f32> = genes.iter().map(|&g| c.pred.lfc(label, g)).collect();
        (!genes.is_empty()).then(|| crate::stats::spearman(&real, &pred).unwrap_or(f64::NAN))
    })
}
