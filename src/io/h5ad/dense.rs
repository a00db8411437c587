//! AnnData files of dense matrices that are written a few rows at a time.

use std::path::Path;

use hdf5::{Dataset, Group};
use ndarray::Array2;
use serde_json::{Map, Value};

use super::write::{GZIP, check_columns, close, dict, dicts, encode, frames, json, refused};
use crate::data::GeneIndex;
use crate::io::atomic::write_atomic_at;
use crate::io::{Column, IoError};

/// What is known of a table before its rows are made.
#[derive(Debug, Clone, Copy)]
pub struct TableParts<'a> {
    /// Number of rows.
    pub n_rows: usize,
    /// Column names.
    pub genes: &'a GeneIndex,
    /// Column annotation by column name.
    pub var: &'a [(String, Column)],
    /// Further matrices of the same shape, by name.
    pub layers: &'a [&'a str],
    /// `uns`, as in [`crate::io::AnnData`].
    pub uns: &'a Map<String, Value>,
}

/// Names of the rows, unique, and their annotation by column name.
pub type TableRowNames = (Vec<String>, Vec<(String, Column)>);

/// Writes an AnnData file of dense matrices, `X` and one per layer, whole or not at all: each part has the next rows of
/// all of them, in that order. `rows` is asked after the last part. Memory holds one part.
///
/// # Errors
/// The first error of `parts`; [`IoError::Format`] where parts and annotation do not fit together; [`IoError::System`]
/// where the folder cannot be written or the disk is full.
pub fn write_h5ad_parts<E: From<IoError>>(
    path: &Path,
    table: &TableParts<'_>,
    parts: impl Iterator<Item = Result<Vec<Array2<f32>>, E>>,
    rows: &dyn Fn() -> TableRowNames,
) -> Result<(), E> {
    let failed = refused(path);
    check_columns(path, table.var, table.genes.len())?;
    write_atomic_at(path, |at| {
        let file = hdf5::File::create(at).map_err(&failed)?;
        let shape = [table.n_rows, table.genes.len()];
        let mut matrices = vec![empty(&file, "X", shape).map_err(&failed)?];
        let layers = dict(&file, "layers").map_err(&failed)?;
        for layer in table.layers {
            matrices.push(empty(&layers, layer, shape).map_err(&failed)?);
        }
        let mut next = 0;
        for part in parts {
            let part = part?;
            let n = check_part(path, &part, matrices.len(), [table.n_rows - next, shape[1]])?;
            for (matrix, values) in matrices.iter().zip(&part) {
                matrix.write_slice(values, (next..next + n, ..)).map_err(&failed)?;
            }
            next += n;
        }
        let (names, obs) = rows();
        if next != table.n_rows || names.len() != table.n_rows {
            let got = format!("{next} rows and {} names", names.len());
            return Err(IoError::format(path, "`X`", format!("{} rows", table.n_rows), got).into());
        }
        check_columns(path, &obs, names.len())?;
        frames(&file, &names, &obs, table.genes, table.var).map_err(&failed)?;
        dicts(&file, ["obsm", "varm", "obsp", "varp"]).map_err(&failed)?;
        let uns = dict(&file, "uns").map_err(&failed)?;
        table.uns.iter().try_for_each(|(name, value)| json(&uns, name, value)).map_err(&failed)?;
        Ok(close(file).map_err(&failed)?)
    })
}

/// The rows of a part: the same number in every matrix, and no more than are left.
fn check_part(
    path: &Path,
    part: &[Array2<f32>],
    matrices: usize,
    [left, columns]: [usize; 2],
) -> Result<usize, IoError> {
    let n = part.first().map_or(0, Array2::nrows);
    if part.len() == matrices && part.iter().all(|m| m.dim() == (n, columns)) && n <= left {
        return Ok(n);
    }
    let expected = format!("{matrices} matrices of at most {left} x {columns}");
    let got: Vec<String> = part.iter().map(|m| format!("{} x {}", m.nrows(), m.ncols())).collect();
    Err(IoError::format(path, "`X`", expected, got.join(", ")))
}

/// Rows that are compressed together.
pub(in crate::io) fn rows_per_chunk(n_cols: usize) -> usize {
    ((1 << 18) / n_cols.max(1)).max(1)
}

fn empty(parent: &Group, name: &str, [rows, columns]: [usize; 2]) -> hdf5::Result<Dataset> {
    let mut builder = parent.new_dataset_builder();
    if rows * columns > 1 {
        builder = builder.chunk((rows_per_chunk(columns).min(rows), columns)).shuffle().deflate(GZIP);
    }
    let dataset = builder.empty::<f32>().shape((rows, columns)).create(name)?;
    encode(&dataset, "array", "0.2.0")?;
    Ok(dataset)
}
