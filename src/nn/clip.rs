//! Gradient clipping by the norm over all variables.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::Variables;
#[cfg(feature = "cuda")]
use super::cuda;

/// Entries summed as one unit, so that the sum does not depend on the number of threads.
const CHUNK: usize = 16_384;

/// The Euclidean norm of all gradients together, summed in f64 in a fixed order.
pub fn gradient_norm(vars: &Variables, grads: &GradStore) -> Result<f64> {
    #[cfg(feature = "cuda")]
    if vars.device().is_cuda() {
        let grads: Vec<Tensor> = vars.iter().filter_map(|(_, var)| grads.get(var)).cloned().collect();
        return on_gpu(&grads);
    }
    let squares = vars.iter().filter_map(|(_, var)| grads.get(var)).map(sum_of_squares);
    Ok(squares.sum::<Result<f64>>()?.sqrt())
}

#[cfg(feature = "cuda")]
fn on_gpu(grads: &[Tensor]) -> Result<f64> {
    let grads: Vec<Tensor> = grads.iter().map(Tensor::contiguous).collect::<Result<_>>()?;
    let stored: Vec<_> = grads.iter().map(Tensor::storage_and_layout).collect();
    let (mut arrays, mut machine) = (Vec::new(), None);
    for (storage, layout) in &stored {
        let (m, array) = cuda::input(cuda::array_of(storage)?, layout)?;
        arrays.push((array, layout.shape().elem_count()));
        machine = Some(m);
    }
    machine.map_or(Ok(0.0), |m| Ok(cuda::clip::sum_of_squares(&m, &arrays)?.sqrt()))
}

/// What to multiply gradients with so that their norm is at most `limit`.
pub fn clip_factor(norm: f64, limit: f64) -> f64 {
    if norm > limit { limit / norm } else { 1.0 }
}

fn sum_of_squares(x: &Tensor) -> Result<f64> {
    let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
    let part = |chunk: &[f32]| chunk.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
    Ok(values.par_chunks(CHUNK).map(part).collect::<Vec<_>>().iter().sum())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_norm_is_over_all_variables() {
        let mut vars = Variables::new(0, &Device::Cpu);
        let (a, b) = (vars.zeros("a", &[2]).unwrap(), vars.zeros("b", &[1]).unwrap());
        let slope = Tensor::new(&[2f32, 1.0], &Device::Cpu).unwrap();
        let loss = ((a * slope).unwrap().sum_all().unwrap() + (b.sum_all().unwrap() * 2.0).unwrap()).unwrap();
        let norm = gradient_norm(&vars, &loss.backward().unwrap()).unwrap();
        assert!((norm - 3.0).abs() < 1e-12);
        assert_eq!((clip_factor(norm, 1.5), clip_factor(norm, 5.0)), (0.5, 1.0));
    }
}
