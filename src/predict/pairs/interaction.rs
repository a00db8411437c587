//! What a pair does beyond its parts.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};

use crate::predict::PredictError;
use crate::stats::{inverse_spd, pca};

/// Principal components of the parts.
const RANK: usize = 8;
/// Fewer pairs teach no interaction.
const LEAST: usize = 8;

/// Kernel ridge regression on symmetric products: pairs (A, B) and (C, D) are alike by
/// k = (A C) (B D) + (A D) (B C), products of low-rank scores. That is ridge regression on all products A_i B_j + A_j B_i.
#[derive(Debug, Clone)]
pub(super) struct Interaction {
    /// Axes of the parts, rank x n_genes.
    pub(super) axes: Array2<f32>,
    /// Scores of both targets of the training pairs, n_pairs x (2 rank).
    pub(super) scores: Array2<f32>,
    /// What the likeness to each training pair adds, n_pairs x n_genes.
    pub(super) coefficients: Array2<f32>,
    /// Mean of k over the training pairs with themselves.
    pub(super) unit: f32,
}

/// An interaction and what it predicts for each training pair without it, n_pairs x n_genes.
pub(super) type WithLeftOut = (Interaction, Array2<f32>);

impl Interaction {
    /// Learns from parts (n_singles x n_genes), both parts of each pair, and what remains to be explained of each pair
    /// (n_pairs x n_genes), at the penalty with the smallest leave-one-out error; `None` for fewer than eight pairs.
    pub(super) fn fit(
        singles: &Array2<f32>,
        parts: [&Array2<f32>; 2],
        rest: &Array2<f32>,
    ) -> Result<Option<WithLeftOut>, PredictError> {
        if rest.nrows() < LEAST {
            return Ok(None);
        }
        let axes = pca(singles.mapv(f64::from).view(), RANK.min(singles.nrows() - 1))?.axes.mapv(|v| v as f32);
        let scores = concatenate![Axis(1), parts[0].dot(&axes.t()), parts[1].dot(&axes.t())];
        let mut kernel = likeness(scores.view(), scores.view());
        let unit = kernel.diag().mean().unwrap_or(1.0).max(f32::MIN_POSITIVE);
        kernel /= unit;
        let (kernel, target) = (kernel.mapv(f64::from), rest.mapv(f64::from));
        let mut best: Option<(f64, Array2<f64>, Array2<f64>)> = None;
        for step in -4..=6 {
            let penalty = 10f64.powf(f64::from(step) / 2.0);
            let inverse = inverse_spd(&(&kernel + &(Array2::<f64>::eye(kernel.nrows()) * penalty)))?;
            // LAPACK fills one triangle.
            let inverse = Array2::from_shape_fn(inverse.raw_dim(), |(i, j)| inverse[[i.min(j), i.max(j)]]);
            let coefficients = inverse.dot(&target);
            let residual = &coefficients / &inverse.diag().to_owned().insert_axis(Axis(1));
            let error = residual.iter().map(|r| r * r).sum::<f64>();
            if best.as_ref().is_none_or(|b| error < b.0) {
                best = Some((error, coefficients, residual));
            }
        }
        let Some((_, coefficients, residual)) = best else { return Ok(None) };
        let left_out = (target - residual).mapv(|v| v as f32);
        Ok(Some((Self { axes, scores, coefficients: coefficients.mapv(|v| v as f32), unit }, left_out)))
    }

    /// What these parts add together, length n_genes.
    pub(super) fn predict(&self, a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> Array1<f32> {
        let scores = concatenate![Axis(0), self.axes.dot(&a), self.axes.dot(&b)].insert_axis(Axis(0));
        (likeness(scores.view(), self.scores.view()) / self.unit).row(0).dot(&self.coefficients)
    }
}

/// k between the pairs of two tables of scores.
fn likeness(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Array2<f32> {
    let k = x.ncols() / 2;
    let product =
        |a: usize, b: usize| x.slice(s![.., a * k..(a + 1) * k]).dot(&y.slice(s![.., b * k..(b + 1) * k]).t());
    product(0, 0) * product(1, 1) + product(0, 1) * product(1, 0)
}
