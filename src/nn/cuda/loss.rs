//! Losses of entries.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// Entries whose costs one block of threads sums.
const CHUNK: usize = 4096;

/// What a prediction is compared with, on a machine.
#[derive(Debug)]
pub(in crate::nn) struct Terms {
    kind: u64,
    n: usize,
    target: Array<'static, f32>,
    more: Vec<Array<'static, f32>>,
}

impl Terms {
    /// The target and none (squared error), one (weights) or two (variance and third moment) values per entry.
    pub(in crate::nn) fn new(m: &Machine, target: &[f32], more: &[&[f32]]) -> Result<Self> {
        let uploaded = more.iter().map(|x| m.upload(x)).collect::<Result<_>>()?;
        Ok(Self { kind: more.len() as u64, n: target.len(), target: m.upload(target)?, more: uploaded })
    }

    /// A kernel reads only the terms of its kind: the target takes the place of the others.
    fn more(&self, k: usize) -> &Array<'static, f32> {
        self.more.get(k).unwrap_or(&self.target)
    }
}

/// The mean cost, one value.
pub(in crate::nn) fn mean(m: &Machine, of: &Terms, prediction: &Array<'_, f32>) -> Result<Array<'static, f32>> {
    let n_parts = of.n.div_ceil(CHUNK);
    let (mut part, mut mean) = (m.zeros::<f64>(n_parts)?, m.zeros::<f32>(1)?);
    let args = &mut [
        Arg::Count(of.kind),
        Arg::In(prediction),
        Arg::In(&of.target),
        Arg::In(of.more(0)),
        Arg::In(of.more(1)),
        Arg::Out(&mut part),
        Arg::count(of.n),
        Arg::count(CHUNK),
    ];
    m.launch("loss_cost", Grid::Rows(n_parts), args)?;
    let args = &mut [Arg::In(&part), Arg::Out(&mut mean), Arg::count(n_parts), Arg::count(of.n)];
    m.launch("loss_mean", Grid::Rows(1), args)?;
    Ok(mean)
}

/// The gradient of the prediction, for the gradient of the mean cost (one value).
pub(in crate::nn) fn slope(
    m: &Machine,
    of: &Terms,
    prediction: &Array<'_, f32>,
    grad: &Array<'_, f32>,
) -> Result<Array<'static, f32>> {
    let mut slope = m.zeros(of.n)?;
    let args = &mut [
        Arg::Count(of.kind),
        Arg::In(prediction),
        Arg::In(&of.target),
        Arg::In(of.more(0)),
        Arg::In(of.more(1)),
        Arg::In(grad),
        Arg::Out(&mut slope),
        Arg::count(of.n),
    ];
    m.launch("loss_slope", Grid::Elements(of.n), args)?;
    Ok(slope)
}
