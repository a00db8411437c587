//! Share of the real significant genes that are predicted to be significant.

use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = c.tested()?;
    per_label(c, |label| {
        let genes = &real.significant[label];
        let found = genes.iter().filter(|&&g| pred.is_significant(label, g)).count();
        (!genes.is_empty()).then(|| found as f64 / genes.len() as f64)
    })
}
