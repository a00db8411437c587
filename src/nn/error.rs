//! Errors of the nn room.

use thiserror::Error;

/// What can go wrong before a tensor is computed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NnError {
    /// A device name that cannot be read.
    #[error("device `{text}`\n  expected auto, cpu, cuda or cuda:N, got `{text}`")]
    BadDevice {
        /// What was asked for.
        text: String,
    },
    /// A GPU was asked for and cannot be used.
    #[error("device `{text}` cannot be used: {reason}")]
    NoCuda {
        /// What was asked for.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}
