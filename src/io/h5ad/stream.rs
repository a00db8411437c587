//! AnnData files whose matrix is appended block by block.

use std::path::Path;

use hdf5::{Dataset, Group, H5Type};
use ndarray::{Array1, ArrayView1};

use super::write::{CHUNK, GZIP, check_columns, close, dict, dicts, encode, frames, json, plain, refused};
use crate::data::{Csr, GeneIndex};
use crate::io::atomic::write_atomic_at;
use crate::io::{Column, IoError};

/// How the rows of a streamed matrix are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsLayout {
    /// 64-bit values (the 32-bit ones, widened) instead of 32-bit values.
    pub wide: bool,
    /// Compressed with gzip; files that are compressed as a whole are better left plain.
    pub gzip: bool,
    /// Stored entries at most: above 2^31 - 1 the index arrays have 64 bits.
    pub max_entries: u64,
}

/// What a streamed file holds besides its matrices.
#[derive(Debug, Clone)]
pub struct StreamedCells<'a> {
    /// Row names, unique.
    pub obs_names: &'a [String],
    /// Row annotation by column name.
    pub obs: &'a [(String, Column)],
    /// Column names.
    pub genes: &'a GeneIndex,
    /// Column annotation by column name.
    pub var: &'a [(String, Column)],
    /// Further matrices of the same shape, by name.
    pub layers: &'a [&'a str],
    /// `uns`, as in [`crate::io::AnnData`].
    pub uns: &'a serde_json::Map<String, serde_json::Value>,
}

/// gzip level of streamed cells: counts shrink nearly as well as at the usual level in a third of the time.
const FAST: u8 = 1;

/// Writes an AnnData file of cells (rows) with their annotation, compressed sparse rows, whole or not at all. Memory
/// holds one block of rows, and 8 bytes per cell.
///
/// # Errors
/// The first error of `blocks`; [`IoError::Format`] where rows, columns and annotation do not fit together;
/// [`IoError::System`] where the folder cannot be written or the disk is full.
pub fn write_h5ad_rows<E: From<IoError>>(
    path: &Path,
    obs_names: &[String],
    obs: &[(String, Column)],
    genes: &GeneIndex,
    layout: RowsLayout,
    blocks: impl IntoIterator<Item = Result<Csr<f32>, E>>,
) -> Result<(), E> {
    let cells = StreamedCells { obs_names, obs, genes, var: &[], layers: &[], uns: &serde_json::Map::new() };
    // scipy wants both index arrays of one type.
    let storage =
        Storage { wide: layout.wide, level: layout.gzip.then_some(GZIP), long: layout.max_entries > i32::MAX as u64 };
    write(path, &cells, storage, blocks.into_iter().map(|block| Ok(vec![block?])))
}

/// Writes an AnnData file of cells that come in blocks, `X` and one matrix per layer each, whole or not at all: 32-bit
/// values and column indices, row offsets of 64 bits from 2^31 entries on. Memory holds one block of rows, and 8 bytes per
/// cell and matrix.
///
/// # Errors
/// As [`write_h5ad_rows`].
pub fn write_h5ad_stream<E: From<IoError>>(
    path: &Path,
    cells: &StreamedCells<'_>,
    blocks: impl IntoIterator<Item = Result<Vec<Csr<f32>>, E>>,
) -> Result<(), E> {
    write(path, cells, Storage { wide: false, level: Some(FAST), long: false }, blocks.into_iter())
}

fn write<E: From<IoError>>(
    path: &Path,
    cells: &StreamedCells<'_>,
    storage: Storage,
    blocks: impl Iterator<Item = Result<Vec<Csr<f32>>, E>>,
) -> Result<(), E> {
    check_columns(path, cells.obs, cells.obs_names.len())?;
    check_columns(path, cells.var, cells.genes.len())?;
    let failed = refused(path);
    write_atomic_at(path, |at| {
        let file = hdf5::File::create(at).map_err(&failed)?;
        frames(&file, cells.obs_names, cells.obs, cells.genes, cells.var).map_err(&failed)?;
        let layers = dict(&file, "layers").map_err(&failed)?;
        let start = |parent: &Group, name: &str| Appender::new(parent, name, cells.genes.len(), storage);
        let mut matrices = vec![start(&file, "X").map_err(&failed)?];
        for layer in cells.layers {
            matrices.push(start(&layers, layer).map_err(&failed)?);
        }
        for block in blocks {
            let block = block?;
            check_block(path, &block, matrices.len(), cells.genes.len())?;
            for (matrix, rows) in matrices.iter_mut().zip(&block) {
                matrix.push(rows).map_err(&failed)?;
            }
        }
        let (n, got) = (cells.obs_names.len(), matrices[0].indptr.len() - 1);
        if n != got {
            return Err(IoError::format(path, "`X`", format!("{n} rows"), got.to_string()).into());
        }
        matrices.into_iter().try_for_each(Appender::finish).map_err(&failed)?;
        dicts(&file, ["obsm", "varm", "obsp", "varp"]).map_err(&failed)?;
        let uns = dict(&file, "uns").map_err(&failed)?;
        cells.uns.iter().try_for_each(|(name, value)| json(&uns, name, value)).map_err(&failed)?;
        Ok(close(file).map_err(&failed)?)
    })
}

/// Every matrix of a block must have all genes, and all the same number of rows.
fn check_block(path: &Path, block: &[Csr<f32>], matrices: usize, n_cols: usize) -> Result<(), IoError> {
    let refuse = |expected: String, got: String| Err(IoError::format(path, "`X`", expected, got));
    if block.len() != matrices {
        return refuse(format!("{matrices} matrices"), block.len().to_string());
    }
    if let Some(wrong) = block.iter().find(|m| m.n_cols() != n_cols) {
        return refuse(format!("{n_cols} columns"), format!("{} columns", wrong.n_cols()));
    }
    match block.iter().find(|m| m.n_rows() != block[0].n_rows()) {
        Some(wrong) => refuse(format!("{} rows in every layer", block[0].n_rows()), wrong.n_rows().to_string()),
        None => Ok(()),
    }
}

/// How the arrays are stored.
#[derive(Debug, Clone, Copy)]
struct Storage {
    wide: bool,
    level: Option<u8>,
    /// Column indices of 64 bits.
    long: bool,
}

/// The three arrays of a growing matrix.
struct Appender {
    group: Group,
    storage: Storage,
    n_cols: usize,
    indptr: Vec<i64>,
    indices: Dataset,
    data: Dataset,
}

impl Appender {
    fn new(parent: &Group, name: &str, n_cols: usize, storage: Storage) -> hdf5::Result<Self> {
        let group = parent.create_group(name)?;
        encode(&group, "csr_matrix", "0.1.0")?;
        let Storage { wide, level, long } = storage;
        let indices =
            if long { growing::<i64>(&group, "indices", level) } else { growing::<i32>(&group, "indices", level) };
        let data = if wide { growing::<f64>(&group, "data", level) } else { growing::<f32>(&group, "data", level) };
        Ok(Self { indices: indices?, data: data?, group, storage, n_cols, indptr: vec![0] })
    }

    fn push(&mut self, block: &Csr<f32>) -> hdf5::Result<()> {
        let before = self.indptr.last().copied().unwrap_or(0);
        self.indptr.extend(block.indptr()[1..].iter().map(|&o| before + o as i64));
        let at = before as usize;
        // HDF5 converts to the type of the dataset.
        append(&self.indices, at, &block.indices().iter().map(|&j| j as i32).collect::<Vec<_>>())?;
        append(&self.data, at, block.data())
    }

    fn finish(self) -> hdf5::Result<()> {
        let shape = Array1::from(vec![self.indptr.len() as i64 - 1, self.n_cols as i64]);
        self.group.new_attr_builder().with_data(&shape).create("shape")?;
        let narrow = self.indptr.iter().map(|&o| i32::try_from(o)).collect::<Result<Vec<_>, _>>();
        match narrow {
            Ok(narrow) if !self.storage.long => plain(&self.group, "indptr", &narrow),
            _ => plain(&self.group, "indptr", &self.indptr),
        }
    }
}

fn growing<T: H5Type>(group: &Group, name: &str, level: Option<u8>) -> hdf5::Result<Dataset> {
    let mut builder = group.new_dataset_builder().chunk(CHUNK);
    if let Some(level) = level {
        builder = builder.shuffle().deflate(level);
    }
    builder.empty::<T>().shape((0..,)).create(name)
}

fn append<T: H5Type>(dataset: &Dataset, at: usize, values: &[T]) -> hdf5::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    dataset.resize(at + values.len())?;
    dataset.write_slice(ArrayView1::from(values), at..at + values.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::Scale;
    use crate::io::open_cells;

    fn rows(values: &[[f32; 3]]) -> Csr<f32> {
        let mut x = Csr::empty(3);
        values.iter().for_each(|row| x.push_row((0..3).zip(row.iter().copied()).filter(|(_, v)| *v != 0.0)));
        x
    }

    #[test]
    fn blocks_read_back_as_one_matrix_in_every_layout() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.h5ad");
        let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
        let names: Vec<String> = (0..4).map(|i| i.to_string()).collect();
        let blocks = [rows(&[[1.0, 0.0, 2.5], [0.0; 3]]), rows(&[]), rows(&[[0.0, 0.5, 0.0], [3.0, 4.0, 5.0]])];
        for (wide, gzip, max_entries) in [(false, true, 6), (true, false, 1 << 40)] {
            let layout = RowsLayout { wide, gzip, max_entries };
            write_h5ad_rows(&path, &names, &[], &genes, layout, blocks.iter().cloned().map(Ok::<_, IoError>)).unwrap();
            let x = open_cells(&path, None).unwrap().read(Scale::Log1p).unwrap().x;
            assert_eq!(x, rows(&[[1.0, 0.0, 2.5], [0.0; 3], [0.0, 0.5, 0.0], [3.0, 4.0, 5.0]]));
        }
    }

    #[test]
    fn a_missing_row_or_a_failing_block_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.h5ad");
        let genes = GeneIndex::new(["A", "B", "C"]).unwrap();
        let layout = RowsLayout { wide: false, gzip: true, max_entries: 9 };
        let t = |blocks: Vec<Result<Csr<f32>, IoError>>, expected: &str| {
            let names = ["a", "b"].map(String::from);
            let said = write_h5ad_rows(&path, &names, &[], &genes, layout, blocks).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        };
        t(vec![Ok(rows(&[[1.0; 3]]))], "expected 2 rows, got 1");
        t(vec![Ok(Csr::empty(2))], "expected 3 columns, got 2 columns");
        t(vec![Err(IoError::format("y", "", "a block", "none"))], "expected a block, got none");
    }

    #[test]
    fn layers_and_unstructured_values_are_streamed_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.h5ad");
        let genes = GeneIndex::new(["A", "B", "C"]).unwrap();
        let names = ["a", "b"].map(String::from);
        let uns = serde_json::Map::from_iter([("seed".to_owned(), serde_json::json!(7))]);
        let cells =
            StreamedCells { obs_names: &names, obs: &[], genes: &genes, var: &[], layers: &["free"], uns: &uns };
        let (x, free) = (rows(&[[1.0, 0.0, 2.0], [0.0; 3]]), rows(&[[0.5; 3], [1.5; 3]]));
        write_h5ad_stream(&path, &cells, [Ok::<_, IoError>(vec![x.clone(), free.clone()])]).unwrap();
        assert_eq!(open_cells(&path, None).unwrap().read(Scale::Log1p).unwrap().x, x);
        let file = hdf5::File::open(&path).unwrap();
        let read = |name: &str| file.dataset(name).unwrap().read_raw::<f32>().unwrap();
        assert_eq!(read("layers/free/data"), free.data());
        assert_eq!(file.dataset("uns/seed").unwrap().read_scalar::<i64>().unwrap(), 7);
        let short = [Ok::<_, IoError>(vec![x, rows(&[[0.5; 3]])])];
        assert!(write_h5ad_stream(&path, &cells, short).unwrap_err().to_string().contains("2 rows in every layer"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_the_row_offsets_of_a_huge_matrix_have_64_bits() {
        let dir = tempfile::tempdir().unwrap();
        let file = hdf5::File::create(dir.path().join("x.h5")).unwrap();
        let stored = |name: &str, last: i64| {
            let mut matrix = Appender::new(&file, name, 3, Storage { wide: false, level: None, long: false }).unwrap();
            matrix.indptr.push(last);
            matrix.finish().unwrap();
            let size = |part: &str| file.dataset(&format!("{name}/{part}")).unwrap().dtype().unwrap().size();
            (size("indptr"), size("indices"))
        };
        assert_eq!(stored("small", i64::from(i32::MAX)), (4, 4));
        assert_eq!(stored("huge", i64::from(i32::MAX) + 1), (8, 4));
    }
}
