//! What a file says of its cells, column by column, whatever the format.

use super::IoError;
use super::h5ad::{Frame, Labels};
use super::parquet_cells::Shards;

/// Annotation of cells.
#[derive(Debug, Clone)]
pub(super) enum Annotation {
    /// `obs` of an AnnData file.
    Frame(Frame),
    /// The flat columns of Parquet files.
    Shards(Shards),
}

impl Annotation {
    /// Names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        match self {
            Self::Frame(frame) => &frame.columns,
            Self::Shards(shards) => shards.columns(),
        }
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns().iter().any(|c| c == column)
    }

    /// A column as labels, whatever its type.
    pub(super) fn labels(&self, column: &str) -> Result<Labels, IoError> {
        match self {
            Self::Frame(frame) => frame.labels(column),
            Self::Shards(shards) => shards.labels(column),
        }
    }

    /// A column as text, one per cell.
    pub(super) fn text(&self, column: &str) -> Result<Vec<String>, IoError> {
        match self {
            Self::Frame(frame) => frame.text(column),
            Self::Shards(shards) => Ok(shards.labels(column)?.into_text()),
        }
    }

    /// A column as numbers; `None` where it holds text, as all columns of Parquet files of cells do.
    pub(super) fn numbers(&self, column: &str) -> Result<Option<Vec<f64>>, IoError> {
        match self {
            Self::Frame(frame) => frame.numbers(column),
            Self::Shards(_) => Ok(None),
        }
    }
}
