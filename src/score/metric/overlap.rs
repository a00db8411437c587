//! Overlap of the real and the predicted significant genes with the largest fold changes (DES).
//!
//! With n real significant genes and k = n (or the smaller of n and a given k), the first k of both lists are compared and
//! the number of shared genes is divided by k; 0 where no gene is really significant.

use super::super::Tested;
use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn evaluate(c: &Comparison, k: Option<usize>) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let n = sides.0.significant[label].len();
        Some(shared_of_first(sides, label, k.unwrap_or(n).min(n)))
    })
}

/// Share of the first k real and predicted significant genes that are the same.
pub(super) fn shared_of_first((real, pred): (&Tested, &Tested), label: usize, k: usize) -> f64 {
    let (real, pred) = (&real.significant[label], &pred.significant[label]);
    let real: std::collections::HashSet<&u32> = real.iter().take(k).collect();
    let shared = pred.iter().take(k).filter(|g| real.contains(g)).count();
    if k == 0 { 0.0 } else { shared as f64 / k as f64 }
}
