//! AnnData files of dense matrices that are written a few rows at a time.

use std::path::Path;

use hdf5::{Dataset, Group};
use ndarray::Array2;

use super::stream::StreamedCells;
use super::write::{GZIP, check_columns, dict, dicts, encode, frames, json, refused};
use crate::io::IoError;
use crate::io::atomic::write_atomic_at;

/// Writes an AnnData file of dense matrices, `X` and one per layer, whole or not at all: each part has the next rows of
/// all of them, in that order. Memory holds one part.
///
/// # Errors
/// The first error of `parts`; [`IoError::Format`] where parts and annotation do not fit together; [`IoError::System`]
/// where the folder cannot be written or the disk is full.
pub(in crate::io) fn write_h5ad_dense(
    path: &Path,
    table: &StreamedCells<'_>,
    parts: impl Iterator<Item = Result<Vec<Array2<f32>>, IoError>>,
) -> Result<(), IoError> {
    let (n_rows, n_cols) = (table.obs_names.len(), table.genes.len());
    check_columns(path, table.obs, n_rows)?;
    let failed = refused(path);
    write_atomic_at(path, |at| {
        let file = hdf5::File::create(at).map_err(&failed)?;
        frames(&file, table.obs_names, table.obs, table.genes, &[]).map_err(&failed)?;
        let layers = dict(&file, "layers").map_err(&failed)?;
        let mut matrices = vec![empty(&file, "X", [n_rows, n_cols]).map_err(&failed)?];
        for layer in table.layers {
            matrices.push(empty(&layers, layer, [n_rows, n_cols]).map_err(&failed)?);
        }
        let mut next = 0;
        for part in parts {
            let part = part?;
            let rows = part.first().map_or(0, Array2::nrows);
            if part.len() != matrices.len() || part.iter().any(|m| m.dim() != (rows, n_cols)) || next + rows > n_rows {
                let expected = format!("{} matrices of {n_cols} columns, {n_rows} rows in all", matrices.len());
                return Err(IoError::format(path, "`X`", expected, format!("{} of {rows} rows", part.len())));
            }
            for (matrix, values) in matrices.iter().zip(&part) {
                matrix.write_slice(values, (next..next + rows, ..)).map_err(&failed)?;
            }
            next += rows;
        }
        if next != n_rows {
            return Err(IoError::format(path, "`X`", format!("{n_rows} rows"), next.to_string()));
        }
        dicts(&file, ["obsm", "varm", "obsp", "varp"]).map_err(&failed)?;
        let uns = dict(&file, "uns").map_err(&failed)?;
        table.uns.iter().try_for_each(|(name, value)| json(&uns, name, value)).map_err(&failed)?;
        file.close().map_err(&failed)
    })
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
