//! By how much predicted departures from the training mean are scaled.

use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};

use super::held_out::{HeldOut, own_genes};
use crate::data::Responses;

/// Ratios from which the scale with the smallest absolute error is taken, at most.
const RATIOS: usize = 4_000_000;
/// Held-out squared error may grow by this share at most where the absolute error is minimised.
const WORSE: f64 = 0.01;

/// One factor for all departures, by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Scales {
    /// Smallest held-out absolute error, within 1 % of the held-out root mean squared error of the model.
    pub(super) mae: f64,
    /// 1, or the factor with the smallest held-out squared error where that is surely below 1.
    pub(super) balanced: f64,
}

/// Departures from the training mean: the change and the prediction, without the targets themselves.
pub(super) struct Departure {
    pub(super) truth: Array1<f32>,
    pub(super) predicted: Array1<f32>,
}

impl Departure {
    pub(super) fn of(responses: &Responses, held_out: &HeldOut, row: usize) -> Self {
        let mean = held_out.mean(row);
        let mut truth = &responses.delta.row(row) - &mean;
        let mut predicted = &held_out.delta.row(row) - &mean;
        for gene in own_genes(&responses.perturbations[row], &responses.genes) {
            (truth[gene], predicted[gene]) = (0.0, 0.0);
        }
        Self { truth, predicted }
    }
}

/// Sums over genes for one perturbation: of truth^2, truth x predicted, predicted^2.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    tt: f64,
    tr: f64,
    rr: f64,
}

impl Sums {
    fn of(departure: &Departure) -> Self {
        let (t, r) = (departure.truth.view(), departure.predicted.view());
        Self { tt: dot(t, t), tr: dot(t, r), rr: dot(r, r) }
    }

    fn plus(self, other: Self) -> Self {
        Self { tt: self.tt + other.tt, tr: self.tr + other.tr, rr: self.rr + other.rr }
    }

    /// Squared error at this scale.
    fn error(self, scale: f64) -> f64 {
        self.tt - 2.0 * scale * self.tr + scale * scale * self.rr
    }

    fn best(self) -> f64 {
        if self.rr > 0.0 { (self.tr / self.rr).max(0.0) } else { 1.0 }
    }
}

impl Scales {
    /// Scales from the held-out predictions of these rows. O(rows x n_genes).
    pub(super) fn fit(responses: &Responses, held_out: &HeldOut, rows: &[usize]) -> Self {
        let of = |&row: &usize| Sums::of(&Departure::of(responses, held_out, row));
        let sums: Vec<Sums> = rows.iter().map(of).collect();
        let all = sums.iter().fold(Sums::default(), |a, b| a.plus(*b));
        if all.rr <= 0.0 {
            return Self { mae: 1.0, balanced: 1.0 };
        }
        let wished = least_absolute(responses, held_out, rows);
        Self { mae: within(all, wished), balanced: balanced(&sums, all) }
    }
}

/// The best scale where it is below 1 by more than two standard errors (jackknife over perturbations), else 1.
fn balanced(sums: &[Sums], all: Sums) -> f64 {
    let n = sums.len() as f64;
    let without = |s: &Sums| Sums { tt: 0.0, tr: all.tr - s.tr, rr: all.rr - s.rr }.best();
    let left_out: Vec<f64> = sums.iter().map(without).collect();
    let mean = left_out.iter().sum::<f64>() / n;
    let error = ((n - 1.0) / n * left_out.iter().map(|s| (s - mean).powi(2)).sum::<f64>()).sqrt();
    if all.best() + 2.0 * error < 1.0 { all.best() } else { 1.0 }
}

/// The scale nearest to `wished`, on its way from 1, whose squared error is within (1 + 1 %)^2 of that at 1.
fn within(all: Sums, wished: f64) -> f64 {
    let allowed = all.error(1.0) * (1.0 + WORSE).powi(2);
    if all.error(wished) <= allowed {
        return wished;
    }
    let (mut good, mut bad) = (1.0, wished);
    for _ in 0..60 {
        let middle = f64::midpoint(good, bad);
        *(if all.error(middle) <= allowed { &mut good } else { &mut bad }) = middle;
    }
    good
}

/// The scale s >= 0 with the smallest sum of |truth - s predicted|: the median of truth / predicted weighted by
/// |predicted|. Every k-th gene is used where there are very many values.
fn least_absolute(responses: &Responses, held_out: &HeldOut, rows: &[usize]) -> f64 {
    let every = (rows.len() * responses.genes.len()).div_ceil(RATIOS).max(1);
    let mut ratios: Vec<(f32, f32)> = Vec::new();
    for &row in rows {
        let Departure { truth, predicted } = Departure::of(responses, held_out, row);
        let pairs = truth.iter().zip(&predicted).step_by(every).filter(|(_, r)| **r != 0.0);
        ratios.extend(pairs.map(|(t, r)| (t / r, r.abs())));
    }
    ratios.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = ratios.iter().map(|r| f64::from(r.1)).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let at = ratios.iter().find(|(_, weight)| {
        sum += f64::from(*weight);
        sum >= half
    });
    at.map_or(1.0, |(ratio, _)| f64::from(*ratio).max(0.0))
}

pub(super) fn dot(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wished_scale_is_limited_by_the_squared_error() {
        // Error 1 - 2 s + s^2 at truth = predicted: any other scale than 1 has an error from nothing.
        let exact = Sums { tt: 1.0, tr: 1.0, rr: 1.0 };
        assert!((within(exact, 0.2) - 1.0).abs() < 1e-6);
        // Error 4 at s = 1, at s = 0.5 still 3.25.
        let noisy = Sums { tt: 3.0, tr: 0.0, rr: 1.0 };
        assert!((within(noisy, 0.5) - 0.5).abs() < 1e-12);
        // Error 2 at s = 1; allowed 2.0402: the root of (s - 1)^2 + 1 + ... below 1 is 1 - sqrt(0.0402).
        let half = Sums { tt: 3.0, tr: 1.0, rr: 1.0 };
        assert!((within(half, 0.0) - (1.0 - 0.0402f64.sqrt())).abs() < 1e-9);
    }

    #[test]
    fn balanced_scales_only_what_is_surely_too_large() {
        let of = |tr: &[f64]| -> (Vec<Sums>, Sums) {
            let sums: Vec<Sums> = tr.iter().map(|&tr| Sums { tt: 1.0, tr, rr: 1.0 }).collect();
            let all = sums.iter().fold(Sums::default(), |a, b| a.plus(*b));
            (sums, all)
        };
        let t = |tr: &[f64]| {
            let (sums, all) = of(tr);
            balanced(&sums, all)
        };
        assert!((t(&[0.5, 0.52, 0.48, 0.5]) - 0.5).abs() < 1e-12);
        assert_eq!(t(&[1.6, 0.1, 1.2, 0.4]), 1.0);
        assert_eq!(t(&[-0.5, -0.4, -0.6, -0.5]), 0.0);
    }
}
