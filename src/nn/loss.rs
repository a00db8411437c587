//! Losses between a predicted and a measured matrix, each one pass over the entries, with their gradients.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[cfg(feature = "cuda")]
use super::cuda;
use super::sparse::dense_rows;

/// Entries summed as one unit: the order of summation does not depend on the number of threads.
const CHUNK: usize = 4096;

/// What an error u = prediction - target costs. Vectors have one value per entry, row by row.
#[derive(Debug, Clone)]
pub enum LossKind {
    /// u^2.
    Squared,
    /// w u^2, where w = 1 / (squared standard error + variance of the signal) for measured means.
    Weighted(Arc<[f32]>),
    /// The expectation of the fourth-power error over all pairs of cells, up to a constant:
    /// u^4 + 6 u^2 V + 4 u S, where V is the sum of the variances of control and perturbed cells and S the third
    /// central moment of control minus that of perturbed cells.
    ///
    /// Exact: with x a control and y a perturbed cell drawn independently, prediction + x - y has mean u, variance V and
    /// third central moment S. It replaces the loop over cells of GEARS' autofocus loss (Roohani et al. 2024).
    Fourth {
        /// V, not negative.
        variance: Arc<[f32]>,
        /// S.
        third: Arc<[f32]>,
    },
}

/// The mean cost over all entries of a prediction of the shape of the target.
#[derive(Debug, Clone)]
pub struct ElementLoss {
    target: Arc<[f32]>,
    kind: LossKind,
    #[cfg(feature = "cuda")]
    resident: Arc<cuda::Resident<cuda::loss::Terms>>,
}

impl LossKind {
    /// Its vectors.
    fn terms(&self) -> Vec<&Arc<[f32]>> {
        match self {
            LossKind::Squared => vec![],
            LossKind::Weighted(w) => vec![w],
            LossKind::Fourth { variance, third } => vec![variance, third],
        }
    }
}

impl ElementLoss {
    /// A loss against this target.
    ///
    /// # Errors
    /// The kind has another number of entries.
    pub fn new(target: Arc<[f32]>, kind: LossKind) -> Result<Self> {
        if let Some(p) = kind.terms().iter().find(|p| p.len() != target.len()) {
            bail!("loss: expected {} entries, got {}", target.len(), p.len());
        }
        Ok(Self {
            target,
            kind,
            #[cfg(feature = "cuda")]
            resident: Arc::default(),
        })
    }

    /// The mean cost, a scalar.
    pub fn apply(&self, prediction: &Tensor) -> Result<Tensor> {
        if prediction.elem_count() != self.target.len() {
            bail!("loss: expected {} entries, got {}", self.target.len(), prediction.elem_count());
        }
        prediction.contiguous()?.apply_op1(self.clone())
    }

    /// What it compares with, on a GPU.
    #[cfg(feature = "cuda")]
    fn on(&self, m: &cuda::Machine) -> Result<Arc<cuda::loss::Terms>> {
        let more: Vec<&[f32]> = self.kind.terms().into_iter().map(AsRef::as_ref).collect();
        self.resident.get(m, |m| cuda::loss::Terms::new(m, &self.target, &more))
    }

    fn cost(&self, i: usize, u: f32) -> f32 {
        match &self.kind {
            LossKind::Squared => u * u,
            LossKind::Weighted(w) => w[i] * u * u,
            LossKind::Fourth { variance, third } => u * (u * (u * u + 6.0 * variance[i]) + 4.0 * third[i]),
        }
    }

    fn slope(&self, i: usize, u: f32) -> f32 {
        match &self.kind {
            LossKind::Squared => 2.0 * u,
            LossKind::Weighted(w) => 2.0 * w[i] * u,
            LossKind::Fourth { variance, third } => 4.0 * (u * (u * u + 3.0 * variance[i]) + third[i]),
        }
    }
}

impl CustomOp1 for ElementLoss {
    fn name(&self) -> &'static str {
        "element-loss"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (prediction, _) = dense_rows(storage, layout)?;
        let part = |(k, values): (usize, &[f32])| -> f64 {
            let costs = values.iter().enumerate().map(|(j, p)| {
                let i = k * CHUNK + j;
                f64::from(self.cost(i, p - self.target[i]))
            });
            costs.sum()
        };
        let parts: Vec<f64> = prediction.par_chunks(CHUNK).enumerate().map(part).collect();
        let mean = parts.iter().sum::<f64>() / prediction.len().max(1) as f64;
        Ok((CpuStorage::F32(vec![mean as f32]), Shape::from(())))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, l: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        let (m, prediction) = cuda::input(s, l)?;
        let mean = cuda::loss::mean(&m, &*self.on(&m)?, &prediction)?;
        Ok((cuda::output(&m, mean)?, Shape::from(())))
    }

    fn bwd(&self, prediction: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        prediction.contiguous()?.apply_op2_no_bwd(&grad.contiguous()?, &Slope(self)).map(Some)
    }
}

/// The gradient of the prediction from that of the mean cost.
struct Slope<'a>(&'a ElementLoss);

impl CustomOp2 for Slope<'_> {
    fn name(&self) -> &'static str {
        "element-loss-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((prediction, _), (grad, _), loss) = (dense_rows(s1, l1)?, dense_rows(s2, l2)?, self.0);
        let scale = grad.first().copied().unwrap_or_default() / loss.target.len().max(1) as f32;
        let mut out = prediction.to_vec();
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(k, values)| {
            for (j, v) in values.iter_mut().enumerate() {
                let i = k * CHUNK + j;
                *v = scale * loss.slope(i, *v - loss.target[i]);
            }
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
        let ((m, prediction), (_, grad)) = (cuda::input(s1, l1)?, cuda::input(s2, l2)?);
        let slope = cuda::loss::slope(&m, &*self.0.on(&m)?, &prediction, &grad)?;
        Ok((cuda::output(&m, slope)?, l1.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient_check::check;
    use super::*;
    use crate::stats::Rng;

    fn kinds() -> Vec<LossKind> {
        let v: Arc<[f32]> = Arc::from([1.0, 0.5, 2.0, 0.1]);
        vec![
            LossKind::Squared,
            LossKind::Weighted(Arc::clone(&v)),
            LossKind::Fourth { variance: v, third: Arc::from([0.3, -0.2, 0.0, 1.0]) },
        ]
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        for kind in kinds() {
            let loss = ElementLoss::new(Arc::from([0.5, 0.0, -1.0, 2.0]), kind).unwrap();
            check(&[2, 2], &[1.0, 0.4, -0.7, 1.1], |x| loss.apply(x)? * 3.0);
        }
    }

    fn by_tensors(loss: &ElementLoss, prediction: &Tensor) -> Result<Tensor> {
        let like = |x: &Arc<[f32]>| Tensor::from_slice(x, prediction.shape(), prediction.device());
        let u = (prediction - like(&loss.target)?)?;
        let square = u.sqr()?;
        match &loss.kind {
            LossKind::Squared => square.mean_all(),
            LossKind::Weighted(w) => (square * like(w)?)?.mean_all(),
            LossKind::Fourth { variance, third } => {
                let even = (square.sqr()? + ((square * like(variance)?)? * 6.0)?)?;
                (even + ((u * like(third)?)? * 4.0)?)?.mean_all()
            }
        }
    }

    #[test]
    fn one_pass_and_tensor_operations_agree() {
        let x = Tensor::new(&[[1f32, 0.4], [-0.7, 1.1]], &Device::Cpu).unwrap();
        for kind in kinds() {
            let loss = ElementLoss::new(Arc::from([0.5, 0.0, -1.0, 2.0]), kind).unwrap();
            let value = |t: Result<Tensor>| t.unwrap().to_scalar::<f32>().unwrap();
            assert!((value(loss.apply(&x)) - value(by_tensors(&loss, &x))).abs() < 1e-5);
        }
    }

    /// The moment identity against brute force over all pairs of cells: differences between two predictions must agree
    /// (the constant cancels).
    #[test]
    fn the_fourth_power_is_that_of_all_pairs_of_cells() {
        let mut rng = Rng::named(4, "cells");
        let mut cells = |n: usize, shift: f64| -> Vec<f64> { (0..n).map(|_| shift + rng.gamma(1.5)).collect() };
        let (control, perturbed) = (cells(40, 0.0), cells(30, 0.7));
        let moments = |x: &[f64]| {
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            let central = |p: i32| x.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
            (mean, central(2), central(3))
        };
        let ((mx, vx, sx), (my, vy, sy)) = (moments(&control), moments(&perturbed));
        let brute = |c: f64| {
            let pairs = control.iter().flat_map(|x| perturbed.iter().map(move |y| (c + x - y).powi(4)));
            pairs.sum::<f64>() / (control.len() * perturbed.len()) as f64
        };
        let one = |v: f64| Arc::from([v as f32]);
        let kind = LossKind::Fourth { variance: one(vx + vy), third: one(sx - sy) };
        let loss = ElementLoss::new(one(my - mx), kind).unwrap();
        let fast = |c: f64| {
            let c = Tensor::from_vec(vec![c as f32], 1, &Device::Cpu).unwrap();
            f64::from(loss.apply(&c).unwrap().to_scalar::<f32>().unwrap())
        };
        let (expected, got) = (brute(1.3) - brute(-0.2), fast(1.3) - fast(-0.2));
        assert!((expected - got).abs() < 1e-4 * expected.abs().max(1.0), "expected {expected}, got {got}");
    }
}
