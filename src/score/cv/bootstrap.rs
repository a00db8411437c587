//! Intervals by resampling perturbations.

use crate::stats::Rng;

/// Resamples drawn once, so that every model and metric is judged on the same ones.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    resamples: Vec<Vec<u32>>,
}

/// A mean and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Mean over the values that are defined.
    pub mean: f64,
    /// 2.5th percentile of the resampled means.
    pub low: f64,
    /// 97.5th percentile of the resampled means.
    pub high: f64,
    /// Number of values.
    pub n: usize,
}

impl Bootstrap {
    /// Draws `resamples` times n perturbations with replacement.
    pub fn new(n: usize, resamples: usize, seed: u64) -> Self {
        let draw = |b: usize| {
            let mut rng = Rng::keyed(seed, "bootstrap", b as u64, 0);
            (0..n).map(|_| rng.below(n) as u32).collect()
        };
        Self { resamples: (0..resamples).map(draw).collect() }
    }

    /// Mean and percentile interval of values, one per perturbation; undefined ones are left out. `None` where none is
    /// defined. O(resamples x n).
    pub fn interval(&self, values: &[Option<f64>]) -> Option<Interval> {
        let mean = mean_of(values.iter().copied())?;
        let resampled = self.resamples.iter().filter_map(|r| mean_of(r.iter().map(|&i| values[i as usize])));
        let mut means: Vec<f64> = resampled.collect();
        means.sort_unstable_by(f64::total_cmp);
        let n = values.iter().flatten().count();
        let (low, high) = (percentile(&means, 0.025).unwrap_or(mean), percentile(&means, 0.975).unwrap_or(mean));
        Some(Interval { mean, low, high, n })
    }

    /// The interval of the paired difference a - b over perturbations where both are defined.
    pub fn difference(&self, a: &[Option<f64>], b: &[Option<f64>]) -> Option<Interval> {
        let paired: Vec<Option<f64>> = a.iter().zip(b).map(|(a, b)| Some((*a)? - (*b)?)).collect();
        self.interval(&paired)
    }
}

fn mean_of(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = values.flatten().fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// Percentile of ascending values by linear interpolation.
fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let at = p * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_has_the_textbook_width() {
        // 400 values alternating 0 and 1: standard error 0.5 / 20, so the interval is 0.5 +- 1.96 x 0.025.
        let values: Vec<Option<f64>> = (0..400).map(|i| Some(f64::from(i % 2))).collect();
        let interval = Bootstrap::new(400, 2000, 1).interval(&values).unwrap();
        assert_eq!((interval.mean, interval.n), (0.5, 400));
        assert!((interval.low - 0.451).abs() < 0.006, "{interval:?}");
        assert!((interval.high - 0.549).abs() < 0.006, "{interval:?}");
    }

    #[test]
    fn a_constant_difference_has_no_width() {
        let a: Vec<Option<f64>> = (0..50).map(|i| (i != 7).then_some(f64::from(i))).collect();
        let b: Vec<Option<f64>> = (0..50).map(|i| Some(f64::from(i) - 0.5)).collect();
        let difference = Bootstrap::new(50, 200, 1).difference(&a, &b).unwrap();
        assert_eq!((difference.mean, difference.low, difference.high, difference.n), (0.5, 0.5, 0.5, 49));
    }

    #[test]
    fn nothing_defined_gives_no_interval() {
        assert_eq!(Bootstrap::new(3, 10, 1).interval(&[None; 3]), None);
    }
}
