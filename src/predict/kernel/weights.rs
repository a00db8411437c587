//! Learning which views of the graph matter, from exact leave-one-out predictions.

use ndarray::{Array1, Array2, Axis, Zip};

use super::loss::{loss, loss_gradient};
use crate::stats::{LinalgError, inverse_spd};

/// Steps of the optimiser; the loss is flat afterwards.
const STEPS: usize = 30;
/// Step size of the optimiser, on the logarithms of all parameters.
const RATE: f64 = 0.3;

/// A kernel exp(sharpness (sum of weight x similarity - 1)) and the ridge penalty it was learned with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learned {
    /// One weight per view, not negative, sum 1.
    pub(super) weights: Vec<f64>,
    /// How fast the kernel falls with dissimilarity.
    pub(super) sharpness: f64,
    /// Ridge penalty.
    pub(super) penalty: f64,
}

/// Free parameters: logits of the weights, then log sharpness and log penalty.
struct Parameters(Array1<f64>);

impl Parameters {
    fn start(n_views: usize, sharpness: f64, penalty: f64) -> Self {
        let mut values = Array1::zeros(n_views + 2);
        values[n_views] = sharpness.ln();
        values[n_views + 1] = penalty.ln();
        Self(values)
    }

    fn read(&self) -> Learned {
        let n = self.0.len() - 2;
        let raw: Vec<f64> = self.0.iter().take(n).map(|v| v.exp()).collect();
        let total: f64 = raw.iter().sum();
        let weights = raw.iter().map(|w| w / total).collect();
        Learned { weights, sharpness: self.0[n].exp(), penalty: self.0[n + 1].exp() }
    }
}

/// Minimises the leave-one-out [`loss`] of `scores` (n x r) over the weights of the similarities (each n x n), the
/// sharpness and the penalty, by Adam from equal weights. Deterministic; O(steps x (n^3 + views x n^2)).
///
/// With C = (K + penalty I)^-1 the leave-one-out prediction is P = Z - (C Z) / diag(C), so its gradient needs no
/// automatic differentiation: with G = dL/dP and c = diag(C), dL/dC = -(G / c) Z' + diag(sum_k G C Z / c^2) and
/// dL/dK = -C dL/dC C.
pub(super) fn learn(
    similarities: &[Array2<f64>],
    scores: &Array2<f64>,
    sharpness: f64,
    penalty: f64,
) -> Result<Learned, LinalgError> {
    let mut parameters = Parameters::start(similarities.len(), sharpness, penalty);
    let mut adam = Adam::new(parameters.0.len());
    let mut best = (f64::INFINITY, parameters.read());
    for _ in 0..STEPS {
        let at = parameters.read();
        let (loss, gradient) = evaluate(similarities, scores, &at)?;
        if loss < best.0 {
            best = (loss, at);
        }
        adam.step(&mut parameters.0, &gradient);
    }
    Ok(best.1)
}

/// Weighted mean of the similarities, n x n.
pub(super) fn mix(similarities: &[Array2<f64>], weights: &[f64]) -> Array2<f64> {
    let n = similarities.first().map_or(0, Array2::nrows);
    let mut sum = Array2::zeros((n, n));
    for (s, &w) in similarities.iter().zip(weights) {
        sum.scaled_add(w, s);
    }
    sum
}

/// The loss and its gradient over the free parameters.
fn evaluate(
    similarities: &[Array2<f64>],
    scores: &Array2<f64>,
    at: &Learned,
) -> Result<(f64, Array1<f64>), LinalgError> {
    let shifted = mix(similarities, &at.weights) - 1.0;
    let kernel = shifted.mapv(|s| (at.sharpness * s).exp());
    let mut penalised = kernel.clone();
    penalised.diag_mut().mapv_inplace(|v| v + at.penalty);
    let inverse = inverse_spd(&penalised)?;
    let diagonal = inverse.diag().to_owned().insert_axis(Axis(1));
    let dual = inverse.dot(scores);
    let predicted = scores - &(&dual / &diagonal);
    let by_prediction = loss_gradient(&predicted, scores);
    let by_kernel = kernel_gradient(&inverse, &dual, &diagonal, &by_prediction);
    let by_penalty = at.penalty * by_kernel.diag().sum();
    // dL/dS for the exponent: every parameter acts through it.
    let by_exponent = by_kernel * &kernel;
    let product = |x: &Array2<f64>| Zip::from(&by_exponent).and(x).fold(0.0, |sum, a, b| sum + a * b);
    let raw: Vec<f64> = similarities.iter().map(|s| at.sharpness * product(s)).collect();
    let mean: f64 = raw.iter().zip(&at.weights).map(|(g, w)| g * w).sum();
    let by_logit = raw.iter().zip(&at.weights).map(|(g, w)| w * (g - mean));
    let rest = [at.sharpness * product(&shifted), by_penalty];
    Ok((loss(&predicted, scores), by_logit.chain(rest).collect()))
}

/// dL/dK = -C (dL/dC) C, n x n, from C, C Z, diag(C) (a column) and dL/dP.
fn kernel_gradient(
    inverse: &Array2<f64>,
    dual: &Array2<f64>,
    diagonal: &Array2<f64>,
    by_prediction: &Array2<f64>,
) -> Array2<f64> {
    let left = inverse.dot(&(by_prediction / diagonal));
    let by_diagonal = (by_prediction * dual).sum_axis(Axis(1)).insert_axis(Axis(1)) / (diagonal * diagonal);
    left.dot(&dual.t()) - inverse.dot(&(inverse * &by_diagonal))
}

/// Adam (Kingma and Ba 2015) with its usual decay rates.
struct Adam {
    first: Array1<f64>,
    second: Array1<f64>,
    steps: i32,
}

impl Adam {
    fn new(n: usize) -> Self {
        Self { first: Array1::zeros(n), second: Array1::zeros(n), steps: 0 }
    }

    fn step(&mut self, parameters: &mut Array1<f64>, gradient: &Array1<f64>) {
        self.steps += 1;
        let (keep, keep_square) = (0.9, 0.999);
        let (bias, bias_square) = (1.0 - f64::powi(keep, self.steps), 1.0 - f64::powi(keep_square, self.steps));
        for (i, &g) in gradient.iter().enumerate() {
            self.first[i] = keep * self.first[i] + (1.0 - keep) * g;
            self.second[i] = keep_square * self.second[i] + (1.0 - keep_square) * g * g;
            parameters[i] -= RATE * (self.first[i] / bias) / ((self.second[i] / bias_square).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    /// Two views of 12 genes: in the first, genes of the same parity are alike and respond alike; the second is noise.
    fn example() -> (Vec<Array2<f64>>, Array2<f64>) {
        let mut rng = Rng::named(3, "views");
        let parity =
            Array2::from_shape_fn(
                (12, 12),
                |(i, j)| if i == j { 1.0 } else { 0.8 * f64::from(u8::from(i % 2 == j % 2)) },
            );
        let mut noise = Array2::eye(12);
        for i in 0..12 {
            for j in 0..i {
                noise[[i, j]] = 0.2 * rng.uniform();
                noise[[j, i]] = noise[[i, j]];
            }
        }
        let scores =
            Array2::from_shape_fn((12, 3), |(i, k)| if i % 2 == k % 2 { 1.0 } else { -1.0 } + 0.5 * rng.normal());
        (vec![parity, noise], scores)
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let (views, scores) = example();
        let at = |x: &Array1<f64>| evaluate(&views, &scores, &Parameters(x.clone()).read()).unwrap();
        let start = ndarray::array![0.3, -0.2, 0.1, -1.0];
        let (_, gradient) = at(&start);
        for i in 0..4 {
            let moved = |by: f64| {
                let mut x = start.clone();
                x[i] += by;
                at(&x).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(slope.abs() > 1e-6 && (slope - gradient[i]).abs() < 1e-7, "{i}: {slope} {}", gradient[i]);
        }
    }

    #[test]
    fn the_view_that_predicts_wins() {
        let (views, scores) = example();
        let learned = learn(&views, &scores, 1.0, 0.1).unwrap();
        assert!(learned.weights[0] > 0.8, "{learned:?}");
    }
}
