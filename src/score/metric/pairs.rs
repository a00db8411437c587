//! Means over all pairs of cells, in bounded memory: blocks of cells are made dense, one matrix product per two blocks.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use super::super::{Side, SideCells};
use super::ScoreError;
use crate::data::Csr;
use crate::stats::squared_distances;

/// Cells per block. Two blocks per thread are held: 4 kB per gene and thread.
const BLOCK: usize = 256;

/// The cells of each perturbation and, last, of the control as rows. Where all cells of a perturbation are the same
/// profile there is one: no mean over pairs tells the difference.
pub(super) fn cells(side: &Side) -> Result<Vec<Csr<f32>>, ScoreError> {
    let SideCells::Constant { profile, like } = &side.cells else { return side.cells.rows() };
    let mut one = Csr::empty(profile.len());
    one.push_row((0u32..).zip(profile.iter().copied()).filter(|(_, v)| *v != 0.0));
    let control = like.rows()?.pop();
    Ok(like.labels.iter().map(|_| one.clone()).chain(control).collect())
}

/// Mean over all pairs of a cell of `a` and one of `b` of a function of their squared Euclidean distance.
/// O(cells_a cells_b genes) time; blocks run in parallel and are added in a fixed order.
pub(super) fn mean_between(a: &Csr<f32>, b: &Csr<f32>, of: fn(f64) -> f64) -> f64 {
    let pairs: Vec<(usize, usize)> = (0..blocks(a)).flat_map(|i| (0..blocks(b)).map(move |j| (i, j))).collect();
    sum(&pairs, |i, j| block_sum(a, i, b, j, of)) / (a.n_rows() as f64 * b.n_rows() as f64)
}

/// The same over all ordered pairs of cells of `a`, every cell with itself included (a V-statistic).
pub(super) fn mean_within(a: &Csr<f32>, of: fn(f64) -> f64) -> f64 {
    let pairs: Vec<(usize, usize)> = (0..blocks(a)).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    let twice = |i, j| if i == j { 1.0 } else { 2.0 };
    sum(&pairs, |i, j| twice(i, j) * block_sum(a, i, a, j, of)) / (a.n_rows() as f64).powi(2)
}

fn sum(pairs: &[(usize, usize)], of: impl Fn(usize, usize) -> f64 + Sync) -> f64 {
    let sums: Vec<f64> = pairs.par_iter().map(|&(i, j)| of(i, j)).collect();
    sums.iter().sum()
}

fn blocks(x: &Csr<f32>) -> usize {
    x.n_rows().div_ceil(BLOCK)
}

fn block_sum(a: &Csr<f32>, i: usize, b: &Csr<f32>, j: usize, of: fn(f64) -> f64) -> f64 {
    let rows = |x: &Csr<f32>, block: usize| dense(x, block * BLOCK..((block + 1) * BLOCK).min(x.n_rows()));
    squared_distances(rows(a, i).view(), rows(b, j).view()).iter().map(|&d| of(d)).sum()
}

/// Some rows with their zeros, n_rows x n_genes.
pub(super) fn dense(x: &Csr<f32>, rows: Range<usize>) -> Array2<f64> {
    let mut out = Array2::zeros((rows.len(), x.n_cols()));
    for (mut to, row) in out.outer_iter_mut().zip(rows) {
        let (genes, values) = x.row(row);
        genes.iter().zip(values).for_each(|(&g, &v)| to[g as usize] = f64::from(v));
    }
    out
}
