//! From counts to log1p expression.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Csr, Scale};

/// The total to which the counts of a cell are scaled before log1p.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetSum {
    /// The median total of the cells with a condition and a total above zero.
    #[default]
    Median,
    /// This total (10,000 is common).
    Fixed(f64),
    /// Counts are not scaled.
    None,
}

impl FromStr for TargetSum {
    type Err = String;

    /// Reads `median`, `none` or a positive number; the error says what was expected.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "median" => Ok(Self::Median),
            "none" => Ok(Self::None),
            number => match number.parse::<f64>() {
                Ok(sum) if sum.is_finite() && sum > 0.0 => Ok(Self::Fixed(sum)),
                _ => Err("`median`, `none` or a number above 0 such as `1e4`".into()),
            },
        }
    }
}

impl fmt::Display for TargetSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Median => f.write_str("median"),
            Self::Fixed(sum) => write!(f, "{sum}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// What is done to the values of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Normalisation {
    /// Nothing: they are log1p already.
    #[default]
    AsIs,
    /// log1p of the counts as they are.
    Log1p,
    /// Counts are scaled to this total, then log1p.
    To(f64),
}

impl Normalisation {
    /// The normalisation for values of this scale; `median_total` is used for counts and [`TargetSum::Median`] only.
    pub fn of(scale: Scale, target: TargetSum, median_total: f64) -> Self {
        match (scale, target) {
            (Scale::Log1p, _) => Self::AsIs,
            (Scale::Counts, TargetSum::None) => Self::Log1p,
            (Scale::Counts, TargetSum::Fixed(sum)) => Self::To(sum),
            (Scale::Counts, TargetSum::Median) => Self::To(median_total),
        }
    }

    /// Values of one cell in place: natural logarithm of (1 + scaled count). A cell without counts stays zero.
    pub fn apply(self, values: &mut [f32]) {
        let factor = match self {
            Self::AsIs => return,
            Self::Log1p => 1.0,
            Self::To(sum) => {
                let total: f64 = values.iter().map(|&x| f64::from(x)).sum();
                if total > 0.0 { sum / total } else { 1.0 }
            }
        };
        // Most counts are small and repeat: their logarithms are taken once per cell.
        let mut small = [f32::NAN; 32];
        for value in values {
            let x = *value;
            let whole = x as usize;
            *value = if whole < small.len() && whole as f32 == x {
                if small[whole].is_nan() {
                    small[whole] = log1p(x, factor);
                }
                small[whole]
            } else {
                log1p(x, factor)
            };
        }
    }

    /// All rows of a matrix in place, n_cells x n_genes, in parallel; the result does not depend on threads.
    pub fn apply_rows(self, x: &mut Csr<f32>) {
        if self == Self::AsIs {
            return;
        }
        let mut rows = Vec::with_capacity(x.n_rows());
        let indptr = x.indptr().to_vec();
        let mut rest = x.data_mut();
        for w in indptr.windows(2) {
            let (row, tail) = rest.split_at_mut(w[1] - w[0]);
            rows.push(row);
            rest = tail;
        }
        rows.into_par_iter().with_min_len(16).for_each(|row| self.apply(row));
    }
}

fn log1p(x: f32, factor: f64) -> f32 {
    (f64::from(x) * factor).ln_1p() as f32
}

/// The median, mean of the middle two for an even number; `None` for no value. Sorts in place, O(n).
///
/// ```
/// assert_eq!(grn::data::median(&mut [3.0, 1.0, 2.0, 10.0]), Some(2.5));
/// assert_eq!(grn::data::median(&mut []), None);
/// ```
pub fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let at = *at;
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| even);
    Some(lower.map_or(at, |lower| f64::midpoint(lower, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_sums_are_read() {
        let t = |text: &str| text.parse::<TargetSum>().ok();
        assert_eq!(t("median"), Some(TargetSum::Median));
        assert_eq!(t("1e4"), Some(TargetSum::Fixed(10_000.0)));
        assert_eq!(t("None"), Some(TargetSum::None));
        assert_eq!((t("0"), t("-1"), t("many"), t("inf")), (None, None, None, None));
    }

    #[test]
    fn counts_are_scaled_to_the_total_before_the_logarithm() {
        let mut x = [1.0, 3.0, 40.0, 56.0];
        Normalisation::To(10.0).apply(&mut x);
        let expected = [0.1f64, 0.3, 4.0, 5.6].map(|v| v.ln_1p() as f32);
        assert_eq!(x, expected);
        let mut empty = [0.0f32; 2];
        Normalisation::To(10.0).apply(&mut empty);
        assert_eq!(empty, [0.0; 2]);
    }
}
