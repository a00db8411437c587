//! The baseline every score is read against.

use std::sync::Arc;

use ndarray::Array2;

use super::Best;
use super::de::gene::mean_of_means;

/// The plain mean of all perturbation means and the control mean, length n_genes: what `cell-eval baseline` predicts
/// for every cell of every perturbation. `means` is n_groups x n_genes, the control included.
pub fn mean_profile(means: &Array2<f64>) -> Arc<[f32]> {
    means.columns().into_iter().map(|gene| mean_of_means(&gene.to_vec())).collect()
}

/// Where a score lies between the baseline (0) and perfection (1), at least 0; `None` for metrics without a best value.
///
/// As `cell-eval score`: (u - b) / (1 - b) where 1 is best, 1 - u / b where 0 is best, NaN counts as 0.
pub fn relative_to_baseline(score: f64, baseline: f64, best: Best) -> Option<f64> {
    let relative = match best {
        Best::One => (score - baseline) / (1.0 - baseline),
        Best::Zero => 1.0 - score / baseline,
        Best::None => return None,
    };
    Some(if relative.is_nan() { 0.0 } else { relative.max(0.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scaled_as_cell_eval_does() {
        let t = |score, baseline, best, expected: Option<f64>| {
            assert_eq!(relative_to_baseline(score, baseline, best), expected);
        };
        t(0.75, 0.5, Best::One, Some(0.5));
        t(0.25, 0.5, Best::One, Some(0.0));
        t(0.25, 0.5, Best::Zero, Some(0.5));
        t(f64::NAN, 0.5, Best::One, Some(0.0));
        t(3.0, 0.5, Best::None, None);
    }
}
