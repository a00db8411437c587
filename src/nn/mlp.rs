//! Two linear layers with a normalised hidden layer between.

use candle_core::{Result, Tensor};
use candle_nn::{Activation, Module};

use super::{Linear, Variables, rms_norm};

/// Linear, RMS norm, SiLU, linear. It normalises each row by itself, so that a row's output does not depend on the
/// rows beside it (batch normalisation would).
#[derive(Debug, Clone)]
pub struct Mlp {
    first: Linear,
    second: Linear,
}

impl Mlp {
    /// Widths of input, hidden layer and output.
    pub fn new(vars: &mut Variables, name: &str, widths: [usize; 3]) -> Result<Self> {
        let first = Linear::new(vars, &format!("{name}.first"), widths[0], widths[1])?;
        let second = Linear::new(vars, &format!("{name}.second"), widths[1], widths[2])?;
        Ok(Self { first, second })
    }

    /// n x widths\[0\] -> n x widths\[2\].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.second.forward(&Activation::Silu.forward(&rms_norm(&self.first.forward(x)?)?)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn every_variable_has_a_gradient() {
        let mut vars = Variables::new(3, &Device::Cpu);
        let mlp = Mlp::new(&mut vars, "m", [3, 5, 2]).unwrap();
        let x = Tensor::from_vec(vec![1f32, -2.0, 0.5, 0.3, 0.1, 2.0], (2, 3), &Device::Cpu).unwrap();
        let grads = mlp.forward(&x).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, var) in vars.iter() {
            let g: Vec<f32> = grads.get(var).expect(name).flatten_all().unwrap().to_vec1().unwrap();
            assert!(g.iter().all(|v| v.is_finite()) && g.iter().any(|v| *v != 0.0), "{name}: {g:?}");
        }
    }
}
