//! Error of mean expression over all genes, the own target included; controls play no part.

use super::{Comparison, ScoreError, Values, mean_over_genes};

pub(super) fn absolute(c: &Comparison) -> Result<Values, ScoreError> {
    mean_over_genes(&c.pred.mean, &c.real.mean, f64::abs)
}

pub(super) fn squared(c: &Comparison) -> Result<Values, ScoreError> {
    mean_over_genes(&c.pred.mean, &c.real.mean, |e| e * e)
}
