//! Rows of a stored matrix, a block at a time.

use std::ops::{Range, RangeInclusive};

use hdf5::Dataset;
use ndarray::Array2;

use super::matrix::{blocks_of_entries, blocks_of_rows, read_offsets};
use super::numbers::Numbers;
use super::{H5File, Spill, StoredMatrix};
use crate::data::{Csr, DataError};
use crate::io::IoError;

/// Stored values per block, 2 to 8 MB of values and indices: the more the larger the chunks of the file, as those at the
/// ends of a block are decompressed twice.
const BLOCK_ENTRIES: RangeInclusive<usize> = 1 << 18..=1 << 20;
/// Chunks per block.
const BLOCK_CHUNKS: usize = 16;
/// Values of a dense block (16 MB), zeros included.
pub(in crate::io) const DENSE_ENTRIES: usize = 1 << 22;
/// Rows per block at most.
pub(in crate::io) const BLOCK_ROWS: usize = 1 << 14;
/// Blocks that are read at the same time: beyond that the disk is slower than the processors.
pub(in crate::io) const MOST_AT_ONCE: usize = 8;
/// A band of chunks of a dense dataset that is larger than this (in values) is not read by rows.
const BAND_LIMIT: usize = 1 << 26;

/// A matrix that can be read by rows.
#[derive(Debug)]
pub(in crate::io) struct Rows {
    source: Source,
    n_cols: usize,
    plan: Vec<Range<usize>>,
}

#[derive(Debug)]
enum Source {
    Sparse { file: H5File, data: Numbers, indices: Numbers, offsets: Vec<u64> },
    Dense(Numbers),
    Spilled(Spill),
}

impl Rows {
    /// Compressed rows where they lie.
    pub(super) fn sparse(matrix: &StoredMatrix) -> Result<Self, IoError> {
        let (file, at) = (matrix.file.clone(), matrix.at.clone());
        let offsets = read_offsets(&file, &at, matrix.n_rows)?;
        let [data, indices] = ["data", "indices"].map(|part| Numbers::open(&file, &format!("{at}/{part}")));
        let (data, indices) = (data?, indices?);
        let chunk = data.chunk().unwrap_or(0);
        let entries = (BLOCK_CHUNKS * chunk).clamp(*BLOCK_ENTRIES.start(), *BLOCK_ENTRIES.end());
        let plan = blocks_of_entries(&offsets, entries, BLOCK_ROWS);
        let source = Source::Sparse { data, indices, file, offsets };
        Ok(Self { source, n_cols: matrix.n_cols, plan })
    }

    /// Dense rows: blocks follow the chunks of the file, so that each chunk is decompressed once.
    pub(super) fn dense(matrix: &StoredMatrix) -> Result<Self, IoError> {
        let (file, at) = (matrix.file.clone(), matrix.at.clone());
        let dataset = file.dataset(&at)?;
        let n_cols = matrix.n_cols;
        let band = dataset.chunk().and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1);
        if band.min(matrix.n_rows) * n_cols > BAND_LIMIT {
            return Ok(Self::spilled(spill_columns(&file, &at, &dataset, [matrix.n_rows, n_cols])?, n_cols));
        }
        let wanted = (DENSE_ENTRIES / n_cols.max(1)).clamp(1, BLOCK_ROWS);
        let rows = wanted.div_ceil(band) * band;
        let plan = blocks_of_rows(matrix.n_rows, rows);
        Ok(Self { source: Source::Dense(Numbers::open(&file, &at)?), n_cols, plan })
    }

    /// Rows sorted out of a file that is ordered by columns.
    pub(in crate::io) fn spilled(spill: Spill, n_cols: usize) -> Self {
        let plan = spill.plan();
        Self { source: Source::Spilled(spill), n_cols, plan }
    }

    /// The blocks, in order: every row once.
    pub(in crate::io) fn plan(&self) -> &[Range<usize>] {
        &self.plan
    }

    /// Blocks that may be read at the same time: sorted entries need far more memory while they are read than afterwards.
    pub(in crate::io) fn at_once(&self) -> usize {
        if matches!(self.source, Source::Spilled(_)) { 1 } else { MOST_AT_ONCE }
    }

    /// One block of the plan, columns ascending in each row, zeros left out of dense data, repeated columns added up.
    pub(in crate::io) fn read(&self, block: usize) -> Result<Csr<f32>, IoError> {
        let range = self.plan[block].clone();
        match &self.source {
            Source::Spilled(spill) => spill.read(block),
            Source::Dense(numbers) => Ok(sparse_of(&numbers.rows(range)?)),
            Source::Sparse { file, data, indices, offsets } => {
                let entries = offsets[range.start] as usize..offsets[range.end] as usize;
                let values = data.read(entries.clone())?;
                let columns = indices.positions(entries, self.n_cols)?;
                let first = offsets[range.start];
                let indptr = offsets[range.start..=range.end].iter().map(|&o| (o - first) as usize).collect();
                sorted(indptr, columns, values, self.n_cols).map_err(IoError::data(&file.path))
            }
        }
    }

    /// Sum of the stored values of each row of a block; reads no more of the file than it has to.
    pub(in crate::io) fn totals(&self, block: usize) -> Result<Vec<f64>, IoError> {
        let total = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum();
        let Source::Sparse { data, offsets, .. } = &self.source else {
            let rows = self.read(block)?;
            return Ok((0..rows.n_rows()).map(|i| total(rows.row(i).1)).collect());
        };
        let offsets = &offsets[self.plan[block].start..=self.plan[block].end];
        let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        let values = data.read(first..last)?;
        Ok(offsets.windows(2).map(|w| total(&values[w[0] as usize - first..w[1] as usize - first])).collect())
    }
}

/// The entries other than zero. NaN is kept: it has to be seen and refused.
pub(super) fn sparse_of(dense: &Array2<f32>) -> Csr<f32> {
    let mut rows = Csr::empty(dense.ncols());
    for row in dense.rows() {
        rows.push_row(row.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(j, &x)| (j as u32, x)));
    }
    rows
}

/// Compressed rows with ascending columns; entries of the same row and column are added up, as scipy does.
pub(in crate::io) fn sorted(
    indptr: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    n_cols: usize,
) -> Result<Csr<f32>, DataError> {
    if indptr.windows(2).all(|w| columns[w[0]..w[1]].windows(2).all(|c| c[0] < c[1])) {
        return Csr::new(indptr, columns, values, n_cols);
    }
    let mut rows = Csr::empty(n_cols);
    for w in indptr.windows(2) {
        let mut row: Vec<(u32, f32)> = (w[0]..w[1]).map(|k| (columns[k], values[k])).collect();
        row.sort_by_key(|entry| entry.0);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
        rows.push_row(row);
    }
    Ok(rows)
}

/// Sorts a dense dataset whose chunks span too many rows into rows, a band of columns at a time.
fn spill_columns(file: &H5File, at: &str, dataset: &Dataset, [n_rows, n_cols]: [usize; 2]) -> Result<Spill, IoError> {
    let chunk_cols = dataset.chunk().and_then(|chunk| chunk.get(1).copied()).unwrap_or(1).max(1);
    let width = (DENSE_ENTRIES / n_rows.max(1)).max(1).div_ceil(chunk_cols) * chunk_cols;
    let mut spiller = super::Spiller::new(&file.path, n_rows, n_cols, (n_rows * n_cols) as u64);
    for start in (0..n_cols).step_by(width) {
        let band = dataset.read_slice_2d::<f32, _>((.., start..(start + width).min(n_cols))).map_err(file.wrong(at))?;
        for ((i, j), &value) in band.indexed_iter().filter(|(_, x)| **x != 0.0) {
            spiller.push(i, (start + j) as u32, value)?;
        }
    }
    spiller.finish()
}
