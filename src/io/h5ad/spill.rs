//! Turns entries that come by columns into rows, in bounded memory: a bucket sort through temporary files.

use std::io::{BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::SpooledTempFile;

use super::rows::sorted;
use crate::data::{Csr, DataError};
use crate::io::IoError;

/// Entries per bucket, on average.
const BUCKET_ENTRIES: u64 = 1 << 21;
/// Buckets at most: each may hold a file open.
const BUCKETS: u64 = 512;
/// Bytes of all buckets together that stay in memory.
const IN_MEMORY: usize = 64 << 20;
/// Bytes per entry: row, column, value.
const ENTRY: usize = 12;

/// Takes entries in any order.
#[derive(Debug)]
pub(in crate::io) struct Spiller {
    path: PathBuf,
    rows_per_bucket: usize,
    n_rows: usize,
    n_cols: usize,
    buckets: Vec<BufWriter<SpooledTempFile>>,
}

/// Entries sorted by blocks of rows.
#[derive(Debug)]
pub(in crate::io) struct Spill {
    path: PathBuf,
    rows_per_bucket: usize,
    n_rows: usize,
    n_cols: usize,
    buckets: Vec<Mutex<SpooledTempFile>>,
}

impl Spiller {
    /// A sorter for about `n_entries` entries of an n_rows x n_cols matrix; errors will name the file at `path`.
    pub(in crate::io) fn new(path: &Path, n_rows: usize, n_cols: usize, n_entries: u64) -> Self {
        let buckets = n_entries.div_ceil(BUCKET_ENTRIES).clamp(1, BUCKETS).min(n_rows.max(1) as u64) as usize;
        let rows_per_bucket = n_rows.div_ceil(buckets).max(1);
        let buckets = n_rows.div_ceil(rows_per_bucket).max(1);
        let bucket = |_| BufWriter::with_capacity(ENTRY * 1024, SpooledTempFile::new(IN_MEMORY / buckets));
        Self { path: path.to_owned(), rows_per_bucket, n_rows, n_cols, buckets: (0..buckets).map(bucket).collect() }
    }

    /// Adds one entry; row and column must be in range.
    pub(in crate::io) fn push(&mut self, row: usize, column: u32, value: f32) -> Result<(), IoError> {
        let mut entry = [0; ENTRY];
        entry[..4].copy_from_slice(&((row % self.rows_per_bucket) as u32).to_le_bytes());
        entry[4..8].copy_from_slice(&column.to_le_bytes());
        entry[8..].copy_from_slice(&value.to_le_bytes());
        let bucket = &mut self.buckets[row / self.rows_per_bucket];
        bucket.write_all(&entry).map_err(|e| temporary(&self.path, e))
    }

    /// The sorted entries.
    pub(in crate::io) fn finish(self) -> Result<Spill, IoError> {
        let Self { path, rows_per_bucket, n_rows, n_cols, buckets } = self;
        let flushed =
            buckets.into_iter().map(|b| b.into_inner().map(Mutex::new).map_err(std::io::IntoInnerError::into_error));
        let buckets = flushed.collect::<Result<_, _>>().map_err(|e| temporary(&path, e))?;
        Ok(Spill { path, rows_per_bucket, n_rows, n_cols, buckets })
    }
}

impl Spill {
    /// The rows of each bucket.
    pub(super) fn plan(&self) -> Vec<Range<usize>> {
        let starts = (0..self.n_rows).step_by(self.rows_per_bucket);
        starts.map(|start| start..(start + self.rows_per_bucket).min(self.n_rows)).collect()
    }

    /// The rows of one bucket.
    pub(super) fn read(&self, bucket: usize) -> Result<Csr<f32>, IoError> {
        let mut bytes = Vec::new();
        {
            let mut file = self.buckets[bucket].lock().unwrap_or_else(PoisonError::into_inner);
            file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(|e| temporary(&self.path, e))?;
        }
        let start = bucket * self.rows_per_bucket;
        rows_of(&bytes, self.rows_per_bucket.min(self.n_rows - start), self.n_cols).map_err(IoError::data(&self.path))
    }
}

/// Entries as compressed rows (counting sort, so that entries of a row keep their order).
fn rows_of(bytes: &[u8], n_rows: usize, n_cols: usize) -> Result<Csr<f32>, DataError> {
    let word = |entry: &[u8], at: usize| [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
    let row = |entry: &[u8]| u32::from_le_bytes(word(entry, 0)) as usize;
    let mut indptr = vec![0usize; n_rows + 1];
    bytes.chunks_exact(ENTRY).for_each(|entry| indptr[row(entry) + 1] += 1);
    (0..n_rows).for_each(|i| indptr[i + 1] += indptr[i]);
    let mut next = indptr.clone();
    let (mut columns, mut values) = (vec![0u32; indptr[n_rows]], vec![0f32; indptr[n_rows]]);
    for entry in bytes.chunks_exact(ENTRY) {
        let at = &mut next[row(entry)];
        columns[*at] = u32::from_le_bytes(word(entry, 4));
        values[*at] = f32::from_le_bytes(word(entry, 8));
        *at += 1;
    }
    sorted(indptr, columns, values, n_cols)
}

fn temporary(path: &Path, source: std::io::Error) -> IoError {
    IoError::System { verb: "sort into temporary files the entries of", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_any_order_become_rows() {
        let mut spiller = Spiller::new(Path::new("x"), 5, 4, 1 << 23);
        for (row, column, value) in [(4, 3, 1.0), (0, 2, 2.0), (4, 0, 3.0), (4, 3, 4.0), (2, 1, 5.0)] {
            spiller.push(row, column, value).unwrap();
        }
        let spill = spiller.finish().unwrap();
        assert_eq!(spill.plan(), [0..2, 2..4, 4..5]);
        let rows: Vec<Csr<f32>> = (0..3).map(|k| spill.read(k).unwrap()).collect();
        assert_eq!(rows[0].row(0), (&[2u32][..], &[2.0f32][..]));
        assert_eq!(rows[1].row(0), (&[1u32][..], &[5.0f32][..]));
        assert_eq!(rows[2].row(0), (&[0u32, 3][..], &[3.0f32, 5.0][..]));
        assert_eq!((rows[0].nnz(), rows[1].nnz()), (1, 1));
    }
}
