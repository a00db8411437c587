//! What a perturbation does to a cell: how well it works, cell by cell.

use serde::Serialize;

use super::{Forcing, SimulateError};
use crate::data::Intervention;
use crate::stats::Rng;

/// How well an intervention works.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Efficiency {
    /// Mean efficiency of a knockdown: 0.85 leaves 15 % of the production (our choice).
    pub mean: f64,
    /// Concentration of the beta distribution of guides around that mean.
    pub between_guides: f64,
    /// Concentration of the beta distribution of cells around the mean of their guide.
    pub within_guide: f64,
    /// Guides per perturbation.
    pub guides: usize,
    /// Share of perturbed cells in which nothing happens.
    pub escapers: f64,
    /// By how much an activation multiplies production at efficiency 1.
    pub activation_fold: f64,
}

impl Default for Efficiency {
    fn default() -> Self {
        Self { mean: 0.85, between_guides: 100.0, within_guide: 20.0, guides: 2, escapers: 0.05, activation_fold: 6.0 }
    }
}

/// Efficiencies above this are treated as this.
const CAP: f64 = 0.995;

impl Efficiency {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        let t = |option, ok: bool, expected: &str, got: f64| {
            if ok { Ok(()) } else { Err(SimulateError::option(option, expected, got)) }
        };
        t("efficiency", self.mean > 0.0 && self.mean < 1.0, "a number between 0 and 1", self.mean)?;
        t("escapers", (0.0..=1.0).contains(&self.escapers), "a share in 0..=1", self.escapers)?;
        t("guides", self.guides > 0, "at least 1", self.guides as f64)?;
        t(
            "activation_fold",
            self.activation_fold > 1.0 && self.activation_fold.is_finite(),
            "a number above 1",
            self.activation_fold,
        )?;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        t("between_guides", positive(self.between_guides), "a number above 0", self.between_guides)?;
        t("within_guide", positive(self.within_guide), "a number above 0", self.within_guide)
    }

    /// The mean efficiency of each guide of a perturbation.
    pub fn guide_means(&self, seed: u64, label: &str) -> Vec<f64> {
        let stream = format!("guide {label}");
        let mean = |guide| {
            let mut rng = Rng::keyed(seed, &stream, guide, 0);
            rng.beta(self.mean * self.between_guides, (1.0 - self.mean) * self.between_guides).clamp(0.01, 0.99)
        };
        (0..self.guides as u64).map(mean).collect()
    }

    /// The efficiency in one cell with a guide of this mean: 0 for an escaper.
    pub fn in_cell(&self, seed: u64, cell: u64, guide_mean: f64) -> f64 {
        let mut rng = Rng::keyed(seed, "efficiency", cell, 0);
        if rng.uniform() < self.escapers {
            return 0.0;
        }
        rng.beta(guide_mean * self.within_guide, (1.0 - guide_mean) * self.within_guide).min(CAP)
    }

    /// Efficiencies and their shares among infinitely many cells, guides equally frequent; shares sum to 1.
    pub fn population(&self, guide_means: &[f64]) -> Vec<(f64, f64)> {
        const BINS: usize = 100;
        let density = |e: f64, mean: f64| {
            let (a, b) = (mean * self.within_guide, (1.0 - mean) * self.within_guide);
            (a - 1.0) * e.ln() + (b - 1.0) * (1.0 - e).ln()
        };
        let mut shares = vec![0.0; BINS];
        let centre = |k: usize| (k as f64 + 0.5) / BINS as f64;
        for &mean in guide_means {
            let logs: Vec<f64> = (0..BINS).map(|k| density(centre(k), mean)).collect();
            let top = logs.iter().copied().fold(f64::MIN, f64::max);
            let total: f64 = logs.iter().map(|l| (l - top).exp()).sum();
            shares.iter_mut().zip(&logs).for_each(|(s, l)| *s += (l - top).exp() / total);
        }
        let working = (1.0 - self.escapers) / guide_means.len() as f64;
        let cells = (0..BINS).map(|k| (centre(k).min(CAP), shares[k] * working)).filter(|(_, share)| *share > 1e-7);
        std::iter::once((0.0, self.escapers)).chain(cells).collect()
    }

    /// What an intervention of this efficiency does to the production of its target.
    pub fn forcing(&self, intervention: Intervention, efficiency: f64) -> Forcing {
        match intervention {
            Intervention::Knockdown => Forcing::Shift((1.0 - efficiency.min(CAP)).ln()),
            Intervention::Activation => Forcing::Shift(efficiency * self.activation_fold.ln()),
            Intervention::Knockout if efficiency > 0.0 => Forcing::Absent,
            Intervention::Knockout => Forcing::Shift(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_follow_the_population() {
        let efficiency = Efficiency::default();
        let means = efficiency.guide_means(1, "A");
        let population = efficiency.population(&means);
        assert!((population.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-4);
        let n = 20_000u64;
        let cells: Vec<f64> = (0..n).map(|c| efficiency.in_cell(1, c, means[(c % 2) as usize])).collect();
        let escaped = cells.iter().filter(|e| **e == 0.0).count() as f64 / n as f64;
        assert!((escaped - 0.05).abs() < 0.006, "{escaped}");
        let mean = cells.iter().sum::<f64>() / n as f64;
        let expected: f64 = population.iter().map(|(e, share)| e * share).sum();
        assert!((mean - expected).abs() < 0.005, "{mean}, expected {expected}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let t = |e: Efficiency| assert!(matches!(e.check(), Err(SimulateError::BadOption { .. })));
        t(Efficiency { mean: 1.0, ..Efficiency::default() });
        t(Efficiency { guides: 0, ..Efficiency::default() });
        t(Efficiency { escapers: -0.1, ..Efficiency::default() });
        t(Efficiency { within_guide: f64::NAN, ..Efficiency::default() });
    }
}
