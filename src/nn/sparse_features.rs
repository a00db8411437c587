//! Sparse features of matrix entries, weighted per column, with the gradient of the weights.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[cfg(any(feature = "cuda", test))]
use super::cuda;
use super::sparse::dense_rows;

/// Constant features of some entries of an n_rows x n_columns matrix: out\[r, c\] = sum over f of feature\[r, c, f\]
/// weight\[c, f\], zero where an entry has no feature.
#[derive(Debug, Clone)]
pub struct SparseFeatures {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    n_rows: usize,
    n_columns: usize,
    n_features: usize,
    /// Row, column and features of each entry, sorted by row then column.
    entries: Vec<(u32, u32)>,
    values: Vec<f32>,
    row_start: Vec<usize>,
    /// Entry numbers sorted by column then row.
    by_column: Vec<u32>,
    column_start: Vec<usize>,
    #[cfg(feature = "cuda")]
    resident: cuda::Resident<cuda::sparse_features::Entries>,
}

impl SparseFeatures {
    /// Builds features from (row, column) and n_features values for each. Positions must not repeat. O(nnz log nnz).
    ///
    /// # Errors
    /// A position outside the matrix, or another number of values.
    pub fn new(shape: (usize, usize), n_features: usize, mut entries: Vec<((u32, u32), Vec<f32>)>) -> Result<Self> {
        let (n_rows, n_columns) = shape;
        let outside = |e: &&((u32, u32), Vec<f32>)| e.0.0 as usize >= n_rows || e.0.1 as usize >= n_columns;
        if let Some(e) = entries.iter().find(outside) {
            bail!("sparse feature {:?} lies outside {n_rows} x {n_columns}", e.0);
        }
        if let Some(e) = entries.iter().find(|e| e.1.len() != n_features) {
            bail!("sparse feature {:?}: expected {n_features} values, got {}", e.0, e.1.len());
        }
        entries.sort_by_key(|e| e.0);
        let values = entries.iter().flat_map(|e| e.1.iter().copied()).collect();
        let entries: Vec<(u32, u32)> = entries.into_iter().map(|e| e.0).collect();
        let row_start = offsets(n_rows, entries.iter().map(|e| e.0));
        let column_start = offsets(n_columns, entries.iter().map(|e| e.1));
        let mut by_column: Vec<u32> = (0..entries.len() as u32).collect();
        by_column.sort_by_key(|&k| entries[k as usize].1);
        let parts = Parts {
            n_rows,
            n_columns,
            n_features,
            entries,
            values,
            row_start,
            by_column,
            column_start,
            #[cfg(feature = "cuda")]
            resident: cuda::Resident::default(),
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// The weighted features, n_rows x n_columns, for weights n_columns x n_features.
    ///
    /// 2 nnz n_features operations each way; rows (backwards: columns) run in parallel in a fixed order of summation.
    pub fn weigh(&self, weights: &Tensor) -> Result<Tensor> {
        let p = &self.parts;
        if weights.dims2()? != (p.n_columns, p.n_features) {
            bail!("feature weights: expected {} x {}, got {:?}", p.n_columns, p.n_features, weights.dims());
        }
        weights.contiguous()?.apply_op1(Weigh(Arc::clone(p)))
    }

    /// The same on a machine that runs kernels.
    #[cfg(test)]
    pub(super) fn on_machine(&self, m: &cuda::Machine) -> Result<cuda::sparse_features::Entries> {
        self.parts.on(m)
    }
}

impl Parts {
    fn features(&self, entry: usize) -> &[f32] {
        &self.values[entry * self.n_features..(entry + 1) * self.n_features]
    }

    /// The same on a machine that runs kernels.
    #[cfg(any(feature = "cuda", test))]
    fn on(&self, m: &cuda::Machine) -> Result<cuda::sparse_features::Entries> {
        let shape = ([self.n_rows, self.n_columns], self.n_features);
        let by_column = (self.by_column.as_slice(), self.column_start.as_slice());
        cuda::sparse_features::Entries::new(m, shape, &self.entries, &self.values, by_column)
    }
}

struct Weigh(Arc<Parts>);

impl CustomOp1 for Weigh {
    fn name(&self) -> &'static str {
        "weigh-features"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((weights, width), p) = (dense_rows(storage, layout)?, &self.0);
        let mut out = vec![0f32; p.n_rows * p.n_columns];
        out.par_chunks_mut(p.n_columns.max(1)).enumerate().for_each(|(row, to)| {
            for k in p.row_start[row]..p.row_start[row + 1] {
                let column = p.entries[k].1 as usize;
                let weights = &weights[column * width..(column + 1) * width];
                to[column] = p.features(k).iter().zip(weights).map(|(f, w)| f * w).sum();
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((p.n_rows, p.n_columns))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, l: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        let ((m, weights), p) = (cuda::input(s, l)?, &self.0);
        let out = cuda::sparse_features::weigh(&m, &*p.resident.get(&m, |m| p.on(m))?, &weights)?;
        Ok((cuda::output(&m, out)?, Shape::from((p.n_rows, p.n_columns))))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        grad.contiguous()?.apply_op1_no_bwd(&Gradient(Arc::clone(&self.0))).map(Some)
    }
}

struct Gradient(Arc<Parts>);

impl CustomOp1 for Gradient {
    fn name(&self) -> &'static str {
        "weigh-features-gradient"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((grad, width), p) = (dense_rows(storage, layout)?, &self.0);
        let mut out = vec![0f32; p.n_columns * p.n_features];
        out.par_chunks_mut(p.n_features.max(1)).enumerate().for_each(|(column, to)| {
            for &k in &p.by_column[p.column_start[column]..p.column_start[column + 1]] {
                let g = grad[p.entries[k as usize].0 as usize * width + column];
                to.iter_mut().zip(p.features(k as usize)).for_each(|(t, f)| *t += g * f);
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((p.n_columns, p.n_features))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, l: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        let ((m, grad), p) = (cuda::input(s, l)?, &self.0);
        let slope = cuda::sparse_features::slope(&m, &*p.resident.get(&m, |m| p.on(m))?, &grad)?;
        Ok((cuda::output(&m, slope)?, Shape::from((p.n_columns, p.n_features))))
    }
}

fn offsets(n: usize, keys: impl Iterator<Item = u32>) -> Vec<usize> {
    let mut start = vec![0; n + 1];
    keys.for_each(|k| start[k as usize + 1] += 1);
    (0..n).for_each(|k| start[k + 1] += start[k]);
    start
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient_check::check;
    use super::*;

    fn features() -> SparseFeatures {
        let entries = vec![((1, 2), vec![1.0, -1.0]), ((0, 0), vec![2.0, 0.5]), ((1, 0), vec![0.0, 3.0])];
        SparseFeatures::new((2, 3), 2, entries).unwrap()
    }

    #[test]
    fn entries_are_weighted_by_their_column() {
        let weights = Tensor::new(&[[1f32, 2.0], [9.0, 9.0], [5.0, 3.0]], &Device::Cpu).unwrap();
        let expected = [[3.0, 0.0, 0.0], [6.0, 0.0, 2.0]];
        assert_eq!(features().weigh(&weights).unwrap().to_vec2::<f32>().unwrap(), expected);
        assert!(features().weigh(&weights.t().unwrap()).is_err());
        assert!(SparseFeatures::new((1, 1), 1, vec![((0, 1), vec![1.0])]).is_err());
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        let outer = Tensor::new(&[[1f32, -2.0, 0.3], [0.5, 0.7, -1.0]], &Device::Cpu).unwrap();
        check(&[3, 2], &[0.5, -1.0, 2.0, 1.0, 0.7, -0.4], |x| (features().weigh(x)? * &outer)?.sum_all());
    }
}
