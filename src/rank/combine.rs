//! From the evidence of several scorers to one score and a probability.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

/// The scorers, in the order of [`Weights`].
pub const FEATURES: [&str; 4] = ["likelihood", "projection", "propagation", "own_reading"];

/// Weight of each scorer; the weighted sum is the score, and its exponential is proportional to the probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights(pub [f64; FEATURES.len()]);

impl Weights {
    /// Without calibration: the likelihood alone.
    pub(super) const LIKELIHOOD: Self = Self([1.0, 0.0, 0.0, 0.0]);

    /// Scores of all candidates for one query.
    pub(super) fn scores(&self, evidence: &Evidence, query: usize) -> Vec<f64> {
        let n = evidence.features[0].ncols();
        let term = |c: usize| {
            let terms = self.0.iter().zip(&evidence.features);
            terms.map(|(w, f)| w * f64::from(f[[query, c]])).sum::<f64>()
        };
        (0..n).map(term).collect()
    }
}

/// exp(score) over its sum.
///
/// ```
/// let p = grn::rank::softmax(&[0.0, 0.0, 2f64.ln()]);
/// assert!((p[2] - 0.5).abs() < 1e-15);
/// ```
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}
