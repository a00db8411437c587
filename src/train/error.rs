//! Errors of the train room.

use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong while training.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The observer asked to stop; the checkpoint, where there is one, has been written.
    #[error("training was interrupted after {step} of {of} steps")]
    Interrupted {
        /// Steps done.
        step: u64,
        /// Steps planned.
        of: u64,
    },
    /// A loss or gradient that is not finite.
    #[error("model `{model}`: {what} is not finite after {step} steps")]
    Diverged {
        /// The model.
        model: String,
        /// The value.
        what: String,
        /// Steps done.
        step: u64,
    },
    /// A file of tensors that cannot be written or read, or belongs to another fit.
    #[error("`{}`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl TrainError {
    /// A file error with any reason.
    pub(super) fn file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::File { path: path.into(), reason: reason.to_string() }
    }
}
