//! What a file says of its cells, column by column, whatever the format.

use std::sync::Arc;

use super::column::{Coded, ColumnKind};
use super::h5ad::{Frame, Labels};
use super::parquet_cells::Shards;
use super::{Column, IoError};

/// Annotation of cells.
#[derive(Debug, Clone)]
pub(super) enum Annotation {
    /// `obs` of an AnnData file.
    Frame(Frame),
    /// The flat columns of Parquet files.
    Shards(Shards),
    /// Columns in memory.
    Listed(Arc<Listed>),
}

/// Columns in memory with their names.
#[derive(Debug, Default)]
pub(super) struct Listed {
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Listed {
    /// From columns with their names.
    pub(super) fn new(columns: impl IntoIterator<Item = (String, Column)>) -> Self {
        let (names, columns) = columns.into_iter().unzip();
        Self { names, columns }
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.names.iter().position(|n| n == name).map(|at| &self.columns[at])
    }

    /// Every column, and every value of it, as text.
    pub(super) fn each_text(&self, each: &mut dyn FnMut(&str)) {
        for (name, column) in self.names.iter().zip(&self.columns) {
            each(name);
            (0..column.len()).for_each(|row| each(&column.text(row)));
        }
    }

    fn labels(&self, name: &str) -> Labels {
        match self.column(name) {
            Some(Column::Coded(coded)) => {
                let codes: Vec<i64> = coded.codes.iter().map(|&c| c.into()).collect();
                Labels::from_codes(&coded.categories, &codes)
            }
            _ => Labels::from_text(&self.text(name)),
        }
    }

    fn text(&self, name: &str) -> Vec<String> {
        let text = |c: &Column| (0..c.len()).map(|i| c.text(i).into_owned()).collect();
        self.column(name).map_or_else(Vec::new, text)
    }
}

impl Annotation {
    /// Names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        match self {
            Self::Frame(frame) => &frame.columns,
            Self::Shards(shards) => shards.columns(),
            Self::Listed(listed) => &listed.names,
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
            Self::Listed(listed) => Ok(listed.labels(column)),
        }
    }

    /// A column as text, one per cell.
    pub(super) fn text(&self, column: &str) -> Result<Vec<String>, IoError> {
        match self {
            Self::Frame(frame) => frame.text(column),
            Self::Shards(shards) => Ok(shards.labels(column)?.into_text()),
            Self::Listed(listed) => Ok(listed.text(column)),
        }
    }

    /// A column as numbers; `None` where it holds text, as all columns of Parquet files of cells do.
    pub(super) fn numbers(&self, column: &str) -> Result<Option<Vec<f64>>, IoError> {
        match self {
            Self::Frame(frame) => frame.numbers(column),
            Self::Shards(_) => Ok(None),
            Self::Listed(listed) => Ok(listed.column(column).and_then(|c| match c {
                Column::Floats(v) => Some(v.clone()),
                Column::Integers(v) => Some(v.iter().map(|&x| x as f64).collect()),
                _ => None,
            })),
        }
    }

    /// A column as it is, with its kind.
    pub(super) fn column(&self, column: &str) -> Result<Column, IoError> {
        match self {
            Self::Frame(frame) => frame.column(column),
            Self::Shards(shards) => {
                let labels = shards.labels(column)?;
                Ok(match shards.kind(column) {
                    Some(ColumnKind::Category) => Column::Coded(labels.into_coded()),
                    Some(kind) => Column::from_text(kind, labels.into_text()),
                    // A few labels are categories, many are text.
                    None if 2 * labels.names.len() <= labels.of_cell.len() => Column::Coded(labels.into_coded()),
                    None => Column::Strings(labels.into_text()),
                })
            }
            Self::Listed(listed) => Ok(listed.column(column).cloned().unwrap_or(Column::Coded(Coded::default()))),
        }
    }
}
