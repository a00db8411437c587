//! AnnData files whose matrix is appended block by block.

use std::path::Path;

use hdf5::{Dataset, Group, H5Type};
use ndarray::{Array1, ArrayView1};

use super::write::{CHUNK, GZIP, check_columns, dicts, encode, frames, plain, refused};
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
    check_columns(path, obs, obs_names.len())?;
    let failed = refused(path);
    write_atomic_at(path, |at| {
        let file = hdf5::File::create(at).map_err(&failed)?;
        frames(&file, obs_names, obs, genes, &[]).map_err(&failed)?;
        let mut rows = Appender::new(&file, genes.len(), layout).map_err(&failed)?;
        for block in blocks {
            let block = block?;
            if block.n_cols() != genes.len() {
                let got = format!("{} columns", block.n_cols());
                return Err(IoError::format(path, "`X`", format!("{} columns", genes.len()), got).into());
            }
            rows.push(&block).map_err(&failed)?;
        }
        let (n, got) = (obs_names.len(), rows.indptr.len() - 1);
        if n != got {
            return Err(IoError::format(path, "`X`", format!("{n} rows"), got.to_string()).into());
        }
        rows.finish().map_err(&failed)?;
        dicts(&file, ["layers", "obsm", "varm", "obsp", "varp", "uns"]).map_err(&failed)?;
        Ok(file.close().map_err(&failed)?)
    })
}

/// The three arrays of a growing matrix.
struct Appender {
    group: Group,
    layout: RowsLayout,
    long: bool,
    n_cols: usize,
    indptr: Vec<i64>,
    indices: Dataset,
    data: Dataset,
}

impl Appender {
    fn new(file: &Group, n_cols: usize, layout: RowsLayout) -> hdf5::Result<Self> {
        let group = file.create_group("X")?;
        encode(&group, "csr_matrix", "0.1.0")?;
        // scipy wants both index arrays of one type.
        let long = layout.max_entries > i32::MAX as u64;
        let indices =
            if long { growing::<i64>(&group, "indices", layout) } else { growing::<i32>(&group, "indices", layout) };
        let data =
            if layout.wide { growing::<f64>(&group, "data", layout) } else { growing::<f32>(&group, "data", layout) };
        Ok(Self { indices: indices?, data: data?, group, layout, long, n_cols, indptr: vec![0] })
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
        debug_assert!(self.indptr.last().is_some_and(|&n| n as u64 <= self.layout.max_entries));
        if self.long {
            plain(&self.group, "indptr", &self.indptr)
        } else {
            plain(&self.group, "indptr", &self.indptr.iter().map(|&o| o as i32).collect::<Vec<_>>())
        }
    }
}

fn growing<T: H5Type>(group: &Group, name: &str, layout: RowsLayout) -> hdf5::Result<Dataset> {
    let mut builder = group.new_dataset_builder().chunk(CHUNK);
    if layout.gzip {
        builder = builder.shuffle().deflate(GZIP);
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
}
