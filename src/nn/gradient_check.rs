//! Numeric gradients for tests.

use candle_core::{Device, Result, Tensor, Var};

/// Compares the gradient that candle computes of a scalar function with central differences (f32, so the tolerance is
/// relative to the largest entry).
pub(crate) fn check(shape: &[usize], values: &[f32], f: impl Fn(&Tensor) -> Result<Tensor>) {
    let x = Var::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap();
    let grads = f(x.as_tensor()).unwrap().backward().unwrap();
    let got: Vec<f32> = grads.get(&x).expect("a gradient").flatten_all().unwrap().to_vec1().unwrap();
    let at = |values: Vec<f32>| {
        let x = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        f64::from(f(&x).unwrap().to_scalar::<f32>().unwrap())
    };
    let step = 1e-2f32;
    let scale = got.iter().fold(1e-3f32, |m, g| m.max(g.abs()));
    for i in 0..values.len() {
        let moved = |by: f32| {
            let mut v = values.to_vec();
            v[i] += by;
            at(v)
        };
        let numeric = ((moved(step) - moved(-step)) / f64::from(2.0 * step)) as f32;
        assert!((numeric - got[i]).abs() < 0.01 * scale, "entry {i}: numeric {numeric}, got {}", got[i]);
    }
}
