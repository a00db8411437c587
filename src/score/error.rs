//! Errors of the score room.

use thiserror::Error;

use crate::data::DataError;

/// What can go wrong while scoring.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ScoreError {
    /// The predicted and the real cells have other genes or another order.
    #[error("the genes of the predicted and the real cells differ\n  expected {expected}, got {got}")]
    GeneMismatch {
        /// What the real file has.
        expected: String,
        /// What the predicted file has.
        got: String,
    },
    /// A perturbation that only one of the files has.
    #[error(
        "the perturbations of the predicted and the real cells differ\n  expected the same labels, got only predicted: {only_predicted}; only real: {only_real}"
    )]
    PerturbationMismatch {
        /// Labels that the real file lacks.
        only_predicted: String,
        /// Labels that the predicted file lacks.
        only_real: String,
    },
    /// A value that log1p expression cannot have.
    #[error("gene `{gene}`, cell {cell}: expected {expected}, got {got}")]
    BadValue {
        /// The gene.
        gene: String,
        /// Zero-based cell.
        cell: usize,
        /// The allowed range.
        expected: &'static str,
        /// The value as text.
        got: String,
    },
    /// A profile that is not registered.
    #[error("unknown profile `{name}`\n  expected one of {known}")]
    UnknownProfile {
        /// The name asked for.
        name: String,
        /// The registered names.
        known: String,
    },
    /// A label with too few cells to be split.
    #[error("replicate ceiling: expected at least 2 cells of `{label}`, got {got}")]
    TooFewCells {
        /// The label.
        label: String,
        /// Its cells.
        got: usize,
    },
    /// A metric that only one of two aggregated results has.
    #[error(
        "the metrics of the two results differ\n  expected the same, got only in the first: {only_user}; only in the baseline: {only_base}"
    )]
    MetricMismatch {
        /// Metrics that the baseline lacks.
        only_user: String,
        /// Metrics that the first results lack.
        only_base: String,
    },
    /// Aggregated results without a metric that can be scaled.
    #[error("no metric to scale\n  expected metrics with a best value, got {got}")]
    NoMetric {
        /// The metrics there are.
        got: String,
    },
    /// A metric of differential expression where there is none.
    #[error("expected differential expression of both sides, got none")]
    NotTested,
    /// A profile that counts molecules, and a file of normalised expression.
    #[error("profile `{profile}`, {side} cells: expected raw counts, got log1p expression")]
    CountsNeeded {
        /// The profile.
        profile: &'static str,
        /// Whose cells.
        side: &'static str,
    },
    /// A metric of the sampling variance where it is not known.
    #[error("expected cells prepared as counts, with their sampling variance, got cells without")]
    NoVariance,
    /// A metric that has no value for a perturbation.
    #[error("{metric} of `{label}`: expected {expected}, got {got}")]
    Undefined {
        /// The metric.
        metric: &'static str,
        /// The perturbation.
        label: String,
        /// What the metric asks for.
        expected: &'static str,
        /// What there is.
        got: String,
    },
    /// A metric that is not registered.
    #[error("unknown metric `{name}`\n  expected one of {known}")]
    UnknownMetric {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An error of the data room.
    #[error(transparent)]
    Data(#[from] DataError),
}
