//! Errors weighted by how specific a gene is to the perturbation, after "Diversity by design" (Mejia et al. 2025).
//!
//! Score of a gene: |t| of Welch's test of the perturbed cells against the cells of all other perturbations (no control
//! cells), real file. Weights: scores brought to 0..1 by minimum and maximum, squared, divided by their sum. With Y_t the
//! real and H_t the predicted mean and m the plain mean of all Y: `squared_error` is sum w (Y - H)^2, `r2_delta` is
//! 1 - sum w (Y - H)^2 / sum w (D - sum w D)^2 with D = Y - m (0, or 1 for no error, where the denominator is zero). The
//! paper's code takes t from scanpy's `t-test_overestim_var` against the rest.
//!
//! An error where weights do not exist: a perturbation of one cell, no other perturbation with two cells among them, or no
//! gene more specific than another.

use ndarray::{Array2, Axis};

use super::{Comparison, ScoreError, Values};

/// A difference of means below this share of them is rounding.
const ROUNDING: f64 = 1e-12;
/// Keeps genes without any spread finite.
const TINY: f64 = 1e-300;

pub(super) fn squared_error(c: &Comparison) -> Result<Values, ScoreError> {
    let weights = weights(c, "weighted_mse")?;
    Ok((0..c.n_labels()).map(|label| Some(error(c, &weights, label))).collect())
}

pub(super) fn r2_delta(c: &Comparison) -> Result<Values, ScoreError> {
    let weights = weights(c, "weighted_r2_delta")?;
    let Some(average) = c.real.mean.mean_axis(Axis(0)) else { return Ok(Vec::new()) };
    let of = |label: usize| {
        let (w, delta) = (weights.row(label), &c.real.mean.row(label) - &average);
        let centre = w.dot(&delta);
        let spread: f64 = w.iter().zip(&delta).map(|(w, d)| w * (d - centre).powi(2)).sum();
        let error = error(c, &weights, label);
        Some(if spread > 0.0 { 1.0 - error / spread } else { f64::from(u8::from(error == 0.0)) })
    };
    Ok((0..c.n_labels()).map(of).collect())
}

fn error(c: &Comparison, weights: &Array2<f64>, label: usize) -> f64 {
    let difference = &c.real.mean.row(label) - &c.pred.mean.row(label);
    weights.row(label).iter().zip(&difference).map(|(w, d)| w * d * d).sum()
}

/// n_labels x n_genes, rows add up to 1. One pass over the real cells.
fn weights(c: &Comparison, metric: &'static str) -> Result<Array2<f64>, ScoreError> {
    let scores = scores(c, metric)?;
    let mut weights = scores;
    for (mut row, label) in weights.outer_iter_mut().zip(&c.labels) {
        let (low, high) = row.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
        if low >= high {
            let (expected, got) = ("a gene that is more specific than another", "none".to_owned());
            return Err(ScoreError::Undefined { metric, label: label.clone(), expected, got });
        }
        row.mapv_inplace(|v| ((v - low) / (high - low)).powi(2));
        let sum = row.sum();
        row /= sum;
    }
    Ok(weights)
}

fn scores(c: &Comparison, metric: &'static str) -> Result<Array2<f64>, ScoreError> {
    let (cells, n_labels) = (c.real.cells.groups(), c.n_labels());
    let sizes = &cells.n_cells[..n_labels];
    let all: usize = sizes.iter().sum();
    if let Some(label) = (0..n_labels).find(|&l| sizes[l] < 2 || all - sizes[l] < 2) {
        let expected = "2 real cells or more, and 2 or more of other perturbations";
        let got = format!("{} and {}", sizes[label], all - sizes[label]);
        return Err(ScoreError::Undefined { metric, label: c.labels[label].clone(), expected, got });
    }
    let by_gene = cells.map_genes(|(): &mut (), column| {
        let (sums, squares) = (column.sums(n_labels + 1, |v| v), column.sums(n_labels + 1, |v| v * v));
        let total = |x: &[f64]| x[..n_labels].iter().sum::<f64>();
        let (sum, square) = (total(&sums), total(&squares));
        let of = |l: usize| {
            let others = ((all - sizes[l]) as f64, sum - sums[l], square - squares[l]);
            welch((sizes[l] as f64, sums[l], squares[l]), others)
        };
        (0..n_labels).map(of).collect::<Vec<f64>>()
    })?;
    Ok(Array2::from_shape_fn((n_labels, cells.n_genes()), |(label, gene)| by_gene[gene][label]))
}

/// |t| of two groups given as number, sum and sum of squares.
fn welch(a: (f64, f64, f64), b: (f64, f64, f64)) -> f64 {
    let moments = |(n, sum, square): (f64, f64, f64)| {
        let mean: f64 = sum / n;
        let spread = square - sum * mean;
        (mean, if spread <= ROUNDING * square { 0.0 } else { spread / (n - 1.0) / n })
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    let difference = (mean_a - mean_b).abs();
    if difference <= ROUNDING * mean_a.abs().max(mean_b.abs()) {
        0.0
    } else {
        difference / (error_a + error_b + TINY).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_welch_t() {
        // scipy.stats.ttest_ind([1.5, 2, 4, 3.5], [0, 0, 1, 0.5, 0, 2.5], equal_var=False), scipy 1.17.
        let of = |x: &[f64]| (x.len() as f64, x.iter().sum::<f64>(), x.iter().map(|v| v * v).sum::<f64>());
        let t = |a: &[f64], b: &[f64], expected: f64| {
            let got = welch(of(a), of(b));
            assert!((got - expected).abs() < 1e-12, "{got}, expected {expected}");
        };
        t(&[1.5, 2.0, 4.0, 3.5], &[0.0, 0.0, 1.0, 0.5, 0.0, 2.5], 2.902_271_626_328_575_5);
        t(&[0.3; 7], &[0.3; 9], 0.0);
    }
}
