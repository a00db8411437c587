//! The linear layer.

use candle_core::{Result, Tensor};
use candle_nn::Module;

use super::Variables;

/// y = x W + b, with W in_width x out_width.
#[derive(Debug, Clone)]
pub struct Linear(candle_nn::Linear);

impl Linear {
    /// Normal weights with variance 1 / in_width, zero bias.
    pub fn new(vars: &mut Variables, name: &str, in_width: usize, out_width: usize) -> Result<Self> {
        let weight = vars.normal(&format!("{name}.weight"), &[in_width, out_width], (in_width as f64).powf(-0.5))?;
        Self::of(&weight, vars.zeros(&format!("{name}.bias"), &[out_width])?)
    }

    /// All weights zero: the layer starts by saying nothing.
    pub fn zeros(vars: &mut Variables, name: &str, in_width: usize, out_width: usize) -> Result<Self> {
        let weight = vars.zeros(&format!("{name}.weight"), &[in_width, out_width])?;
        Self::of(&weight, vars.zeros(&format!("{name}.bias"), &[out_width])?)
    }

    /// n x in_width -> n x out_width.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.0.forward(x)
    }

    /// candle keeps weights as out_width x in_width; the view shares the variable's storage, so updates are seen.
    fn of(weight: &Tensor, bias: Tensor) -> Result<Self> {
        Ok(Self(candle_nn::Linear::new(weight.t()?, Some(bias))))
    }
}
