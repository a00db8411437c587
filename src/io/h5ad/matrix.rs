//! A stored matrix: where it is, how it is laid out, how large it is.

use std::ops::Range;

use super::numbers::Numbers;
use super::{H5File, Rows, Spill, Spiller};
use crate::io::IoError;

/// How a matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) enum Layout {
    /// Compressed sparse rows.
    Csr,
    /// Compressed sparse columns.
    Csc,
    /// A two-dimensional dataset.
    Dense,
}

/// A matrix in a file, n_rows x n_cols; nothing is read yet but its shape.
#[derive(Debug, Clone)]
pub(in crate::io) struct Matrix {
    /// The file.
    pub(in crate::io) file: H5File,
    /// Path from the root.
    pub(in crate::io) at: String,
    /// How it is stored.
    pub(in crate::io) layout: Layout,
    /// Number of rows (cells).
    pub(in crate::io) n_rows: usize,
    /// Number of columns (genes).
    pub(in crate::io) n_cols: usize,
}

/// Stored entries read at a time where columns have to be turned into rows.
const COLUMN_READ: usize = 1 << 20;

impl Matrix {
    /// The matrix of this name; `None` where there is none or it is null.
    pub(in crate::io) fn find(file: &H5File, at: &str) -> Result<Option<Self>, IoError> {
        let of = |layout, [n_rows, n_cols]: [usize; 2]| Self {
            file: file.clone(),
            at: at.to_owned(),
            layout,
            n_rows,
            n_cols,
        };
        if let Some(dataset) = file.find_dataset(at) {
            let shape = dataset.shape();
            return match shape[..] {
                [n_rows, n_cols] => Ok(Some(of(Layout::Dense, [n_rows, n_cols]))),
                [] => Ok(None),
                _ => Err(file.layout(at, "a matrix", format!("an array of {} dimensions", shape.len()))),
            };
        }
        if !file.exists(at) {
            return Ok(None);
        }
        let encoding = file.text_attr(at, "encoding-type").or_else(|| file.text_attr(at, "h5sparse_format"));
        let layout = match encoding.as_deref() {
            Some("csr_matrix" | "csr") => Layout::Csr,
            Some("csc_matrix" | "csc") => Layout::Csc,
            other => {
                let got = other.map_or("a group without encoding".into(), |e| format!("encoding `{e}`"));
                return Err(file.layout(at, "a csr_matrix, csc_matrix or dense array", got));
            }
        };
        let shape = file.shape_attr(at, "shape").or_else(|| file.shape_attr(at, "h5sparse_shape"));
        let shape = shape.ok_or_else(|| file.layout(at, "an attribute `shape` of two numbers", "none"))?;
        Ok(Some(of(layout, shape)))
    }

    /// Up to `limit` stored values from ten places of the matrix.
    pub(in crate::io) fn sample(&self, limit: usize) -> Result<Vec<f32>, IoError> {
        let part = (limit / 10).max(1);
        if self.layout == Layout::Dense {
            let rows = (part / self.n_cols.max(1)).max(1);
            let mut values = Vec::new();
            for range in places(self.n_rows, rows) {
                let dataset = self.file.dataset(&self.at)?;
                let block = dataset.read_slice_2d::<f32, _>((range, ..)).map_err(self.file.wrong(&self.at))?;
                values.extend(block.iter().copied().filter(|&x| x != 0.0).take(part));
            }
            return Ok(values);
        }
        let name = format!("{}/data", self.at);
        let data = self.file.dataset(&name)?;
        let mut values = Vec::new();
        for range in places(data.size(), part) {
            values.extend(data.read_slice_1d::<f32, _>(range).map_err(self.file.wrong(&name))?);
        }
        values.retain(|&x| x != 0.0);
        Ok(values)
    }

    /// Values in the file; of a sparse matrix those that are stored.
    pub(in crate::io) fn stored_values(&self) -> u64 {
        let all = self.n_rows as u64 * self.n_cols as u64;
        match self.layout {
            Layout::Dense => all,
            Layout::Csr | Layout::Csc => {
                self.file.find_dataset(&format!("{}/data", self.at)).map_or(all, |d| d.size() as u64)
            }
        }
    }

    /// Access by rows. Rows-first layouts are read where they lie; columns-first layouts are sorted into rows through
    /// temporary files first, O(stored values) time and disk, bounded memory.
    pub(in crate::io) fn rows(&self) -> Result<Rows, IoError> {
        match self.layout {
            Layout::Csr => Rows::sparse(self),
            Layout::Dense => Rows::dense(self),
            Layout::Csc => Ok(Rows::spilled(self.spill()?, self.n_cols)),
        }
    }

    fn spill(&self) -> Result<Spill, IoError> {
        let [data, indices] = ["data", "indices"].map(|part| format!("{}/{part}", self.at));
        let offsets = read_offsets(&self.file, &self.at, self.n_cols)?;
        let mut spiller = Spiller::new(&self.file.path, self.n_rows, self.n_cols, *offsets.last().unwrap_or(&0));
        let (values, rows) = (Numbers::open(&self.file, &data)?, Numbers::open(&self.file, &indices)?);
        let (all, mut column) = (values.len(), 0);
        for start in (0..all).step_by(COLUMN_READ) {
            let range = start..(start + COLUMN_READ).min(all);
            let rows = rows.positions(range.clone(), self.n_rows)?;
            let values = values.read(range)?;
            for (k, (&row, &value)) in rows.iter().zip(&values).enumerate() {
                while offsets[column + 1] <= (start + k) as u64 {
                    column += 1;
                }
                spiller.push(row as usize, column as u32, value)?;
            }
        }
        spiller.finish()
    }
}

/// Ten ranges of `length` spread evenly over `0..size`, or everything where that is less.
pub(in crate::io) fn places(size: usize, length: usize) -> Vec<Range<usize>> {
    if size <= 10 * length {
        return std::iter::once(0..size).collect();
    }
    (0..10).map(|k| (size - length) * k / 9).map(|start| start..start + length).collect()
}

/// The offsets of a compressed matrix, checked: `n + 1` of them, from 0, never falling, as many as there are values.
pub(super) fn read_offsets(file: &H5File, at: &str, n: usize) -> Result<Vec<u64>, IoError> {
    let name = format!("{at}/indptr");
    let offsets: Vec<u64> = file.read(&name)?;
    let stored = file.dataset(&format!("{at}/data"))?.size() as u64;
    let indices = file.dataset(&format!("{at}/indices"))?.size() as u64;
    let got = if offsets.len() != n + 1 {
        format!("{} offsets for {n} rows or columns", offsets.len())
    } else if offsets[0] != 0 || offsets.windows(2).any(|w| w[0] > w[1]) {
        "offsets that fall".into()
    } else if offsets[n] != stored || indices != stored {
        format!("{} entries by offset, {stored} values, {indices} indices", offsets[n])
    } else {
        return Ok(offsets);
    };
    Err(file.layout(&name, format!("{} offsets from 0 to the number of stored values", n + 1), got))
}

/// Blocks of rows with about as many stored values each, at least one row and at most `most`.
pub(in crate::io) fn blocks_of_entries(offsets: &[u64], entries: usize, most: usize) -> Vec<Range<usize>> {
    let (mut plan, mut start) = (Vec::new(), 0);
    while start + 1 < offsets.len() {
        let end = block_end(offsets, start, entries).min(start + most);
        plan.push(start..end);
        start = end;
    }
    plan
}

/// Blocks of as many rows each.
pub(in crate::io) fn blocks_of_rows(n_rows: usize, rows: usize) -> Vec<Range<usize>> {
    (0..n_rows).step_by(rows).map(|start| start..(start + rows).min(n_rows)).collect()
}

/// The end of a block of rows (or columns) from `start` with about `entries` stored values, at least one row.
fn block_end(offsets: &[u64], start: usize, entries: usize) -> usize {
    let limit = offsets[start] + entries as u64;
    let last = offsets.len() - 1;
    let end = offsets[start..].partition_point(|&offset| offset <= limit) + start - 1;
    end.clamp(start + 1, last)
}
