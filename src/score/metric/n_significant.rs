//! Numbers of significant genes.

use super::{Comparison, Values, per_label};

pub(super) fn real(c: &Comparison) -> Values {
    per_label(c, |label| Some(c.real.significant[label].len() as f64))
}

pub(super) fn predicted(c: &Comparison) -> Values {
    per_label(c, |label| Some(c.pred.significant[label].len() as f64))
}
