//! Rank of the own truth among all truths, or of the own prediction among all predictions, with ties at their mean rank.
//!
//! `centroid_accuracy` is Systema's (Viñas Torné et al., fe087c9): share of the other real means that are farther
//! (Euclidean) from the predicted mean than the own one. `by_rmse` and `by_cosine` are the rank metrics of PerturBench
//! (Wu et al., d357dfa): for each real perturbation, the share of predictions, out of N, that are nearer to it than its own
//! prediction; means by root mean squared error, changes by cosine. Those tools break ties by order or at random.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

use super::discrimination::{self, Distance, slice};
use super::{Comparison, ScoreError, Values, others};

pub(super) fn centroid_accuracy(c: &Comparison) -> Result<Values, ScoreError> {
    let others = others(c, "systema_centroid_accuracy")?;
    let before = positions(&c.pred.mean, &c.real.mean, discrimination::l2);
    Ok(before.into_iter().map(|k| Some(1.0 - k / others)).collect())
}

pub(super) fn by_rmse(c: &Comparison) -> Values {
    among_predictions(c, positions(&c.real.mean, &c.pred.mean, discrimination::l2))
}

pub(super) fn by_cosine(c: &Comparison) -> Values {
    among_predictions(c, positions(&c.real.delta, &c.pred.delta, discrimination::cosine))
}

fn among_predictions(c: &Comparison, before: Vec<f64>) -> Values {
    let n = c.n_labels() as f64;
    before.into_iter().map(|k| Some(k / n)).collect()
}

/// For each row of `from`, how many rows of `to` are nearer than the one of the same index; equally near ones count half.
/// O(n^2 m) for n x m matrices, rows in parallel.
pub(super) fn positions(from: &Array2<f64>, to: &Array2<f64>, distance: Distance) -> Vec<f64> {
    (0..from.nrows()).into_par_iter().map(|own| position(from.row(own), to, own, distance)).collect()
}

pub(super) fn position(from: ArrayView1<'_, f64>, to: &Array2<f64>, own: usize, distance: Distance) -> f64 {
    let from = slice(from);
    let to_row = |row: ArrayView1<'_, f64>| distance(&from, &slice(row));
    let distances: Vec<f64> = to.outer_iter().map(to_row).collect();
    let nearer = distances.iter().filter(|&&d| d < distances[own]).count() as f64;
    let equal = distances.iter().filter(|&&d| d == distances[own]).count() as f64;
    nearer + (equal - 1.0) / 2.0
}
