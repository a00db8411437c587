//! Steps of Adam.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// Moments (2 x n) from a gradient; betas and the factor of the gradient.
pub(in crate::nn) fn moments(
    m: &Machine,
    moments: &mut Array<'static, f32>,
    grad: &Array<'_, f32>,
    n: usize,
    [b1, b2, scale]: [f32; 3],
) -> Result<()> {
    let args =
        &mut [Arg::Out(moments), Arg::In(grad), Arg::count(n), Arg::Number(b1), Arg::Number(b2), Arg::Number(scale)];
    m.launch("adam_moments", Grid::Elements(n), args)
}

/// Weights from moments; rate, root, epsilon and what is kept of a weight.
pub(in crate::nn) fn weights(
    m: &Machine,
    weights: &mut Array<'static, f32>,
    moments: &Array<'_, f32>,
    n: usize,
    [rate, root, epsilon, keep]: [f32; 4],
) -> Result<()> {
    let args = &mut [
        Arg::Out(weights),
        Arg::In(moments),
        Arg::count(n),
        Arg::Number(rate),
        Arg::Number(root),
        Arg::Number(epsilon),
        Arg::Number(keep),
    ];
    m.launch("adam_weights", Grid::Elements(n), args)
}
