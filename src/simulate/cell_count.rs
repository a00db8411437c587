//! How many cells each perturbation gets.

use serde::Serialize;

use super::SimulateError;
use crate::stats::Rng;

/// The spread of cells over perturbations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct CellCounts {
    /// Standard deviation of ln cells over perturbations; 0 gives each the same number.
    pub sigma: f64,
    /// Cells of all perturbations together; `None` is the number per perturbation of the size times their number.
    pub total: Option<usize>,
}

impl CellCounts {
    /// Cells of each perturbation, log-normal, that sum to exactly `total` (or as near as at least one cell each allows).
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for a sigma that is negative or not finite.
    pub fn draw(&self, labels: &[String], usual: usize, seed: u64) -> Result<Vec<usize>, SimulateError> {
        if !(self.sigma.is_finite() && self.sigma >= 0.0) {
            return Err(SimulateError::option("cells_sigma", "a finite number of at least 0", self.sigma));
        }
        let total = self.total.unwrap_or(usual * labels.len());
        if self.sigma == 0.0 && total == usual * labels.len() {
            return Ok(vec![usual; labels.len()]);
        }
        let weight = |label: &String| (self.sigma * Rng::named(seed, &format!("cells {label}")).normal()).exp();
        let weights: Vec<f64> = labels.iter().map(weight).collect();
        Ok(share_out(total, &weights))
    }
}

/// Whole numbers in proportion to the weights that sum to `total`: the largest remainders are rounded up. None is below 1.
fn share_out(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    let exact: Vec<f64> = weights.iter().map(|w| total as f64 * w / sum).collect();
    let mut counts: Vec<usize> = exact.iter().map(|x| x.floor() as usize).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let missing = total.saturating_sub(counts.iter().sum());
    order.iter().cycle().take(if counts.is_empty() { 0 } else { missing }).for_each(|&k| counts[k] += 1);
    counts.iter_mut().for_each(|n| *n = (*n).max(1));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_sum_to_the_total_and_spread_as_asked() {
        let labels: Vec<String> = (0..150).map(|k| format!("G{k}")).collect();
        let counts = CellCounts { sigma: 0.66, total: Some(183_097) }.draw(&labels, 0, 1).unwrap();
        assert_eq!(counts.iter().sum::<usize>(), 183_097);
        let logs: Vec<f64> = counts.iter().map(|n| (*n as f64).ln()).collect();
        let mean = logs.iter().sum::<f64>() / 150.0;
        let sigma = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 149.0).sqrt();
        // Standard error of a standard deviation of 150 values: 0.66 / sqrt(298) = 0.038.
        assert!((sigma - 0.66).abs() < 0.15, "{sigma}");
        assert_eq!(CellCounts::default().draw(&labels, 7, 1).unwrap(), [7; 150]);
        assert!(CellCounts { sigma: -1.0, total: None }.draw(&labels, 7, 1).is_err());
    }
}
