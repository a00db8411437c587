//! Whether a screen shows any effect at all.
//!
//! Every change is measured against the same control cells, so all changes share the noise of those cells, and a screen
//! without any effect still has a training mean that "predicts" each change. Here products of independent measurements
//! are tested instead: with a and b the changes measured on disjoint halves of the perturbed and of the control cells,
//! the product of the mean of a and the mean of b is 0 on average where there is no common effect, and so is the product
//! of a and b of one perturbation, each minus its mean, where that perturbation does nothing of its own. The variance
//! of such a product of noise is tr(S S) times known factors of cell numbers, S the covariance of the genes over cells;
//! tr(S S) comes from products between halves of different perturbations, which hold no effect by construction.
//! Without halves the variances over cells say how long a change without effect would be.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::held_out::own_genes;
use crate::data::{Quantity, Responses};
use crate::stats::Rng;

/// Fewer standard deviations than this are no effect.
const LEAST: f64 = 3.0;
/// Fewer standard errors than this are no change of the targets themselves: few of them are measured, and all against the
/// same control cells. A knockdown that works stands out by far more.
const LEAST_OWN: f64 = 5.0;
/// Rows and quadruples of rows from which the noise is estimated, at most.
const NOISE_ROWS: usize = 200;
const QUADRUPLES: usize = 2000;

/// How far common and own effects stand out of the noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Standard deviations by which the mean change stands out; `None` where nothing tells the noise of the control.
    pub mean: Option<f64>,
    /// Standard deviations by which the departures from the mean stand out, over all perturbations together.
    pub departure: Option<f64>,
    /// Mean change of the targets themselves, in standard errors (0 where none is measured).
    pub own: f64,
}

impl Signal {
    /// Measures a screen; the readings of the targets themselves are kept apart. O(n_perturbations^2 x n_genes).
    pub(super) fn of(responses: &Responses) -> Self {
        let own = own_change(responses);
        let products = if responses.quantity == Quantity::Level { products(responses) } else { None };
        match products {
            Some(p) => Self { mean: p.mean(), departure: p.departure(), own },
            None => Self { mean: None, departure: None, own },
        }
    }

    /// Whether both tests were possible and neither found an effect.
    pub fn is_absent(&self) -> bool {
        matches!((self.mean, self.departure), (Some(mean), Some(departure)) if mean < LEAST && departure < LEAST)
    }

    /// Whether the targets themselves change.
    pub fn own_is_present(&self) -> bool {
        self.own.abs() >= LEAST_OWN
    }
}

/// Mean over its standard error of the changes of the targets that are measured.
fn own_change(responses: &Responses) -> f64 {
    let of = |i: usize| {
        own_genes(&responses.perturbations[i], &responses.genes).into_iter().map(move |g| responses.delta[[i, g]])
    };
    let changes: Vec<f64> = (0..responses.len()).flat_map(of).map(f64::from).collect();
    let n = changes.len() as f64;
    if changes.len() < 3 {
        return 0.0;
    }
    let mean = changes.iter().sum::<f64>() / n;
    let var = changes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean / (var / n).sqrt().max(f64::MIN_POSITIVE)
}

/// Products of measurements and what they would vary by without any effect.
struct Products {
    /// Product of the two measurements of the mean.
    mean: f64,
    /// Standard deviation of `mean` over sqrt(tr(S S)).
    mean_scale: Option<f64>,
    /// The same of each perturbation.
    rows: Vec<(f64, f64)>,
    /// tr(S S), per cell.
    noise: f64,
}

impl Products {
    fn mean(&self) -> Option<f64> {
        Some(self.mean / (self.mean_scale? * self.noise.sqrt()))
    }

    fn departure(&self) -> Option<f64> {
        let z: f64 = self.rows.iter().map(|(product, scale)| product / (scale * self.noise.sqrt())).sum();
        let z = z / (self.rows.len() as f64).sqrt();
        z.is_finite().then_some(z)
    }
}

fn products(responses: &Responses) -> Option<Products> {
    let counted = responses.control.n_cells > 1 && responses.n_cells.iter().all(|&n| n > 1);
    if responses.len() < 4 || !counted {
        return None;
    }
    responses.halves.as_ref().and_then(|halves| of_halves(responses, halves)).or_else(|| of_variances(responses))
}

fn of_halves(responses: &Responses, [a, b]: &[Array2<f32>; 2]) -> Option<Products> {
    let (a, b) = (without_own(responses, a), without_own(responses, b));
    if a.iter().chain(&b).any(|v| !v.is_finite()) {
        return None;
    }
    let (mean_a, mean_b) = (a.mean_axis(Axis(0))?, b.mean_axis(Axis(0))?);
    let n: Vec<f64> = responses.n_cells.iter().map(|&n| n as f64).collect();
    let row = |i: usize| (dot((&a.row(i) - &mean_a).view(), (&b.row(i) - &mean_b).view()), 2.0 / n[i]);
    Some(Products {
        mean: dot(mean_a.view(), mean_b.view()),
        mean_scale: Some(2.0 / responses.control.n_cells as f64 + 2.0 * mean_noise(&n)),
        rows: (0..n.len()).map(row).collect(),
        noise: noise(&(&a - &b), &n.iter().map(|n| 4.0 / n).collect::<Vec<_>>())?,
    })
}

/// Without halves: squared lengths minus what the variances over cells say of noise.
fn of_variances(responses: &Responses) -> Option<Products> {
    let (var, control_var) = (responses.var.as_ref()?, responses.control.var.as_ref()?);
    let delta = without_own(responses, &responses.delta);
    let mean = delta.mean_axis(Axis(0))?;
    let n: Vec<f64> = responses.n_cells.iter().map(|&n| n as f64).collect();
    let own = |i: usize| own_genes(&responses.perturbations[i], &responses.genes);
    let noise_of = |i: usize| {
        let all = sum(var.row(i)) - own(i).into_iter().map(|g| f64::from(var[[i, g]])).sum::<f64>();
        all / (n[i] - 1.0)
    };
    let p = n.len() as f64;
    let lengths: Vec<f64> = (0..n.len()).map(noise_of).collect();
    let all = lengths.iter().sum::<f64>() / (p * p);
    let row = |i: usize| {
        let departure = &delta.row(i) - &mean;
        let expected = lengths[i] * (1.0 - 2.0 / p) + all;
        (dot(departure.view(), departure.view()) - expected, std::f64::consts::SQRT_2 / n[i])
    };
    let controls = responses.control.n_cells as f64;
    Some(Products {
        mean: dot(mean.view(), mean.view()) - sum(control_var.view()) / (controls - 1.0) - all,
        mean_scale: Some(std::f64::consts::SQRT_2 * (1.0 / controls + mean_noise(&n))),
        rows: (0..n.len()).map(row).collect(),
        noise: noise(&delta, &n.iter().map(|n| 1.0 / n).collect::<Vec<_>>())?,
    })
}

/// Share of the perturbed cells in the variance of the mean change.
fn mean_noise(n: &[f64]) -> f64 {
    n.iter().map(|n| 1.0 / n).sum::<f64>() / (n.len() as f64).powi(2)
}

/// The changes with those of the targets themselves set to 0.
fn without_own(responses: &Responses, changes: &Array2<f32>) -> Array2<f32> {
    let mut out = changes.clone();
    for (perturbation, mut row) in responses.perturbations.iter().zip(out.rows_mut()) {
        own_genes(perturbation, &responses.genes).into_iter().for_each(|g| row[g] = 0.0);
    }
    out
}

/// tr(S S) from rows of noise with covariance `scale[i]` S plus something all rows share: the mean square of
/// (x_i - x_j)(x_k - x_l) over quadruples of rows, each over its scales.
fn noise(rows: &Array2<f32>, scale: &[f64]) -> Option<f64> {
    let n = rows.nrows().min(NOISE_ROWS);
    if n < 4 {
        return None;
    }
    let x = rows.slice(ndarray::s![..n, ..]).mapv(f64::from);
    let gram = x.dot(&x.t());
    let mut rng = Rng::named(0, "quadruples");
    let mut order: Vec<usize> = (0..n).collect();
    let mut squares = 0.0;
    for _ in 0..QUADRUPLES {
        (0..4).for_each(|k| order.swap(k, k + rng.below(n - k)));
        let [i, j, k, l] = [order[0], order[1], order[2], order[3]];
        let product: f64 = gram[[i, k]] - gram[[i, l]] - gram[[j, k]] + gram[[j, l]];
        squares += product * product / ((scale[i] + scale[j]) * (scale[k] + scale[l]));
    }
    let noise = squares / QUADRUPLES as f64;
    (noise > 0.0).then_some(noise)
}

fn dot(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn sum(x: ArrayView1<'_, f32>) -> f64 {
    x.iter().map(|&v| f64::from(v)).sum()
}

/// Squared length of what sampling cells adds to a departure from the mean, per perturbation: 0 where nothing tells.
pub(super) fn noise_lengths(responses: &Responses) -> Array1<f64> {
    let of = |i: usize| match (&responses.var, responses.n_cells[i]) {
        (Some(var), n) if n > 1 => sum(var.row(i)) / (n as f64 - 1.0),
        _ => 0.0,
    };
    (0..responses.len()).map(of).collect()
}
