//! As the overlap, but k is bounded by the number of predicted significant genes.

use super::{Comparison, Values, overlap::shared_of_first, per_label};

pub(super) fn evaluate(c: &Comparison, k: Option<usize>) -> Values {
    per_label(c, |label| {
        let n = c.pred.significant[label].len();
        Some(shared_of_first(c, label, k.unwrap_or(n).min(n)))
    })
}
