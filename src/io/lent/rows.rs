//! A borrowed matrix by blocks of rows.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{LentLayout, LentMatrix, Shared};
use crate::data::{Csr, DataError};
use crate::io::IoError;
use crate::io::h5ad::{
    BLOCK_ROWS, DENSE_ENTRIES, MOST_AT_ONCE, Rows, Spiller, blocks_of_entries, blocks_of_rows, places, sorted,
};

/// Stored values per block of sparse rows, as of files in one piece.
const BLOCK_ENTRIES: usize = 1 << 18;
/// The same where each block is put together from all columns: finding its entries costs O(genes log cells).
const COLUMN_BLOCK_ENTRIES: usize = 1 << 20;

/// A borrowed matrix that can be read by rows.
#[derive(Debug)]
pub(in crate::io) struct LentRows {
    layout: Layout,
    n_cols: usize,
    plan: Vec<Range<usize>>,
    path: PathBuf,
}

#[derive(Debug)]
enum Layout {
    Sparse {
        offsets: Vec<u64>,
        indices: Shared,
        data: Shared,
    },
    /// Rows ascend within each column.
    Columns {
        offsets: Vec<u64>,
        indices: Shared,
        data: Shared,
    },
    Dense {
        data: Shared,
        strides: [usize; 2],
    },
    /// Columns in disorder: sorted through temporary files.
    Spilled(Box<Rows>),
}

impl LentMatrix {
    /// Values in memory; of a sparse matrix those that are stored.
    pub(in crate::io) fn stored_values(&self) -> u64 {
        match &self.layout {
            LentLayout::Csr { data, .. } | LentLayout::Csc { data, .. } => data.numbers().len() as u64,
            LentLayout::Dense { .. } => self.shape[0] as u64 * self.shape[1] as u64,
        }
    }

    /// Up to `limit` stored values from ten places, other than zero: those that a file of the same layout gives.
    pub(in crate::io) fn sample(&self, limit: usize) -> Vec<f32> {
        let part = (limit / 10).max(1);
        let mut values = Vec::new();
        match &self.layout {
            LentLayout::Csr { data, .. } | LentLayout::Csc { data, .. } => {
                let data = data.numbers();
                places(data.len(), part).into_iter().for_each(|range| values.extend(data.values(range)));
                values.retain(|&x| x != 0.0);
            }
            LentLayout::Dense { data, strides: [down, right] } => {
                let rows = (part / self.shape[1].max(1)).max(1);
                for range in places(self.shape[0], rows) {
                    let before = values.len();
                    for row in range {
                        data.numbers().strided(row * down, *right, self.shape[1], &mut |_, x| {
                            if x != 0.0 && values.len() - before < part {
                                values.push(x);
                            }
                        });
                    }
                }
            }
        }
        values
    }

    /// Bytes of its arrays.
    pub(super) fn bytes(&self) -> u64 {
        self.arrays().into_iter().map(|array| array.numbers().n_bytes()).sum()
    }

    /// Takes layout, shape and arrays in.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        let layout = match &self.layout {
            LentLayout::Csr { .. } => "csr".to_owned(),
            LentLayout::Csc { .. } => "csc".to_owned(),
            LentLayout::Dense { strides, .. } => format!("dense {strides:?}"),
        };
        hasher.update(format!("{layout} {:?}", self.shape).as_bytes());
        self.arrays().into_iter().for_each(|array| array.numbers().hash(hasher));
    }

    fn arrays(&self) -> Vec<&Shared> {
        match &self.layout {
            LentLayout::Csr { indptr, indices, data } | LentLayout::Csc { indptr, indices, data } => {
                vec![indptr, indices, data]
            }
            LentLayout::Dense { data, .. } => vec![data],
        }
    }

    /// Whether the arrays have the lengths that the shape asks for; what was expected and found where not.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        let [rows, columns] = self.shape;
        match &self.layout {
            LentLayout::Csr { indptr, indices, data } => check_sparse(rows, [indptr, indices, data]),
            LentLayout::Csc { indptr, indices, data } => check_sparse(columns, [indptr, indices, data]),
            LentLayout::Dense { data, strides: [down, right] } => {
                let needed = if rows * columns == 0 { 0 } else { (rows - 1) * down + (columns - 1) * right + 1 };
                let got = data.numbers().len();
                if got >= needed { Ok(()) } else { Err((format!("{needed} values"), got.to_string())) }
            }
        }
    }

    /// Access by rows. Rows and dense values are read where they lie; so are columns whose rows ascend (as SciPy makes
    /// them), others are sorted through temporary files first.
    pub(in crate::io) fn rows(&self, path: &Path) -> Result<LentRows, IoError> {
        let [n_rows, n_cols] = self.shape;
        let wrong = |got: String| IoError::format(path, "indptr", "offsets", format!("`{got}`"));
        let (layout, plan) = match &self.layout {
            LentLayout::Csr { indptr, indices, data } => {
                let offsets = indptr.numbers().offsets().map_err(wrong)?;
                let plan = blocks_of_entries(&offsets, BLOCK_ENTRIES, BLOCK_ROWS);
                (Layout::Sparse { offsets, indices: indices.clone(), data: data.clone() }, plan)
            }
            LentLayout::Csc { indptr, indices, data } => {
                let offsets = indptr.numbers().offsets().map_err(wrong)?;
                self.columns(path, offsets, indices, data)?
            }
            LentLayout::Dense { data, strides } => {
                let rows = (DENSE_ENTRIES / n_cols.max(1)).clamp(1, BLOCK_ROWS);
                (Layout::Dense { data: data.clone(), strides: *strides }, blocks_of_rows(n_rows, rows))
            }
        };
        Ok(LentRows { layout, n_cols, plan, path: path.to_owned() })
    }

    fn columns(
        &self,
        path: &Path,
        offsets: Vec<u64>,
        indices: &Shared,
        data: &Shared,
    ) -> Result<(Layout, Vec<Range<usize>>), IoError> {
        let [n_rows, n_cols] = self.shape;
        let column = |j: usize| offsets[j] as usize..offsets[j + 1] as usize;
        if (0..n_cols).into_par_iter().all(|j| indices.numbers().ascend(column(j))) {
            let per_row = (data.numbers().len() / n_rows.max(1)).max(1);
            let plan = blocks_of_rows(n_rows, (COLUMN_BLOCK_ENTRIES / per_row).clamp(1, BLOCK_ROWS));
            return Ok((Layout::Columns { offsets, indices: indices.clone(), data: data.clone() }, plan));
        }
        let mut spiller = Spiller::new(path, n_rows, n_cols, data.numbers().len() as u64);
        for j in 0..n_cols {
            let rows = indices.numbers().positions(column(j), n_rows).map_err(|got| out_of_range(path, n_rows, got))?;
            for (row, value) in rows.into_iter().zip(data.numbers().values(column(j))) {
                spiller.push(row as usize, j as u32, value)?;
            }
        }
        let rows = Rows::spilled(spiller.finish()?, n_cols);
        let plan = rows.plan().to_vec();
        Ok((Layout::Spilled(Box::new(rows)), plan))
    }
}

impl LentRows {
    /// The blocks, in order: every row once.
    pub(in crate::io) fn plan(&self) -> &[Range<usize>] {
        &self.plan
    }

    /// Blocks that may be read at the same time.
    pub(in crate::io) fn at_once(&self) -> usize {
        if let Layout::Spilled(rows) = &self.layout { rows.at_once() } else { MOST_AT_ONCE }
    }

    /// One block of the plan, columns ascending in each row, zeros left out of dense data, repeated columns added up.
    pub(in crate::io) fn read(&self, block: usize) -> Result<Csr<f32>, IoError> {
        let rows = self.plan[block].clone();
        match &self.layout {
            Layout::Spilled(spilled) => spilled.read(block),
            Layout::Sparse { offsets, indices, data } => {
                let entries = offsets[rows.start] as usize..offsets[rows.end] as usize;
                let columns = indices.numbers().positions(entries.clone(), self.n_cols);
                let columns = columns.map_err(|got| out_of_range(&self.path, self.n_cols, got))?;
                let first = offsets[rows.start];
                let indptr = offsets[rows.start..=rows.end].iter().map(|&o| (o - first) as usize).collect();
                self.csr(indptr, columns, data.numbers().values(entries))
            }
            Layout::Columns { offsets, indices, data } => self.of_columns(rows, offsets, indices, data),
            Layout::Dense { data, strides: [down, right] } => {
                let mut x = Csr::empty(self.n_cols);
                let mut cell = Vec::new();
                for row in rows {
                    cell.clear();
                    data.numbers().strided(row * down, *right, self.n_cols, &mut |j, value| {
                        // NaN is kept: it has to be seen and refused.
                        if value != 0.0 {
                            cell.push((j as u32, value));
                        }
                    });
                    x.push_row(cell.iter().copied());
                }
                Ok(x)
            }
        }
    }

    /// Sum of the stored values of each row of a block.
    pub(in crate::io) fn totals(&self, block: usize) -> Result<Vec<f64>, IoError> {
        let total = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum();
        let Layout::Sparse { offsets, data, .. } = &self.layout else {
            let rows = self.read(block)?;
            return Ok((0..rows.n_rows()).map(|i| total(rows.row(i).1)).collect());
        };
        let offsets = &offsets[self.plan[block].start..=self.plan[block].end];
        let first = offsets[0] as usize;
        let values = data.numbers().values(first..offsets[offsets.len() - 1] as usize);
        Ok(offsets.windows(2).map(|w| total(&values[w[0] as usize - first..w[1] as usize - first])).collect())
    }

    /// Rows put together from all columns: the entries of a column between two rows lie side by side.
    fn of_columns(
        &self,
        rows: Range<usize>,
        offsets: &[u64],
        indices: &Shared,
        data: &Shared,
    ) -> Result<Csr<f32>, IoError> {
        let (indices, data) = (indices.numbers(), data.numbers());
        let mut parts = Vec::with_capacity(self.n_cols);
        let mut indptr = vec![0usize; rows.len() + 1];
        let place = |row: u32| row as usize - rows.start;
        for j in 0..self.n_cols {
            let column = offsets[j] as usize..offsets[j + 1] as usize;
            let start = column.start + indices.below(column.clone(), rows.start as u64);
            let end = start + indices.below(start..column.end, rows.end as u64);
            let found = indices.positions(start..end, rows.end);
            let found = found.map_err(|got| out_of_range(&self.path, rows.end, got))?;
            found.iter().for_each(|&row| indptr[place(row) + 1] += 1);
            parts.push((start..end, found));
        }
        (0..rows.len()).for_each(|i| indptr[i + 1] += indptr[i]);
        let mut next = indptr.clone();
        let (mut columns, mut values) = (vec![0u32; indptr[rows.len()]], vec![0f32; indptr[rows.len()]]);
        for (j, (entries, found)) in parts.into_iter().enumerate() {
            for (row, value) in found.into_iter().zip(data.values(entries)) {
                let at = &mut next[place(row)];
                (columns[*at], values[*at]) = (j as u32, value);
                *at += 1;
            }
        }
        self.csr(indptr, columns, values)
    }

    fn csr(&self, indptr: Vec<usize>, columns: Vec<u32>, values: Vec<f32>) -> Result<Csr<f32>, IoError> {
        let rows: Result<Csr<f32>, DataError> = sorted(indptr, columns, values, self.n_cols);
        rows.map_err(IoError::data(&self.path))
    }
}

fn out_of_range(path: &Path, limit: usize, got: String) -> IoError {
    IoError::format(path, "indices", format!("positions below {limit}"), got)
}

fn check_sparse(n: usize, [indptr, indices, data]: [&Shared; 3]) -> Result<(), (String, String)> {
    let stored = data.numbers().len();
    let expected = || format!("{} offsets from 0 to {stored}, the number of stored values", n + 1);
    let offsets = indptr.numbers().offsets().map_err(|got| (expected(), format!("`{got}`")))?;
    let got = if offsets.len() != n + 1 {
        format!("{} offsets", offsets.len())
    } else if offsets[0] != 0 || !offsets.is_sorted() {
        "offsets that fall".to_owned()
    } else if offsets[n] != stored as u64 || indices.numbers().len() != stored {
        format!("{} entries by offset and {} indices", offsets[n], indices.numbers().len())
    } else {
        return Ok(());
    };
    Err((expected(), got))
}
