//! Every way a command can fail.

use std::path::PathBuf;

use thiserror::Error;

use crate::config::ConfigError;
use crate::data::DataError;
use crate::graph::GraphError;
use crate::io::IoError;
use crate::nn::NnError;
use crate::predict::PredictError;
use crate::rank::RankError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::score::ScoreError;
use crate::simulate::SimulateError;
use crate::stats::LinalgError;

/// An error of any room, or of the command line itself.
#[derive(Debug, Error)]
pub(super) enum CliError {
    /// Arguments that do not fit together or a value that cannot be read.
    #[error("{what}\n  expected {expected}, got {got}")]
    Usage { what: String, expected: String, got: String, hint: Option<String> },
    /// A folder that already holds something.
    #[error("output folder `{}` is not empty", path.display())]
    OutdirNotEmpty { path: PathBuf },
    /// The reader of our output went away: not an error.
    #[error("broken pipe")]
    BrokenPipe,
    /// Writing to stdout failed.
    #[error("cannot write to stdout: {0}")]
    Stdout(std::io::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Io(#[from] IoError),
    #[error(transparent)]
    Nn(#[from] NnError),
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    #[error(transparent)]
    Predict(#[from] PredictError),
    #[error(transparent)]
    Rank(#[from] RankError),
    #[error(transparent)]
    Score(#[from] ScoreError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Linalg(#[from] LinalgError),
}

impl CliError {
    /// A usage error with a hint.
    pub(super) fn usage(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self::Usage { what: what.into(), expected: expected.into(), got: got.into(), hint }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Stdout(error),
        }
    }
}
