//! Counts by inversion of one uniform number: monotone in the mean, so that a cell with and without a perturbation, which
//! share that number, differ no more than their means make them.

use super::{Noise, Observation};
use crate::stats::Rng;

/// Factors kept ready.
const TABLE: usize = 512;
/// Below this the probability of 0 is too close to underflow to start from.
const LEAST: f64 = 1e-280;
/// Expected molecules of a binomial draw by one inversion; more are drawn in parts.
const PART: f64 = 500.0;

/// Draws counts.
#[derive(Debug)]
pub(super) struct Counter {
    /// 1 / dispersion of a negative binomial; infinite for Poisson.
    size: f64,
    /// The same where it is a small whole number.
    whole: Option<i32>,
    /// p(k + 1) / p(k) but for the part that depends on the mean.
    factors: Vec<f64>,
}

impl Counter {
    /// A counter for these settings.
    pub(super) fn new(observation: &Observation) -> Self {
        let negative_binomial = observation.noise == Noise::Nb && observation.dispersion > 0.0;
        let size = if negative_binomial { 1.0 / observation.dispersion } else { f64::INFINITY };
        let whole = ((size - size.round()).abs() < 1e-12 && size <= 64.0).then_some(size.round() as i32);
        let mut counter = Self { size, whole, factors: Vec::new() };
        counter.factors = (0..TABLE).map(|k| counter.factor(k)).collect();
        counter
    }

    fn factor(&self, k: usize) -> f64 {
        let k1 = k as f64 + 1.0;
        if self.size.is_finite() { (k as f64 + self.size) / k1 } else { 1.0 / k1 }
    }

    /// The probability of 0, and what each next probability is multiplied by besides its factor.
    #[inline]
    fn start(&self, mean: f64) -> (f64, f64) {
        if self.size.is_infinite() {
            return ((-mean).exp(), mean);
        }
        let odds = mean / self.size;
        let zero = self.whole.map_or_else(|| (-self.size * odds.ln_1p()).exp(), |n| (1.0 + odds).powi(-n));
        (zero, odds / (1.0 + odds))
    }

    /// The count of this mean at the quantile `u` in 0..1; `rest` gives further random numbers where the mean is too large to
    /// invert (Poisson above 640; negative binomial of dispersion 0.1 never).
    #[inline]
    pub(super) fn draw(&self, mean: f64, u: f64, rest: impl FnOnce() -> Rng) -> u64 {
        let (mut p, step) = self.start(mean);
        if p < LEAST {
            let mut rng = rest();
            let rate = if self.size.is_finite() { rng.gamma(self.size) / self.size * mean } else { mean };
            return rng.poisson(rate);
        }
        let (mut k, mut cumulative) = (0usize, p);
        while u >= cumulative {
            p *= step * self.factors.get(k).copied().unwrap_or_else(|| self.factor(k));
            k += 1;
            let next = cumulative + p;
            if next == cumulative && k as f64 > mean {
                break;
            }
            cumulative = next;
        }
        k as u64
    }
}

/// A binomial count of `n` trials with probability `p` by inversion; in parts of at most 500 expected successes, the first of
/// which uses `u`.
pub(super) fn binomial(n: u64, p: f64, u: f64, rest: impl FnOnce() -> Rng) -> u64 {
    if p >= 1.0 || n == 0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial(n, 1.0 - p, 1.0 - u, rest);
    }
    let part = ((PART / p) as u64).max(1);
    if n <= part {
        return invert_binomial(n, p, u);
    }
    let mut rng = rest();
    let (mut left, mut sum) = (n - part, invert_binomial(part, p, u));
    while left > 0 {
        let now = left.min(part);
        sum += invert_binomial(now, p, rng.uniform());
        left -= now;
    }
    sum
}

fn invert_binomial(n: u64, p: f64, u: f64) -> u64 {
    let odds = p / (1.0 - p);
    let (mut k, mut now) = (0u64, (n as f64 * (-p).ln_1p()).exp());
    let mut cumulative = now;
    while u >= cumulative && k < n {
        now *= odds * (n - k) as f64 / (k + 1) as f64;
        k += 1;
        let next = cumulative + now;
        if next == cumulative && k as f64 > n as f64 * p {
            break;
        }
        cumulative = next;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draw: impl Fn(f64, u64) -> u64) -> (f64, f64) {
        let n = 40_000u64;
        let x: Vec<f64> = (0..n).map(|k| draw(Rng::keyed(5, "u", k, 0).uniform(), k) as f64).collect();
        let mean = x.iter().sum::<f64>() / n as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64)
    }

    fn t(got: (f64, f64), mean: f64, variance: f64) {
        assert!((got.0 - mean).abs() < 5.0 * (variance / 40_000.0).sqrt(), "mean {}, expected {mean}", got.0);
        assert!((got.1 / variance - 1.0).abs() < 0.08, "variance {}, expected {variance}", got.1);
    }

    #[test]
    fn the_variance_of_a_negative_binomial_is_mean_and_dispersion_times_mean_squared() {
        for dispersion in [0.0, 0.1, 0.37, 2.0] {
            let counter = Counter::new(&Observation { dispersion, ..Observation::default() });
            for mean in [0.05, 1.0, 12.0, 300.0, 2000.0] {
                let got = moments(|u, k| counter.draw(mean, u, || Rng::keyed(5, "rest", k, 0)));
                // A heavy tail makes the variance of 40,000 draws itself uncertain.
                if dispersion <= 0.37 {
                    t(got, mean, mean + dispersion * mean * mean);
                } else {
                    assert!((got.1 / (mean + dispersion * mean * mean) - 1.0).abs() < 0.2, "{got:?}");
                }
            }
        }
    }

    #[test]
    fn counts_rise_with_the_mean_at_the_same_quantile() {
        let counter = Counter::new(&Observation::default());
        for k in 0..2000 {
            let u = Rng::keyed(2, "u", k, 0).uniform();
            let counts: Vec<u64> =
                [0.1, 0.5, 3.0, 3.1, 40.0, 900.0].map(|m| counter.draw(m, u, || Rng::named(0, ""))).to_vec();
            assert!(counts.is_sorted(), "{counts:?}");
        }
    }

    #[test]
    fn binomial_counts_have_the_moments_of_a_binomial() {
        for (n, p) in [(10, 0.3), (50_000, 0.001), (50_000, 0.04), (20_000, 0.7), (7, 1.0)] {
            let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
            let got = moments(|u, k| binomial(n, p, u, || Rng::keyed(5, "rest", k, 0)));
            if p < 1.0 { t(got, mean, variance) } else { assert_eq!(got, (7.0, 0.0)) }
        }
    }
}
