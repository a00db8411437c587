//! Perturbation discrimination: is the own truth the nearest of all truths?
//!
//! For each perturbation the distances of its predicted change to every real change are ordered and the position r of
//! its own truth (from 0) gives 1 - r / N. The coordinate of its own target gene is left out of all distances. Equal
//! distances are ordered by perturbation name.

use std::borrow::Cow;

use ndarray::ArrayView1;
use rayon::prelude::*;

use super::{Comparison, ScoreError, Values};

/// Distance of two vectors. Coordinates that are zero in both count for nothing.
pub(super) type Distance = fn(&[f64], &[f64]) -> f64;

pub(super) fn l1(x: &[f64], y: &[f64]) -> f64 {
    sum(x, y, |x, y| (x - y).abs())
}

/// Squared: the order is that of the Euclidean distance.
pub(super) fn l2(x: &[f64], y: &[f64]) -> f64 {
    sum(x, y, |x, y| (x - y) * (x - y))
}

/// 1 - cosine; 1 where a vector is zero.
pub(super) fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| sum(x, y, |x, y| x * y);
    let (xx, yy) = (dot(x, x), dot(y, y));
    if xx == 0.0 || yy == 0.0 { 1.0 } else { 1.0 - dot(x, y) / (xx.sqrt() * yy.sqrt()) }
}

/// Partial sums that are added up side by side.
const LANES: usize = 8;

fn sum(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(&x, &y)| term(x, y)).sum();
    let mut lanes = [0.0; LANES];
    for (x, y) in xs.zip(ys) {
        for k in 0..LANES {
            lanes[k] += term(x[k], y[k]);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// A row as a slice.
pub(super) fn slice(row: ArrayView1<'_, f64>) -> Cow<'_, [f64]> {
    row.to_slice().map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

pub(super) fn evaluate(c: &Comparison, distance: Distance) -> Result<Values, ScoreError> {
    let n = c.n_labels();
    let position = |own: usize| {
        let without_own = |row: ArrayView1<'_, f64>| {
            let mut row = row.to_vec();
            c.own[own].iter().for_each(|&gene| row[gene] = 0.0);
            row
        };
        let predicted = without_own(c.pred.delta.row(own));
        let distances: Vec<f64> = (0..n).map(|j| distance(&predicted, &without_own(c.real.delta.row(j)))).collect();
        (0..n).filter(|&j| distances[j] < distances[own] || (distances[j] == distances[own] && j < own)).count()
    };
    Ok((0..n).into_par_iter().map(|own| Some(1.0 - position(own) as f64 / n as f64)).collect())
}
