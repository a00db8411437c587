//! Slopes, intercepts and decay rates drawn as published.

use super::{Logistic, sigmoid};
use crate::simulate::{Link, SimulateError, Wiring};
use crate::stats::Rng;

impl Logistic {
    /// Draws the parameters of Aguirre et al.: beta is a standard normal draw moved by 1 away from 0, here with the sign of
    /// the link, `sign (1 + |N(0, 1)|)`; `alpha = logit(b)` with `b ~ Beta(2, 8)`; `lambda = max(1 - b, Beta(8, 2))`.
    ///
    /// # Errors
    /// As [`Logistic::new`].
    pub fn draw(wiring: &Wiring, seed: u64) -> Result<Self, SimulateError> {
        let beta = |link: &Link| {
            let (source, target) = (u64::from(link.source.0), u64::from(link.target.0));
            let sign = if link.activates { 1.0 } else { -1.0 };
            sign * (1.0 + Rng::keyed(seed, "beta", source, target).normal().abs())
        };
        let betas: Vec<f64> = wiring.links.iter().map(beta).collect();
        let node = |gene| {
            let mut rng = Rng::keyed(seed, "basal", gene, 0);
            let basal = rng.beta(2.0, 8.0).clamp(LEAST, 1.0 - LEAST);
            let alpha = (basal / (1.0 - basal)).ln();
            (alpha, (1.0 - sigmoid(alpha)).max(rng.beta(8.0, 2.0)))
        };
        let (alpha, decay) = (0..wiring.genes.len() as u64).map(node).unzip();
        Self::new(wiring, &betas, alpha, decay)
    }
}

/// Keeps a basal level away from 0 and 1, where its logit is not finite.
const LEAST: f64 = 1e-9;
