//! The norm of gradients.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// Values whose squares one block of threads sums.
const CHUNK: usize = 4096;

/// The sum of squares of all values; each array comes with its length. Only the sum leaves the machine.
pub(in crate::nn) fn sum_of_squares(m: &Machine, arrays: &[(Array<'_, f32>, usize)]) -> Result<f64> {
    let n_parts = arrays.iter().map(|(_, n)| n.div_ceil(CHUNK)).sum();
    let (mut part, mut first) = (m.zeros::<f64>(n_parts)?, 0);
    for (array, n) in arrays {
        let parts = n.div_ceil(CHUNK);
        let args = &mut [Arg::In(array), Arg::Out(&mut part), Arg::count(first), Arg::count(*n), Arg::count(CHUNK)];
        m.launch("squares", Grid::Rows(parts), args)?;
        first += parts;
    }
    let mut sum = m.zeros::<f64>(1)?;
    m.launch("sum_of_parts", Grid::Rows(1), &mut [Arg::In(&part), Arg::Out(&mut sum), Arg::count(n_parts)])?;
    Ok(m.download(&sum)?.iter().sum())
}
