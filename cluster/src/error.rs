//! Every way the work can fail.

use std::path::PathBuf;

use datafusion::error::DataFusionError;
use grn::data::DataError;
use grn::io::IoError;
use thiserror::Error;

/// An error of this program.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A value that cannot be read.
    #[error("{what}\n  expected {expected}, got {got}")]
    Usage {
        /// What was read.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// A column that the rows do not have.
    #[error("{}: column `{column}` not found\n  there are {}", path.display(), found.join(", "))]
    MissingColumn {
        /// The first file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// No control among the labels.
    #[error("no control in column `{column}`\n  expected {expected}, got {}", labels.join(", "))]
    NoControl {
        /// The column of perturbations.
        column: String,
        /// What would be a control.
        expected: String,
        /// Some of the labels.
        labels: Vec<String>,
    },
    /// No cell has a label.
    #[error("no cell has a label in column `{column}`")]
    NoCells {
        /// The column of perturbations.
        column: String,
    },
    /// The query failed.
    #[error("{engine}: {}", reason(source))]
    Query {
        /// The engine as typed.
        engine: String,
        /// Why.
        source: Box<DataFusionError>,
    },
    /// A part of the cluster failed.
    #[error("{what}: {why}")]
    Cluster {
        /// What was done.
        what: String,
        /// Why it failed.
        why: String,
    },
    /// A file.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Data that does not fit together.
    #[error(transparent)]
    Data(#[from] DataError),
    /// stdout.
    #[error("cannot write to stdout: {0}")]
    Stdout(std::io::Error),
}

impl ClusterError {
    /// A value that cannot be read.
    pub fn usage(what: &'static str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Usage { what, expected: expected.into(), got: got.into() }
    }

    /// A part of the cluster that failed.
    pub fn cluster(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Cluster { what: what.into(), why: why.to_string() }
    }

    /// One line that says what to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingColumn { .. } => {
                Some("name the columns with `--pert-col`, `--celltype-col` and `--batch-col`".into())
            }
            Self::NoControl { .. } => Some("name the control with `--control-pert LABEL`".into()),
            Self::NoCells { .. } => Some("name another column with `--pert-col COLUMN`".into()),
            Self::Query { source, .. } if source.to_string().contains("Resources exhausted") => {
                Some("give more with `--memory`, or start executors with more".into())
            }
            Self::Query { engine, .. } if engine.starts_with("ballista") => {
                Some("`grn-cluster up` starts a scheduler and executors on this machine".into())
            }
            _ => None,
        }
    }
}

/// The innermost message: engines wrap it several times.
fn reason(error: &DataFusionError) -> String {
    let text = error.to_string();
    match text.find(crate::functions::MARK) {
        Some(at) => {
            let said = &text[at + crate::functions::MARK.len()..];
            said.split('\n').next().unwrap_or(said).trim_end_matches(['"', '\\', '}', ')', '\'']).to_owned()
        }
        None => text,
    }
}
