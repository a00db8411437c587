//! How long the departure of a target from the training mean will be.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::data::{GeneIndex, Perturbation};
use crate::graph::GeneGraph;
use crate::predict::PredictError;
use crate::stats::solve_spd;

/// Features of a target.
const N: usize = 5;
/// A true squared length is taken to be at least this share of the measured one.
const LEAST_SHARE: f64 = 0.05;

/// Ridge regression of the logarithm of the true length; the penalty has the smallest leave-one-out error, and a large
/// one is the mean of the training lengths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Length {
    intercept: f64,
    means: [f64; N],
    /// Coefficients of the features minus their means.
    coefficients: [f64; N],
    /// Logarithms of lengths seen: predictions stay between them.
    range: [f64; 2],
    /// Share of the variance of the logarithm explained in leave-one-out.
    pub(super) explained: f64,
}

/// What is known of a target before it is perturbed.
pub(super) struct Target<'a> {
    pub(super) perturbation: &'a Perturbation,
    /// Length of the predicted departure.
    pub(super) predicted: f64,
    pub(super) distance: Option<f32>,
}

/// Where features of targets come from.
#[derive(Clone, Copy)]
pub(super) struct Knowledge<'a> {
    pub(super) genes: &'a GeneIndex,
    /// Mean log1p expression in control cells, length n_genes.
    pub(super) control: ndarray::ArrayView1<'a, f32>,
    pub(super) graph: &'a GeneGraph,
}

impl Knowledge<'_> {
    /// Log length of the prediction, distance, control expression, log degree in the graph (means over the targets),
    /// number of targets.
    fn features(&self, target: &Target<'_>) -> [f64; N] {
        let targets = target.perturbation.targets();
        let n = targets.len().max(1) as f64;
        let control = |t: &str| self.genes.resolve(t).map_or(0.0, |g| f64::from(self.control[g.index()]));
        let degree = |t: &str| {
            let degree = self
                .graph
                .genes()
                .resolve(t)
                .map_or(0, |g| self.graph.out_edges(g).len() + self.graph.in_edges(g).count());
            (degree as f64).ln_1p()
        };
        let mean = |of: &dyn Fn(&str) -> f64| targets.iter().map(|t| of(t)).sum::<f64>() / n;
        let distance = f64::from(target.distance.unwrap_or(0.0));
        [target.predicted.max(1e-6).ln(), distance, mean(&control), mean(&degree), n]
    }
}

/// Log of the true length of a departure of this measured squared length, of which `noise` is noise.
pub(super) fn log_length(measured: f64, noise: f64) -> f64 {
    0.5 * (measured - noise).max(LEAST_SHARE * measured).max(1e-12).ln()
}

impl Length {
    /// Learns from targets and the logarithms of their true lengths.
    pub(super) fn fit(knowledge: Knowledge<'_>, targets: &[Target<'_>], lengths: &[f64]) -> Result<Self, PredictError> {
        let n = targets.len();
        let rows: Vec<[f64; N]> = targets.iter().map(|t| knowledge.features(t)).collect();
        let mut x = Array2::from_shape_fn((n, N), |(i, k)| rows[i][k]);
        let means = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(N));
        x -= &means;
        let sd = x.mapv(|v| v * v).mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(N)).mapv(f64::sqrt);
        // A feature that does not vary says nothing.
        let scale = sd.mapv(|s| if s > 1e-9 { 1.0 / s } else { 0.0 });
        x *= &scale;
        let intercept = lengths.iter().sum::<f64>() / n as f64;
        let y: Array2<f64> = Array2::from_shape_fn((n, 1), |(i, _)| lengths[i] - intercept);
        let total: f64 = y.iter().map(|v| (v * n as f64 / (n as f64 - 1.0)).powi(2)).sum();
        let mut best = (f64::INFINITY, Array1::zeros(N));
        for step in -4..=12 {
            let (error, coefficients) = ridge(&x, &y, n as f64 * 10f64.powf(f64::from(step) / 4.0 - 1.0))?;
            if error < best.0 {
                best = (error, coefficients);
            }
        }
        let (error, coefficients) = best;
        let explained = if total > 0.0 { 1.0 - error / total } else { 0.0 };
        // No better than the mean: the mean.
        let coefficients = if explained > 0.0 { coefficients * &scale } else { Array1::zeros(N) };
        let fold = |f: fn(f64, f64) -> f64, start: f64| lengths.iter().copied().fold(start, f);
        Ok(Self {
            intercept,
            means: std::array::from_fn(|k| means[k]),
            coefficients: std::array::from_fn(|k| coefficients[k]),
            range: [fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY)],
            explained: explained.max(0.0),
        })
    }

    /// The length expected of the departure of a target.
    pub(super) fn predict(&self, knowledge: Knowledge<'_>, target: &Target<'_>) -> f64 {
        let features = knowledge.features(target);
        let sum: f64 = (0..N).map(|k| self.coefficients[k] * (features[k] - self.means[k])).sum();
        (self.intercept + sum).clamp(self.range[0], self.range[1]).exp()
    }
}

/// Leave-one-out squared error and coefficients at one penalty; the mean of y is left out with each row too.
fn ridge(x: &Array2<f64>, y: &Array2<f64>, penalty: f64) -> Result<(f64, Array1<f64>), PredictError> {
    let n = x.nrows() as f64;
    let gram = x.t().dot(x) + Array2::<f64>::eye(N) * penalty;
    let coefficients = solve_spd(&gram, &x.t().dot(y))?;
    let hat = solve_spd(&gram, &x.t().to_owned())?;
    let leverage = (x * &hat.t()).sum_axis(Axis(1)) + 1.0 / n;
    let residual = y - &x.dot(&coefficients);
    let error = residual.iter().zip(&leverage).map(|(r, h)| (r / (1.0 - h).max(1e-6)).powi(2)).sum();
    Ok((error, coefficients.column(0).to_owned()))
}
