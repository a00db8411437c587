//! Root-mean-square normalisation of rows, with its gradient.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use super::cuda;
use super::sparse::dense_rows;

/// Keeps a row of zeros finite.
const EPSILON: f32 = 1e-6;

/// x / sqrt(mean of squares of the row + 1e-6), for x n x width (Zhang and Sennrich 2019, without a scale).
///
/// `candle_nn::RmsNorm` drops the gradient of its input; this carries it. One pass each way.
pub fn rms_norm(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Forward)
}

struct Forward;

impl CustomOp1 for Forward {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, width) = dense_rows(storage, layout)?;
        let mut y = x.to_vec();
        y.par_chunks_mut(width).for_each(|row| {
            let scale = inverse_rms(row);
            row.iter_mut().for_each(|v| *v *= scale);
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, l: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        let (m, x) = cuda::input(s, l)?;
        Ok((cuda::output(&m, cuda::rms_norm::forward(&m, &x, rows_and_width(l))?)?, l.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.contiguous()?.apply_op2_no_bwd(&grad.contiguous()?, &Backward).map(Some)
    }
}

/// dx = (g - y mean(g y)) / rms.
struct Backward;

impl CustomOp2 for Backward {
    fn name(&self) -> &'static str {
        "rms-norm-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((x, width), (grad, _)) = (dense_rows(s1, l1)?, dense_rows(s2, l2)?);
        let mut out = grad.to_vec();
        out.par_chunks_mut(width).zip(x.par_chunks(width)).for_each(|(g, x)| {
            let scale = inverse_rms(x);
            let along = g.iter().zip(x).map(|(g, x)| g * x).sum::<f32>() * scale * scale / width as f32;
            g.iter_mut().zip(x).for_each(|(g, x)| *g = (*g - x * along) * scale);
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let ((m, x), (_, grad)) = (cuda::input(s1, l1)?, cuda::input(s2, l2)?);
        let dx = cuda::rms_norm::slope(&m, &x, &grad, rows_and_width(l1))?;
        Ok((cuda::output(&m, dx)?, l1.shape().clone()))
    }
}

#[cfg(feature = "cuda")]
fn rows_and_width(layout: &Layout) -> [usize; 2] {
    let width = layout.dims().last().copied().unwrap_or(1).max(1);
    [layout.shape().elem_count() / width, width]
}

fn inverse_rms(row: &[f32]) -> f32 {
    (row.iter().map(|v| v * v).sum::<f32>() / row.len() as f32 + EPSILON).sqrt().recip()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient_check::check;
    use super::*;

    #[test]
    fn rows_have_unit_mean_square_and_zeros_stay() {
        let x = Tensor::new(&[[3f32, 4.0], [0.0, 0.0]], &Device::Cpu).unwrap();
        let y = rms_norm(&x).unwrap().to_vec2::<f32>().unwrap();
        let rms = 12.5f32.sqrt();
        assert!((y[0][0] - 3.0 / rms).abs() < 1e-6 && (y[0][1] - 4.0 / rms).abs() < 1e-6);
        assert_eq!(y[1], [0.0, 0.0]);
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        let weights = Tensor::new(&[[1f32, -2.0, 0.5], [0.3, 1.5, -1.0]], &Device::Cpu).unwrap();
        check(&[2, 3], &[0.5, -1.0, 2.0, 1.0, 0.7, -0.4], |x| (rms_norm(x)? * &weights)?.sum_all());
    }
}
