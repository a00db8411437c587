//! Sparse times dense, the message passing of graph networks, with its gradient.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[cfg(any(feature = "cuda", test))]
use super::cuda;

/// Compressed rows.
#[derive(Debug)]
struct Rows {
    start: Vec<usize>,
    column: Vec<u32>,
    value: Vec<f32>,
    n_columns: usize,
    #[cfg(feature = "cuda")]
    resident: cuda::Resident<cuda::sparse::Csr>,
}

impl Rows {
    /// Entries must be sorted by row; the order within a row is the order of summation.
    fn new(n_rows: usize, n_columns: usize, entries: &[(u32, u32, f32)]) -> Self {
        let mut start = vec![0; n_rows + 1];
        entries.iter().for_each(|e| start[e.0 as usize + 1] += 1);
        (0..n_rows).for_each(|r| start[r + 1] += start[r]);
        let (column, value) = entries.iter().map(|e| (e.1, e.2)).unzip();
        Self {
            start,
            column,
            value,
            n_columns,
            #[cfg(feature = "cuda")]
            resident: cuda::Resident::default(),
        }
    }

    fn n_rows(&self) -> usize {
        self.start.len() - 1
    }

    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> {
        let range = self.start[row]..self.start[row + 1];
        self.column[range.clone()].iter().zip(&self.value[range]).map(|(&c, &v)| (c as usize, v))
    }

    /// The same on a machine that runs kernels.
    #[cfg(any(feature = "cuda", test))]
    fn on(&self, m: &cuda::Machine) -> Result<cuda::sparse::Csr> {
        cuda::sparse::Csr::new(m, &self.start, &self.column, &self.value)
    }
}

/// A constant sparse matrix, n_rows x n_columns, kept by rows in both directions so that neither the product nor its
/// gradient scatters: every output row is one sum in a fixed order, whatever the number of threads.
#[derive(Debug, Clone)]
pub struct SparseMatrix {
    forward: Arc<Rows>,
    transpose: Arc<Rows>,
}

impl SparseMatrix {
    /// Builds the matrix from (row, column, value); repeated positions add up. O(nnz log nnz).
    ///
    /// # Errors
    /// A position outside the matrix.
    pub fn new(n_rows: usize, n_columns: usize, mut entries: Vec<(u32, u32, f32)>) -> Result<Self> {
        if let Some(e) = entries.iter().find(|e| e.0 as usize >= n_rows || e.1 as usize >= n_columns) {
            bail!("sparse entry ({}, {}) lies outside {n_rows} x {n_columns}", e.0, e.1);
        }
        entries.sort_by_key(|e| (e.0, e.1));
        let forward = Arc::new(Rows::new(n_rows, n_columns, &entries));
        entries.iter_mut().for_each(|e| std::mem::swap(&mut e.0, &mut e.1));
        entries.sort_by_key(|e| (e.0, e.1));
        Ok(Self { forward, transpose: Arc::new(Rows::new(n_columns, n_rows, &entries)) })
    }

    /// Number of rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.forward.n_rows(), self.forward.n_columns)
    }

    /// The matrix and its transpose on a machine that runs kernels.
    #[cfg(test)]
    pub(super) fn on_machine(&self, m: &cuda::Machine) -> Result<[cuda::sparse::Csr; 2]> {
        Ok([self.forward.on(m)?, self.transpose.on(m)?])
    }

    /// Number of stored entries.
    pub fn n_entries(&self) -> usize {
        self.forward.column.len()
    }

    /// The matrix times x (n_columns x width): n_rows x width. 2 nnz width operations each way.
    ///
    /// Rows run in parallel, on a GPU also the values of a row.
    ///
    /// # Errors
    /// x has another number of rows, or is not f32.
    pub fn matmul(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, _) = x.dims2()?;
        if rows != self.forward.n_columns {
            bail!("sparse product: expected {} rows, got {rows}", self.forward.n_columns);
        }
        let (matrix, transpose) = (Arc::clone(&self.forward), Arc::clone(&self.transpose));
        x.contiguous()?.apply_op1(Product { matrix, transpose })
    }
}

struct Product {
    matrix: Arc<Rows>,
    transpose: Arc<Rows>,
}

impl CustomOp1 for Product {
    fn name(&self) -> &'static str {
        "sparse-product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, width) = dense_rows(storage, layout)?;
        let mut y = vec![0f32; self.matrix.n_rows() * width];
        y.par_chunks_mut(width).enumerate().with_min_len(16).for_each(|(row, to)| {
            for (column, value) in self.matrix.row(row) {
                let from = &x[column * width..(column + 1) * width];
                to.iter_mut().zip(from).for_each(|(t, f)| *t += value * f);
            }
        });
        Ok((CpuStorage::F32(y), Shape::from((self.matrix.n_rows(), width))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, l: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        let ((m, x), matrix) = (cuda::input(s, l)?, &self.matrix);
        let width = l.dims().last().copied().unwrap_or(1);
        let y = cuda::sparse::product(&m, &*matrix.resident.get(&m, |m| matrix.on(m))?, &x, width)?;
        Ok((cuda::output(&m, y)?, Shape::from((matrix.n_rows(), width))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (matrix, transpose) = (Arc::clone(&self.transpose), Arc::clone(&self.matrix));
        grad.contiguous()?.apply_op1_no_bwd(&Self { matrix, transpose }).map(Some)
    }
}

/// The values of a contiguous f32 matrix and its width.
pub(super) fn dense_rows<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<(&'a [f32], usize)> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("expected a contiguous tensor") };
    let width = layout.dims().last().copied().unwrap_or(1).max(1);
    Ok((&storage.as_slice::<f32>()?[from..to], width))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient_check::check;
    use super::*;

    fn matrix() -> SparseMatrix {
        SparseMatrix::new(3, 4, vec![(2, 3, -1.0), (0, 1, 2.0), (0, 0, 0.5), (0, 1, 1.0)]).unwrap()
    }

    fn x() -> Tensor {
        Tensor::new(&[[1f32, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], &Device::Cpu).unwrap()
    }

    #[test]
    fn the_product_is_right_and_empty_rows_are_zero() {
        let y = matrix().matmul(&x()).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(y, [[9.5, 13.0], [0.0, 0.0], [-7.0, -8.0]]);
        assert!(matrix().matmul(&x().t().unwrap()).is_err());
        assert!(SparseMatrix::new(1, 1, vec![(0, 1, 1.0)]).is_err());
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        let weights = Tensor::new(&[[1f32, -2.0], [0.3, 1.5], [0.7, -1.0]], &Device::Cpu).unwrap();
        let values = [0.5, -1.0, 2.0, 1.0, 0.7, -0.4, 0.2, 0.9];
        check(&[4, 2], &values, |x| (matrix().matmul(x)? * &weights)?.sum_all());
    }
}
