//! Rows of the cross-validation table.

use super::bootstrap::{Bootstrap, Interval};
use super::metric::CvMetric;
use super::signature::CvScores;

/// One metric of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct CvRow {
    /// The metric.
    pub metric: CvMetric,
    /// Its mean over perturbations with the 95 % interval; `None` where it is not defined for any.
    pub value: Option<Interval>,
    /// The paired difference to the mean baseline, where there is one.
    pub gain: Option<Interval>,
}

/// The rows of a model, one per metric; `baseline` are the scores of the mean.
pub fn cv_row(scores: &CvScores, baseline: Option<&CvScores>, bootstrap: &Bootstrap) -> Vec<CvRow> {
    let row = |(metric, values): &(CvMetric, Vec<Option<f64>>)| {
        let other = baseline.and_then(|b| b.of(*metric));
        CvRow {
            metric: *metric,
            value: bootstrap.interval(values),
            gain: other.and_then(|b| bootstrap.difference(values, b)),
        }
    };
    scores.values.iter().map(row).collect()
}
