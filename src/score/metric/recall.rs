//! Share of the real significant genes that are predicted to be significant.

use super::{Comparison, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Values {
    per_label(c, |label| {
        let genes = &c.real.significant[label];
        let found = genes.iter().filter(|&&g| c.pred.is_significant(label, g)).count();
        (!genes.is_empty()).then(|| found as f64 / genes.len() as f64)
    })
}
