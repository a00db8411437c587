//! Compressed sparse rows.

use super::DataError;

/// A sparse matrix by rows: `n_rows x n_cols`, `indptr` of `n_rows + 1` offsets, column indices ascending in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Csr<T> {
    indptr: Vec<usize>,
    indices: Vec<u32>,
    data: Vec<T>,
    n_cols: usize,
}

impl<T: Copy> Csr<T> {
    /// Builds a matrix from its three arrays.
    ///
    /// # Errors
    /// [`DataError::Shape`] where the arrays do not fit together or a column is out of range.
    pub fn new(indptr: Vec<usize>, indices: Vec<u32>, data: Vec<T>, n_cols: usize) -> Result<Self, DataError> {
        let shape = |what, expected: String, got: String| Err(DataError::Shape { what, expected, got });
        if indptr.first() != Some(&0) || indptr.windows(2).any(|w| w[0] > w[1]) {
            return shape("sparse rows", "offsets that start at 0 and never fall".into(), "others".into());
        }
        if indptr.last() != Some(&indices.len()) || indices.len() != data.len() {
            let got = format!("{} column indices and {} values", indices.len(), data.len());
            return shape("sparse rows", format!("{} stored entries", indptr.last().unwrap_or(&0)), got);
        }
        if let Some(column) = indices.iter().find(|&&j| j as usize >= n_cols) {
            return shape("sparse rows", format!("columns below {n_cols}"), column.to_string());
        }
        Ok(Self { indptr, indices, data, n_cols })
    }

    /// A matrix without rows.
    pub fn empty(n_cols: usize) -> Self {
        Self { indptr: vec![0], indices: Vec::new(), data: Vec::new(), n_cols }
    }

    /// Appends a row given as columns (ascending) and values.
    pub fn push_row(&mut self, row: impl IntoIterator<Item = (u32, T)>) {
        for (column, value) in row {
            debug_assert!((column as usize) < self.n_cols);
            self.indices.push(column);
            self.data.push(value);
        }
        self.indptr.push(self.indices.len());
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Columns and values of one row.
    pub fn row(&self, row: usize) -> (&[u32], &[T]) {
        let range = self.indptr[row]..self.indptr[row + 1];
        (&self.indices[range.clone()], &self.data[range])
    }

    /// The row offsets.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// All column indices, row after row.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// All values, row after row.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All values, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The transposed matrix. O(entries + rows + columns).
    #[must_use]
    pub fn transpose(&self) -> Self {
        let mut indptr = vec![0usize; self.n_cols + 1];
        for &j in &self.indices {
            indptr[j as usize + 1] += 1;
        }
        for j in 0..self.n_cols {
            indptr[j + 1] += indptr[j];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0u32; self.nnz()];
        let mut data = self.data.clone();
        for i in 0..self.n_rows() {
            let (columns, values) = self.row(i);
            for (&j, &value) in columns.iter().zip(values) {
                let at = &mut next[j as usize];
                (indices[*at], data[*at]) = (i as u32, value);
                *at += 1;
            }
        }
        Self { indptr, indices, data, n_cols: self.n_rows() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_gives_the_same_matrix() {
        let a = Csr::new(vec![0, 2, 2, 3], vec![0, 3, 1], vec![1.0, 2.0, 3.0], 4).unwrap();
        let t = a.transpose();
        assert_eq!((t.n_rows(), t.n_cols()), (4, 3));
        assert_eq!(t.row(3), (&[0u32][..], &[2.0][..]));
        assert_eq!(t.transpose(), a);
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        assert!(Csr::new(vec![0, 2], vec![0], vec![1.0], 4).is_err());
        assert!(Csr::new(vec![0, 1], vec![4], vec![1.0], 4).is_err());
        assert!(Csr::new(vec![0, 2, 1], vec![0, 1], vec![1.0, 1.0], 4).is_err());
    }
}
