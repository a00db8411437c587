//! Energy distance between groups of cells: E(x, y) = 2 mean |x - y| - mean |x - x'| - mean |y - y'|.
//!
//! Euclidean distances over all genes on the values of the cells (log1p), as V-statistics: a cell is also paired with
//! itself. `correlation` is `pearson_edistance` of cell-eval 0.8.2: over perturbations, E between perturbed and control
//! cells of the real file against the same of the predicted file; NaN with fewer than two perturbations or where one side
//! is constant up to rounding. `to_real` is E between predicted and real cells of a perturbation (pertpy's `edistance`):
//! 0 for identical cells.
//!
//! Memory: the cells of both files (8 bytes per value other than zero) and 4 kB per gene and thread. Time: all pairs of
//! control cells once per file, and all pairs of perturbed cells with each other and with the controls, times genes.

use rayon::prelude::*;

use super::pairs::{cells, mean_between, mean_within};
use super::{Comparison, ScoreError, Side, Values, per_label};
use crate::data::Csr;

/// A side whose distances spread less than this share of the largest is constant.
const ROUNDING: f64 = 1e-9;

pub(super) fn correlation(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = (from_control(&c.real)?, from_control(&c.pred)?);
    let r = if is_constant(&real) || is_constant(&pred) { None } else { crate::stats::pearson(&real, &pred) };
    per_label(c, |_| Some(r.unwrap_or(f64::NAN)))
}

pub(super) fn to_real(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = (cells(&c.real)?, cells(&c.pred)?);
    let of = |t: usize| Some(energy(&pred[t], &real[t], mean_within(&real[t], f64::sqrt)).max(0.0));
    Ok((0..c.n_labels()).into_par_iter().map(of).collect())
}

fn from_control(side: &Side) -> Result<Vec<f64>, ScoreError> {
    let mut groups = cells(side)?;
    let Some(control) = groups.pop() else { return Ok(Vec::new()) };
    let within = mean_within(&control, f64::sqrt);
    Ok(groups.par_iter().map(|group| energy(group, &control, within)).collect())
}

fn energy(x: &Csr<f32>, y: &Csr<f32>, within_y: f64) -> f64 {
    2.0 * mean_between(x, y, f64::sqrt) - mean_within(x, f64::sqrt) - within_y
}

fn is_constant(x: &[f64]) -> bool {
    let (low, high) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    high - low <= ROUNDING * high.abs().max(low.abs())
}
