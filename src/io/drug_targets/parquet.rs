//! The same tables as Parquet; a column of lists is read as a list of targets.

use std::path::Path;

use super::labels::is_missing;
use super::{Sink, choose, unknown};
use crate::io::IoError;
use crate::io::parquet::ParquetTable;

/// Reads all rows; returns the format.
pub(super) fn read(path: &Path, sink: &mut Sink) -> Result<&'static str, IoError> {
    let table = ParquetTable::open(path)?;
    let (format, layout) = choose(&|names| table.find(names)).ok_or_else(|| unknown(path, &table.names()))?;
    let wanted = [Some(layout.drug), Some(layout.targets), layout.action, layout.weight, layout.class, layout.broad];
    let columns: Vec<(usize, Vec<String>)> =
        wanted.into_iter().flatten().map(|c| Ok((c, table.text(c)?))).collect::<Result<_, IoError>>()?;
    let value = |row: usize, column: usize| {
        columns.iter().find(|(c, _)| *c == column).map_or("", |(_, values)| values[row].trim())
    };
    for row in 0..table.n_rows() as usize {
        let wrong = |expected: &str, got: String| IoError::format(path, format!("row {}", row + 1), expected, got);
        if is_missing(value(row, layout.drug)) {
            return Err(wrong("a drug", "an empty value".into()));
        }
        let weight = match layout.weight.map(|c| value(row, c)).filter(|w| !is_missing(w)) {
            None => 1.0,
            Some(text) => match text.parse::<f32>() {
                Ok(weight) if weight.is_finite() => weight,
                _ => return Err(wrong("a number as weight", format!("`{text}`"))),
            },
        };
        layout.add(|column| value(row, column), weight, sink);
    }
    Ok(format)
}
