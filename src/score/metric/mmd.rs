//! Maximum mean discrepancy between predicted and real cells of a perturbation, squared:
//! mean K(x, x') + mean K(y, y') - 2 mean K(x, y), V-statistics (pertpy's `mmd`).
//!
//! Linear kernel over all genes: the squared distance of the two means, which is how it is computed. Radial kernel
//! exp(-|x - y|^2), gamma 1, on the first 50 principal components of the real cells, pertpy's own input. At this gamma cells
//! more than about five units apart do not see each other: where all are, the value is 1/n + 1/m for n and m cells and
//! tells nothing. 0 for identical cells.

use rayon::prelude::*;

use super::components::Components;
use super::pairs::cells;
use super::{Comparison, ScoreError, Values, per_label};
use crate::stats::squared_distances;

pub(super) fn linear(c: &Comparison) -> Result<Values, ScoreError> {
    per_label(c, |label| {
        let difference = &c.pred.mean.row(label) - &c.real.mean.row(label);
        Some(difference.dot(&difference))
    })
}

pub(super) fn radial(c: &Comparison) -> Result<Values, ScoreError> {
    let (real, pred) = (cells(&c.real)?, cells(&c.pred)?);
    let components = Components::fit(&real, "mmd_rbf")?;
    let of = |label: usize| {
        let [x, y] = [&pred[label], &real[label]].map(|cells| components.scores(cells));
        let kernel = |a: &ndarray::Array2<f64>, b: &ndarray::Array2<f64>| {
            let squared = squared_distances(a.view(), b.view());
            squared.iter().map(|d| (-d).exp()).sum::<f64>() / squared.len() as f64
        };
        Some((kernel(&x, &x) + kernel(&y, &y) - 2.0 * kernel(&x, &y)).max(0.0))
    };
    Ok((0..c.n_labels()).into_par_iter().map(of).collect())
}
