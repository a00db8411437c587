//! Perturbation discrimination of 2026: the cosine of changes without the target genes of any perturbation.
//!
//! For each perturbation k others are nearer to its predicted change than its own truth, those at the same distance
//! counting half: 1 - k / (n - 1). A change of nothing is at distance 1 of everything, so it scores 0.5.

use ndarray::ArrayView1;
use rayon::prelude::*;

use super::discrimination::cosine;
use super::{Comparison, ScoreError, Values};

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let n = c.n_labels();
    let mut is_target = vec![false; c.genes.len()];
    c.own.iter().flatten().for_each(|&gene| is_target[gene] = true);
    let kept = |row: ArrayView1<'_, f64>| -> Vec<f64> {
        row.iter().zip(&is_target).filter(|(_, target)| !**target).map(|(x, _)| *x).collect()
    };
    let real: Vec<Vec<f64>> = c.real.delta.outer_iter().map(kept).collect();
    let score = |own: usize| {
        let predicted = kept(c.pred.delta.row(own));
        let distances: Vec<f64> = real.iter().map(|real| cosine(&predicted, real)).collect();
        if n < 2 { 1.0 } else { 1.0 - rank(&distances, own) / (n as f64 - 1.0) }
    };
    Ok((0..n).into_par_iter().map(|own| Some(score(own))).collect())
}

/// Smaller distances, and half of the equal ones.
fn rank(distances: &[f64], own: usize) -> f64 {
    let smaller = distances.iter().filter(|d| **d < distances[own]).count() as f64;
    let equal = distances.iter().filter(|d| **d == distances[own]).count() as f64;
    smaller + (equal - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_distances_share_their_ranks() {
        assert_eq!(rank(&[0.5, 0.1, 0.9], 0), 1.0);
        assert_eq!(rank(&[1.0, 1.0, 1.0], 0), 1.0);
        assert_eq!(rank(&[1.0, 0.2, 1.0, 1.0, 2.0], 0), 2.0);
    }
}
