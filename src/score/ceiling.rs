//! What a second measurement of the same size would score.

use super::{Best, Metric};

/// The reliability of the whole from the agreement r of two halves: 2r / (1 + r) (Spearman 1910, Brown 1910).
///
/// `None` for metrics that are not bounded by a best value of 1.
pub fn spearman_brown(metric: &Metric, agreement: f64) -> Option<f64> {
    (metric.best == Best::One).then(|| 2.0 * agreement / (1.0 + agreement))
}
