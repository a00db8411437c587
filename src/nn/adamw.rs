//! Adam with decoupled weight decay, with a state that can be saved.

use std::collections::{BTreeMap, HashMap};

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Variables;
#[cfg(feature = "cuda")]
use super::cuda;

/// Values updated as one unit of work.
const CHUNK: usize = 16_384;

/// The constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWSettings {
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Share of a weight that a step of rate 1 takes away.
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// AdamW (Loshchilov and Hutter 2019) over [`Variables`], each updated in place in one pass over its moments and one over it.
///
/// candle's own AdamW hides its moments, so that a fit could not be continued exactly; these can be saved and restored.
#[derive(Debug)]
pub struct AdamW {
    settings: AdamWSettings,
    step: u64,
    /// Per variable: first and second moments, 2 x n_values.
    moments: BTreeMap<String, Tensor>,
}

impl AdamW {
    /// All moments zero.
    pub fn new(vars: &Variables, settings: AdamWSettings) -> Result<Self> {
        let zeros = |(name, var): (&str, &candle_core::Var)| {
            Ok((name.to_owned(), Tensor::zeros((2, var.elem_count()), DType::F32, var.device())?))
        };
        Ok(Self { settings, step: 0, moments: vars.iter().map(zeros).collect::<Result<_>>()? })
    }

    /// Steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// One step at this learning rate; gradients are multiplied with `scale` first (clipping). Variables without a
    /// gradient stay as they are.
    pub fn update(&mut self, vars: &Variables, grads: &GradStore, rate: f64, scale: f64) -> Result<()> {
        self.step += 1;
        for (name, var) in vars.iter() {
            let (Some(grad), Some(moments)) = (grads.get(var), self.moments.get(name)) else { continue };
            let grad = grad.flatten_all()?.contiguous()?;
            let rule = Rule::new(&self.settings, self.step, rate, scale);
            moments.inplace_op2(&grad, &Accumulate(rule))?;
            var.as_tensor().inplace_op2(moments, &Apply(rule))?;
        }
        Ok(())
    }

    /// What the kernels of a step are given: betas and factor of the gradient; rate, root, epsilon, what is kept.
    #[cfg(test)]
    pub(super) fn numbers(s: &AdamWSettings, step: u64, rate: f64, scale: f64) -> ([f32; 3], [f32; 4]) {
        let rule = Rule::new(s, step, rate, scale);
        (rule.for_moments(), rule.for_weights())
    }

    /// The moments, each name behind `prefix`.
    pub fn snapshot(&self, prefix: &str) -> Result<HashMap<String, Tensor>> {
        self.moments.iter().map(|(name, m)| Ok((format!("{prefix}{name}"), m.copy()?))).collect()
    }

    /// Sets moments and step from a snapshot.
    ///
    /// # Errors
    /// A name that is missing or has another shape.
    pub fn restore(&mut self, prefix: &str, from: &HashMap<String, Tensor>, step: u64) -> Result<()> {
        for (name, moments) in &mut self.moments {
            match from.get(&format!("{prefix}{name}")) {
                Some(saved) if saved.dims() == moments.dims() => {
                    *moments = saved.to_device(moments.device())?.copy()?;
                }
                Some(saved) => bail!("moments `{name}`: expected {:?}, got {:?}", moments.dims(), saved.dims()),
                None => bail!("tensor `{prefix}{name}` is missing"),
            }
        }
        self.step = step;
        Ok(())
    }
}

/// The numbers of one step.
#[derive(Debug, Clone, Copy)]
struct Rule {
    beta: [f32; 2],
    scale: f32,
    /// Rate over the bias correction of the first moment.
    rate: f32,
    /// Root of the bias correction of the second moment.
    root: f32,
    epsilon: f32,
    /// What is left of a weight.
    keep: f32,
}

impl Rule {
    fn new(s: &AdamWSettings, step: u64, rate: f64, scale: f64) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        Self {
            beta: [s.beta1 as f32, s.beta2 as f32],
            scale: scale as f32,
            rate: (rate / correction(s.beta1)) as f32,
            root: correction(s.beta2).sqrt() as f32,
            epsilon: s.epsilon as f32,
            keep: (1.0 - rate * s.weight_decay) as f32,
        }
    }
}

#[cfg(any(feature = "cuda", test))]
impl Rule {
    fn for_moments(&self) -> [f32; 3] {
        [self.beta[0], self.beta[1], self.scale]
    }

    fn for_weights(&self) -> [f32; 4] {
        [self.rate, self.root, self.epsilon, self.keep]
    }
}

/// moments <- moments and gradient.
struct Accumulate(Rule);

impl InplaceOp2 for Accumulate {
    fn name(&self) -> &'static str {
        "adam-moments"
    }

    fn cpu_fwd(&self, moments: &mut CpuStorage, _: &Layout, grad: &CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(moments) = moments else { bail!("expected f32 moments") };
        let start = layout.start_offset();
        let grad = &grad.as_slice::<f32>()?[start..start + moments.len() / 2];
        let (first, second) = moments.split_at_mut(grad.len());
        let parts = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK)).zip(grad.par_chunks(CHUNK));
        let Rule { beta: [b1, b2], scale, .. } = self.0;
        parts.for_each(|((m, v), g)| {
            for ((m, v), g) in m.iter_mut().zip(v).zip(g) {
                let g = g * scale;
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
            }
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        moments: &mut candle_core::CudaStorage,
        _: &Layout,
        grad: &candle_core::CudaStorage,
        layout: &Layout,
    ) -> Result<()> {
        let (_, grad) = cuda::input(grad, layout)?;
        let n = layout.shape().elem_count();
        cuda::overwrite(moments, |m, moments| cuda::adamw::moments(m, moments, &grad, n, self.0.for_moments()))
    }
}

/// weights <- weights and moments.
struct Apply(Rule);

impl InplaceOp2 for Apply {
    fn name(&self) -> &'static str {
        "adam-weights"
    }

    fn cpu_fwd(&self, weights: &mut CpuStorage, _: &Layout, moments: &CpuStorage, _: &Layout) -> Result<()> {
        let CpuStorage::F32(weights) = weights else { bail!("expected f32 weights") };
        let (first, second) = moments.as_slice::<f32>()?.split_at(weights.len());
        let parts = weights.par_chunks_mut(CHUNK).zip(first.par_chunks(CHUNK)).zip(second.par_chunks(CHUNK));
        let Rule { rate, root, epsilon, keep, .. } = self.0;
        parts.for_each(|((w, m), v)| {
            for ((w, m), v) in w.iter_mut().zip(m).zip(v) {
                *w = keep * *w - rate * m / (v.sqrt() / root + epsilon);
            }
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        weights: &mut candle_core::CudaStorage,
        layout: &Layout,
        moments: &candle_core::CudaStorage,
        of_moments: &Layout,
    ) -> Result<()> {
        let (_, moments) = cuda::input(moments, of_moments)?;
        let n = layout.shape().elem_count();
        cuda::overwrite(weights, |m, weights| cuda::adamw::weights(m, weights, &moments, n, self.0.for_weights()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn loss(x: &Tensor) -> Tensor {
        let centre = Tensor::new(&[1f32, -2.0, 0.5], &Device::Cpu).unwrap();
        (x - centre).unwrap().sqr().unwrap().sum_all().unwrap()
    }

    fn run(steps: u64) -> Vec<f32> {
        let mut vars = Variables::new(5, &Device::Cpu);
        let x = vars.normal("x", &[3], 1.0).unwrap();
        let settings = AdamWSettings { weight_decay: 0.1, ..AdamWSettings::default() };
        let mut adam = AdamW::new(&vars, settings).unwrap();
        for _ in 0..steps {
            adam.update(&vars, &loss(&x).backward().unwrap(), 0.05, 0.5).unwrap();
        }
        x.to_vec1().unwrap()
    }

    /// The published recurrence in f64.
    fn reference(steps: i32) -> Vec<f64> {
        let mut vars = Variables::new(5, &Device::Cpu);
        let start: Vec<f32> = vars.normal("x", &[3], 1.0).unwrap().to_vec1().unwrap();
        let one = |start: f32, centre: f64| {
            let (mut x, mut m, mut v) = (f64::from(start), 0.0, 0.0);
            for t in 1..=steps {
                let g = 0.5 * 2.0 * (x - centre);
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let (m_hat, v_hat): (f64, f64) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
                x = x * (1.0 - 0.05 * 0.1) - 0.05 * m_hat / (v_hat.sqrt() + 1e-8);
            }
            x
        };
        start.iter().zip([1.0, -2.0, 0.5]).map(|(&s, c)| one(s, c)).collect()
    }

    #[test]
    fn steps_follow_the_published_recurrence() {
        for (got, expected) in run(40).iter().zip(reference(40)) {
            assert!((f64::from(*got) - expected).abs() < 1e-4, "{got}, expected {expected}");
        }
    }

    #[test]
    fn a_restored_state_continues_to_the_same_bits() {
        let mut vars = Variables::new(5, &Device::Cpu);
        let x = vars.normal("x", &[3], 1.0).unwrap();
        let settings = AdamWSettings { weight_decay: 0.1, ..AdamWSettings::default() };
        let mut adam = AdamW::new(&vars, settings).unwrap();
        let go = |adam: &mut AdamW, n: usize| {
            (0..n).for_each(|_| adam.update(&vars, &loss(&x).backward().unwrap(), 0.05, 0.5).unwrap());
        };
        go(&mut adam, 7);
        let saved = adam.snapshot("m.").unwrap();
        let mut other = AdamW::new(&vars, settings).unwrap();
        other.restore("m.", &saved, 7).unwrap();
        go(&mut other, 5);
        assert_eq!(x.to_vec1::<f32>().unwrap(), run(12));
        assert!(other.restore("n.", &saved, 7).is_err());
    }
}
