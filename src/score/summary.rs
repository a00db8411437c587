//! One metric over all perturbations.

/// The rows of cell-eval's `agg_results.csv` for one metric: polars' `describe`.
///
/// Missing values are left out. NaN makes mean and standard deviation NaN, counts as the largest value for quartiles and
/// is left out of the extremes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Perturbations with a value.
    pub count: usize,
    /// Perturbations without.
    pub null_count: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (divided by n - 1).
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// First quartile (nearest value), median, third quartile.
    pub quartiles: [f64; 3],
    /// Largest.
    pub max: f64,
}

impl Summary {
    /// Summarises values. O(n log n).
    pub fn new(values: &[Option<f64>]) -> Self {
        let mut x: Vec<f64> = values.iter().flatten().copied().collect();
        x.sort_by(|a, b| a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(b)));
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let squares: f64 = x.iter().map(|v| (v - mean).powi(2)).sum();
        let at = |q: f64| x.get(((n - 1.0) * q).round().max(0.0) as usize).copied().unwrap_or(f64::NAN);
        Self {
            count: x.len(),
            null_count: values.len() - x.len(),
            mean,
            std: (squares / (n - 1.0)).sqrt(),
            min: x.iter().copied().fold(f64::NAN, f64::min),
            quartiles: [at(0.25), at(0.5), at(0.75)],
            max: x.iter().copied().fold(f64::NAN, f64::max),
        }
    }

    /// The same perturbations with a mean that is not the mean of their values, and so without a spread.
    #[must_use]
    pub fn with_mean(self, mean: f64) -> Self {
        Self { mean, std: f64::NAN, ..self }
    }

    /// Names and values in the order of the file.
    pub fn rows(&self) -> [(&'static str, f64); 9] {
        let [first, median, third] = self.quartiles;
        [
            ("count", self.count as f64),
            ("null_count", self.null_count as f64),
            ("mean", self.mean),
            ("std", self.std),
            ("min", self.min),
            ("25%", first),
            ("50%", median),
            ("75%", third),
            ("max", self.max),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_skipped_and_nan_is_not() {
        let s = Summary::new(&[Some(1.0), None, Some(3.0), Some(2.0), Some(4.0)]);
        assert_eq!((s.count, s.null_count, s.mean, s.min, s.max), (4, 1, 2.5, 1.0, 4.0));
        assert_eq!(s.quartiles, [2.0, 3.0, 3.0]);
        assert!((s.std - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        let s = Summary::new(&[Some(f64::NAN), Some(1.0)]);
        assert!(s.mean.is_nan() && s.quartiles[2].is_nan());
        assert_eq!((s.min, s.max), (1.0, 1.0));
    }
}
