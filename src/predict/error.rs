//! Errors of the predict room.

use std::path::PathBuf;

use thiserror::Error;

use crate::data::DataError;
use crate::stats::LinalgError;
use crate::train::TrainError;

/// What can go wrong while fitting or predicting.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A model name that is not registered.
    #[error("unknown model `{name}`\n  expected one of {}", known.join(", "))]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The registered names.
        known: Vec<String>,
    },
    /// A model setting that cannot be read.
    #[error("settings of model `{model}`: {reason}")]
    BadConfig {
        /// The model.
        model: String,
        /// What the reader says.
        reason: String,
    },
    /// Too little to learn from.
    #[error("model `{model}`: expected at least {expected} training perturbations, got {got}")]
    TooFewPerturbations {
        /// The model.
        model: String,
        /// Perturbations needed.
        expected: usize,
        /// Perturbations given.
        got: usize,
    },
    /// The control or an empty perturbation where a target gene is needed.
    #[error("nothing to predict: the perturbation names no target gene")]
    NoTarget,
    /// A model that needs a feature table.
    #[error("model `{model}` needs a feature table\n  expected {expected}, got {}", if got.is_empty() { "none".into() } else { got.join(", ") })]
    NoFeatures {
        /// The model.
        model: String,
        /// The table it needs.
        expected: String,
        /// Names of the tables there are.
        got: Vec<String>,
    },
    /// Predicting before fitting.
    #[error("model `{model}` has not been fitted")]
    NotFitted {
        /// The model.
        model: String,
    },
    /// A target that neither the graph, nor the screen, nor the training perturbations know.
    #[error(
        "`{name}` is not known to this run: it is not a node of its graph, not a measured gene and was not perturbed"
    )]
    UnknownTarget {
        /// The gene asked for.
        name: String,
        /// Close spellings or the gene it is an alias of.
        suggestions: Vec<String>,
    },
    /// The fit was stopped; a checkpoint lies in the run directory.
    #[error("the fit was interrupted after {step} of {of} steps")]
    Interrupted {
        /// Steps done.
        step: u64,
        /// Steps planned.
        of: u64,
    },
    /// A loss or prediction that is not finite.
    #[error("model `{model}` diverged: {what} is not finite after {step} steps")]
    Diverged {
        /// The model.
        model: String,
        /// The value.
        what: String,
        /// Steps done.
        step: u64,
    },
    /// A file of a saved model.
    #[error("`{}`: {reason}", path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An error of the data room.
    #[error(transparent)]
    Data(#[from] DataError),
    /// LAPACK refused a matrix.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl From<TrainError> for PredictError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Interrupted { step, of } => Self::Interrupted { step, of },
            TrainError::Diverged { model, what, step } => Self::Diverged { model, what, step },
            TrainError::File { path, reason } => Self::Saved { path, reason },
            TrainError::Tensor(e) => Self::Tensor(e),
        }
    }
}
