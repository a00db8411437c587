//! Root-mean-square normalisation of rows.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// x over the root mean square of its row, for n_rows x width.
pub(in crate::nn) fn forward(
    m: &Machine,
    x: &Array<'_, f32>,
    [n_rows, width]: [usize; 2],
) -> Result<Array<'static, f32>> {
    let mut y = m.zeros(n_rows * width)?;
    m.launch("rms_norm", Grid::Rows(n_rows), &mut [Arg::In(x), Arg::Out(&mut y), Arg::count(width)])?;
    Ok(y)
}

/// The gradient of x.
pub(in crate::nn) fn slope(
    m: &Machine,
    x: &Array<'_, f32>,
    grad: &Array<'_, f32>,
    [n_rows, width]: [usize; 2],
) -> Result<Array<'static, f32>> {
    let mut dx = m.zeros(n_rows * width)?;
    let args = &mut [Arg::In(x), Arg::In(grad), Arg::Out(&mut dx), Arg::count(width)];
    m.launch("rms_norm_slope", Grid::Rows(n_rows), args)?;
    Ok(dx)
}
