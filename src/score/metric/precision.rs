//! As the overlap, but k is bounded by the number of predicted significant genes.

use super::{Comparison, ScoreError, Values, overlap::shared_of_first, per_label};

pub(super) fn evaluate(c: &Comparison, k: Option<usize>) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let n = sides.1.significant[label].len();
        Some(shared_of_first(sides, label, k.unwrap_or(n).min(n)))
    })
}
