//! Central moments from power sums.

/// Sums of the first three powers of non-negative values, without those that are zero.
///
/// # Accuracy
/// Sums are f64 over f32 values, so a square is exact and a cube is off by one rounding. Turning sums into central
/// moments cancels digits: the error of a variance is about mean^2 x 2^-52, no more than the rounding of the f32 input
/// itself brings (mean^2 x 2^-48 for values off by half a unit in the last place, squared and summed). log1p expression
/// stays below 15, so a variance is right to about 1e-13 in absolute terms, far below what f32 results show.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PowerSums {
    /// Sum of values.
    pub sum: f64,
    /// Sum of squares.
    pub square: f64,
    /// Sum of cubes.
    pub cube: f64,
    /// Number of values above zero.
    pub above_zero: u32,
}

/// Mean and central moments (divided by n).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CentralMoments {
    /// Mean.
    pub mean: f64,
    /// Mean squared deviation, never negative.
    pub var: f64,
    /// Mean cubed deviation.
    pub third: f64,
    /// Share of values above zero.
    pub fraction: f64,
}

impl PowerSums {
    /// Adds one value. O(1).
    pub fn add(&mut self, value: f32) {
        let x = f64::from(value);
        let square = x * x;
        self.sum += x;
        self.square += square;
        self.cube += square * x;
        self.above_zero += u32::from(value > 0.0);
    }

    /// Moments over `n` values, of which those not added were zero; all zero for `n = 0`.
    ///
    /// ```
    /// let mut sums = grn::stats::PowerSums::default();
    /// [1.0, 3.0].into_iter().for_each(|x| sums.add(x));
    /// let of_four = sums.moments(4); // 0, 0, 1, 3
    /// assert_eq!((of_four.mean, of_four.var, of_four.third), (1.0, 1.5, 1.5));
    /// ```
    pub fn moments(&self, n: u64) -> CentralMoments {
        if n == 0 {
            return CentralMoments::default();
        }
        let n = n as f64;
        let (mean, square, cube) = (self.sum / n, self.square / n, self.cube / n);
        let var = (square - mean * mean).max(0.0);
        // E(x - m)^3 = E x^3 - 3 m E x^2 + 2 m^3; without spread there is no skew either.
        let third = if var > 0.0 { cube - 3.0 * mean * square + 2.0 * mean.powi(3) } else { 0.0 };
        CentralMoments { mean, var, third, fraction: f64::from(self.above_zero) / n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_agree_with_the_definition() {
        let mut rng = crate::stats::Rng::named(1, "moments");
        for (n_zero, n) in [(0, 7), (50, 100), (990, 1000)] {
            let values: Vec<f32> = (0..n).map(|i| if i < n_zero { 0.0 } else { rng.uniform() as f32 * 8.0 }).collect();
            let mut sums = PowerSums::default();
            values.iter().filter(|x| **x != 0.0).for_each(|&x| sums.add(x));
            let got = sums.moments(n);
            let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
            let central = |p: i32| values.iter().map(|&x| (f64::from(x) - mean).powi(p)).sum::<f64>() / n as f64;
            assert!((got.mean - mean).abs() < 1e-12);
            assert!((got.var - central(2)).abs() < 1e-11, "{got:?}");
            assert!((got.third - central(3)).abs() < 1e-10, "{got:?}");
        }
    }

    #[test]
    fn equal_values_have_no_spread() {
        let mut sums = PowerSums::default();
        (0..100_000).for_each(|_| sums.add(7.3));
        let got = sums.moments(100_000);
        assert!(got.var < 1e-9 && got.third.abs() < 1e-8, "{got:?}");
    }
}
