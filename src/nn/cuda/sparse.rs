//! Sparse products.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// Compressed rows on a machine.
#[derive(Debug)]
pub(in crate::nn) struct Csr {
    n_rows: usize,
    start: Array<'static, u64>,
    column: Array<'static, u32>,
    value: Array<'static, f32>,
}

impl Csr {
    /// First entry of each row (and the end of the last), columns and values of the entries.
    pub(in crate::nn) fn new(machine: &Machine, start: &[usize], column: &[u32], value: &[f32]) -> Result<Self> {
        Ok(Self {
            n_rows: start.len() - 1,
            start: machine.upload(&counts(start))?,
            column: machine.upload(column)?,
            value: machine.upload(value)?,
        })
    }
}

pub(super) fn counts(x: &[usize]) -> Vec<u64> {
    x.iter().map(|&n| n as u64).collect()
}

/// The matrix times x, n_rows x width.
pub(in crate::nn) fn product(m: &Machine, csr: &Csr, x: &Array<'_, f32>, width: usize) -> Result<Array<'static, f32>> {
    let n = csr.n_rows * width;
    let mut y = m.zeros(n)?;
    let args = &mut [
        Arg::In(&csr.start),
        Arg::In(&csr.column),
        Arg::In(&csr.value),
        Arg::In(x),
        Arg::Out(&mut y),
        Arg::count(csr.n_rows),
        Arg::count(width),
    ];
    m.launch("sparse_product", Grid::Elements(n), args)?;
    Ok(y)
}
