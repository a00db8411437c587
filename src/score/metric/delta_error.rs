//! Error of changes, each against the control cells of its own file.

use super::{Comparison, ScoreError, Values, mean_over_genes};

pub(super) fn absolute(c: &Comparison) -> Result<Values, ScoreError> {
    mean_over_genes(&c.pred.delta, &c.real.delta, f64::abs)
}

pub(super) fn squared(c: &Comparison) -> Result<Values, ScoreError> {
    mean_over_genes(&c.pred.delta, &c.real.delta, |e| e * e)
}
