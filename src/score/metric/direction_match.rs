//! Share of the real significant genes whose predicted fold change has the same sign; no change is a sign of its own.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    per_label(c, |label| {
        let genes = &real.significant[label];
        let sign = |x: f32| if x == 0.0 { 0.0 } else { x.signum() };
        let same = |&&g: &&u32| sign(real.lfc(label, g)) == sign(pred.lfc(label, g));
        (!genes.is_empty()).then(|| genes.iter().filter(same).count() as f64 / genes.len() as f64)
    })
}
