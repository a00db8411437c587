//! Numbers of significant genes.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn real(c: &Comparison) -> Result<Values, ScoreError> {
    let real = c.real.tested()?;
    per_label(c, |label| Some(real.significant[label].len() as f64))
}

pub(super) fn predicted(c: &Comparison) -> Result<Values, ScoreError> {
    let pred = c.pred.tested()?;
    per_label(c, |label| Some(pred.significant[label].len() as f64))
}
