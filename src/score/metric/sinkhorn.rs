//! Transport between predicted and real cells of a perturbation: the Sinkhorn divergence (Feydy et al. 2019).
//!
//! S = OT(x, y) - (OT(x, x) + OT(y, y)) / 2 with OT the entropic transport cost at squared Euclidean costs, on the first
//! 50 principal components of the real cells (all of them, the control's included). Epsilon is 0.05 times the mean cost
//! between predicted and real cells of the perturbation, as in ott-jax; iterations end when the cost rises
//! by no more than 1e-9 epsilon, 10,000 at most, else an error. 0 for identical cells. pertpy's `wasserstein` is OT(x, y) alone,
//! which is not 0 for identical cells.
//!
//! O(cells^2) memory and time per iteration, for the cells of one perturbation per thread.

use ndarray::Array2;
use rayon::prelude::*;

use super::components::Components;
use super::pairs::cells;
use super::{Comparison, ScoreError, Values};
use crate::stats::{sinkhorn_cost, sinkhorn_potential, squared_distances};

const NAME: &str = "sinkhorn_divergence";
const EPSILON: f64 = 0.05;
const ITERATIONS: usize = 10_000;

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = (cells(&c.real)?, cells(&c.pred)?);
    let components = Components::fit(&real, NAME)?;
    let of = |label: usize| {
        let [x, y] = [&pred[label], &real[label]].map(|cells| components.scores(cells));
        divergence(&x, &y).map(Some).ok_or_else(|| ScoreError::Undefined {
            metric: NAME,
            label: c.labels[label].clone(),
            expected: "a transport cost that settles within 10,000 iterations",
            got: format!("{} predicted and {} real cells for which it does not", x.nrows(), y.nrows()),
        })
    };
    (0..c.n_labels()).into_par_iter().map(of).collect()
}

fn divergence(x: &Array2<f64>, y: &Array2<f64>) -> Option<f64> {
    let between = squared_distances(x.view(), y.view());
    let epsilon = EPSILON * between.mean().unwrap_or(0.0);
    if epsilon == 0.0 {
        return Some(0.0);
    }
    let own = |x: &Array2<f64>| sinkhorn_potential(squared_distances(x.view(), x.view()).view(), epsilon, ITERATIONS);
    let (of_x, of_y) = (own(x)?, own(y)?);
    let mean = |f: &[f64]| f.iter().sum::<f64>() / f.len() as f64;
    // Potentials of the predicted cells are a good start, and the answer where the real cells are the same.
    let cost = sinkhorn_cost(between.view(), epsilon, &of_x, ITERATIONS)?;
    Some((cost - mean(&of_x) - mean(&of_y)).max(0.0))
}
