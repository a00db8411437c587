//! Root mean squared error of mean expression over all genes (PerturBench, Wu et al., d357dfa).

use super::{Comparison, ScoreError, Values, error};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    Ok(error::squared(c)?.into_iter().map(|value| value.map(f64::sqrt)).collect())
}
