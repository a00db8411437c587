//! Perturbation discrimination: is the own truth the nearest of all truths?
//!
//! For each perturbation the distances of its predicted change to every real change are ordered and the position r of
//! its own truth (from 0) gives 1 - r / N. The coordinate of its own target gene is left out of all distances. Equal
//! distances are ordered by perturbation name.

use rayon::prelude::*;

use super::{Comparison, ScoreError, Values};

/// Distance of two vectors given as pairs of coordinates.
pub(super) type Distance = fn(&mut dyn Iterator<Item = (f64, f64)>) -> f64;

pub(super) fn l1(pairs: &mut dyn Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(x, y)| (x - y).abs()).sum()
}

/// Squared: the order is that of the Euclidean distance.
pub(super) fn l2(pairs: &mut dyn Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(x, y)| (x - y) * (x - y)).sum()
}

/// 1 - cosine; 1 where a vector is zero.
pub(super) fn cosine(pairs: &mut dyn Iterator<Item = (f64, f64)>) -> f64 {
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    if xx == 0.0 || yy == 0.0 { 1.0 } else { 1.0 - xy / (xx.sqrt() * yy.sqrt()) }
}

pub(super) fn evaluate(c: &Comparison, distance: Distance) -> Result<Values, ScoreError> {
    let n = c.n_labels();
    let position = |own: usize| {
        let predicted = c.pred.delta.row(own);
        let to = |j: usize| {
            let real = c.real.delta.row(j);
            let pairs = predicted.iter().copied().zip(real.iter().copied()).enumerate();
            distance(&mut pairs.filter(|(gene, _)| !c.own[own].contains(gene)).map(|(_, pair)| pair))
        };
        let distances: Vec<f64> = (0..n).map(to).collect();
        (0..n).filter(|&j| distances[j] < distances[own] || (distances[j] == distances[own] && j < own)).count()
    };
    Ok((0..n).into_par_iter().map(|own| Some(1.0 - position(own) as f64 / n as f64)).collect())
}
