//! Errors of the io room: each names the file, and the line where there is one.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::fetch::FetchError;
use crate::data::DataError;
use crate::graph::GraphError;

/// What can be wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IoError {
    /// The system refused.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    System {
        /// `read`, `write`, ...
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// HDF5 refused: not an HDF5 file, truncated, a damaged dataset.
    #[error("cannot read `{}`{}: {reason}", path.display(), part(element))]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// The group or dataset, empty for the file as a whole.
        element: String,
        /// What the library says.
        reason: String,
    },
    /// A file whose layout or content is not what its format asks for.
    #[error("`{}`{}: expected {expected}, got {got}", path.display(), part(element))]
    Format {
        /// The file.
        path: PathBuf,
        /// Line, column, group or dataset.
        element: String,
        /// What the format asks for.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A challenge file that is not one.
    #[error("`{}`: expected {expected}, got {got}", path.display())]
    Vcc {
        /// The file.
        path: PathBuf,
        /// What the format asks for.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A column that a table lacks.
    #[error("column `{column}` not found in `{}`\n  expected one of {expected}; found {found}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// What would have been accepted.
        expected: String,
        /// The columns there are.
        found: String,
        /// The arguments that would work, where they can be guessed.
        hint: Option<String>,
    },
    /// Data that is read but cannot be used.
    #[error("`{}`: {source}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DataError,
    },
    /// A prior that is read but cannot be used.
    #[error("`{}`: {source}", path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: GraphError,
    },
    /// A download that failed.
    #[error(transparent)]
    Fetch(FetchError),
}

impl IoError {
    /// A refusal of the system while reading.
    pub fn read(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::System { verb: "read", path: path.as_ref().to_owned(), source }
    }

    /// A refusal of the system while writing.
    pub fn write(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::System { verb: "write", path: path.as_ref().to_owned(), source }
    }

    /// A wrong layout or content.
    pub fn format(
        path: impl AsRef<Path>,
        element: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        let path = path.as_ref().to_owned();
        Self::Format { path, element: element.into(), expected: expected.into(), got: got.into() }
    }

    /// Data of this file that cannot be used.
    pub fn data(path: impl AsRef<Path>) -> impl FnOnce(DataError) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Data { path, source }
    }

    /// A prior of this file that cannot be used.
    pub fn graph(path: impl AsRef<Path>) -> impl FnOnce(GraphError) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Graph { path, source }
    }
}

fn part(element: &str) -> String {
    if element.is_empty() { String::new() } else { format!(", {element}") }
}
