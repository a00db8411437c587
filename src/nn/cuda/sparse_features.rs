//! Weighted sparse features.

use candle_core::Result;

use super::sparse::counts;
use super::{Arg, Array, Grid, Machine};

/// Entries with features on a machine.
#[derive(Debug)]
pub(in crate::nn) struct Entries {
    shape: [usize; 2],
    n_features: usize,
    n: usize,
    row: Array<'static, u32>,
    column: Array<'static, u32>,
    feature: Array<'static, f32>,
    by_column: Array<'static, u32>,
    column_start: Array<'static, u64>,
}

impl Entries {
    /// Row and column of each entry, features of all entries, entries by column and where each column starts.
    pub(in crate::nn) fn new(
        m: &Machine,
        (shape, n_features): ([usize; 2], usize),
        entries: &[(u32, u32)],
        features: &[f32],
        (by_column, column_start): (&[u32], &[usize]),
    ) -> Result<Self> {
        let (row, column): (Vec<u32>, Vec<u32>) = entries.iter().copied().unzip();
        Ok(Self {
            shape,
            n_features,
            n: entries.len(),
            row: m.upload(&row)?,
            column: m.upload(&column)?,
            feature: m.upload(features)?,
            by_column: m.upload(by_column)?,
            column_start: m.upload(&counts(column_start))?,
        })
    }
}

/// The weighted features, n_rows x n_columns, for weights n_columns x n_features.
pub(in crate::nn) fn weigh(m: &Machine, of: &Entries, weights: &Array<'_, f32>) -> Result<Array<'static, f32>> {
    let mut out = m.zeros(of.shape[0] * of.shape[1])?;
    let args = &mut [
        Arg::In(&of.row),
        Arg::In(&of.column),
        Arg::In(&of.feature),
        Arg::In(weights),
        Arg::Out(&mut out),
        Arg::count(of.n),
        Arg::count(of.shape[1]),
        Arg::count(of.n_features),
    ];
    m.launch("weigh_features", Grid::Elements(of.n), args)?;
    Ok(out)
}

/// The gradient of the weights.
pub(in crate::nn) fn slope(m: &Machine, of: &Entries, grad: &Array<'_, f32>) -> Result<Array<'static, f32>> {
    let n = of.shape[1] * of.n_features;
    let mut slope = m.zeros(n)?;
    let args = &mut [
        Arg::In(&of.column_start),
        Arg::In(&of.by_column),
        Arg::In(&of.row),
        Arg::In(&of.feature),
        Arg::In(grad),
        Arg::Out(&mut slope),
        Arg::count(of.shape[1]),
        Arg::count(of.n_features),
    ];
    m.launch("weigh_features_slope", Grid::Elements(n), args)?;
    Ok(slope)
}
