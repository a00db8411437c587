//! What a perturbation does to a cell: how well it works, guide by guide and cell by cell.

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
    /// Guides per target, at least.
    pub guides: usize,
    /// Guides per target, at most: the number of each target is drawn evenly between the two.
    pub guides_most: usize,
    /// Share of perturbed cells in which nothing happens, to either target of a pair.
    pub escapers: f64,
    /// By how much an activation multiplies production at efficiency 1.
    pub activation_fold: f64,
    /// Instead of changing its production, hold the level of each target at this multiple of the unperturbed level in every cell
    /// that does not escape.
    pub clamp: Option<f64>,
}

impl Default for Efficiency {
    fn default() -> Self {
        Self {
            mean: 0.85,
            between_guides: 100.0,
            within_guide: 20.0,
            guides: 2,
            guides_most: 2,
            escapers: 0.05,
            activation_fold: 6.0,
            clamp: None,
        }
    }
}

/// Efficiencies above this are treated as this.
const CAP: f64 = 0.995;
/// Bins of the distribution of efficiencies over cells.
const BINS: usize = 100;
/// Groups of equal share that the distribution is reduced to for each target of a pair.
const PAIR_GROUPS: usize = 10;

impl Efficiency {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        let t = |option, ok: bool, expected: &str, got: f64| {
            if ok { Ok(()) } else { Err(SimulateError::option(option, expected, got)) }
        };
        let positive = |x: f64| x.is_finite() && x > 0.0;
        t("efficiency", self.mean > 0.0 && self.mean < 1.0, "a number between 0 and 1", self.mean)?;
        t("escapers", (0.0..=1.0).contains(&self.escapers), "a share in 0..=1", self.escapers)?;
        t("guides", self.guides > 0, "at least 1", self.guides as f64)?;
        t("guides", self.guides <= self.guides_most, "at most the largest number", self.guides as f64)?;
        let fold = self.activation_fold;
        t("activation_fold", fold > 1.0 && fold.is_finite(), "a number above 1", fold)?;
        let clamp = self.clamp.unwrap_or(1.0);
        t("clamp", positive(clamp), "a number above 0", clamp)?;
        t("between_guides", positive(self.between_guides), "a number above 0", self.between_guides)?;
        t("within_guide", positive(self.within_guide), "a number above 0", self.within_guide)
    }

    /// The same with another mean (a dose).
    pub(super) fn at_dose(&self, mean: Option<f64>) -> Self {
        Self { mean: mean.unwrap_or(self.mean), ..self.clone() }
    }

    /// The mean efficiency of each guide of a target.
    pub fn guide_means(&self, seed: u64, label: &str) -> Vec<f64> {
        let spare = self.guides_most.saturating_sub(self.guides);
        let more = if spare == 0 { 0 } else { Rng::keyed(seed, &format!("guides {label}"), 0, 0).below(spare + 1) };
        let stream = format!("guide {label}");
        let mean = |guide| {
            let mut rng = Rng::keyed(seed, &stream, guide, 0);
            rng.beta(self.mean * self.between_guides, (1.0 - self.mean) * self.between_guides).clamp(0.01, 0.99)
        };
        (0..(self.guides + more) as u64).map(mean).collect()
    }

    /// The efficiency in one cell with a guide of this mean: 0 for an escaper.
    pub fn in_cell(&self, seed: u64, cell: u64, guide_mean: f64) -> f64 {
        self.on_target(seed, cell, 0, guide_mean)
    }

    /// The efficiency on the first or second target (0, 1): independent of each other but for escapers, in which both are 0.
    pub fn on_target(&self, seed: u64, cell: u64, target: u64, guide_mean: f64) -> f64 {
        let mut rng = Rng::keyed(seed, "efficiency", cell, 0);
        if rng.uniform() < self.escapers {
            return 0.0;
        }
        if target > 0 {
            rng = Rng::keyed(seed, "efficiency", cell, target);
        }
        rng.beta(guide_mean * self.within_guide, (1.0 - guide_mean) * self.within_guide).min(CAP)
    }

    /// Efficiencies and their shares among infinitely many cells, guides equally frequent; shares sum to 1.
    pub fn population(&self, guide_means: &[f64]) -> Vec<(f64, f64)> {
        let mut shares = vec![0.0; BINS];
        for &mean in guide_means {
            shares.iter_mut().zip(self.working(mean)).for_each(|(sum, share)| *sum += share);
        }
        let working = (1.0 - self.escapers) / guide_means.len() as f64;
        let cells = shares.iter().enumerate().map(|(k, s)| (centre(k), s * working)).filter(|(_, share)| *share > 1e-7);
        std::iter::once((0.0, self.escapers)).chain(cells).collect()
    }

    /// The same for the two targets of a pair, given the guides of each: the k-th guide of one is paired with the k-th of the
    /// other, the shorter list repeated. Each distribution is reduced to 10 groups of equal share.
    pub fn pair_population(&self, guide_means: [&[f64]; 2]) -> Vec<([f64; 2], f64)> {
        let constructs = guide_means[0].len().max(guide_means[1].len());
        let mut population = vec![([0.0; 2], self.escapers)];
        for k in 0..constructs {
            let [first, second] = guide_means.map(|means| grouped(&self.working(means[k % means.len()])));
            let share = (1.0 - self.escapers) / (constructs * PAIR_GROUPS * PAIR_GROUPS) as f64;
            population.extend(first.iter().flat_map(|&a| second.iter().map(move |&b| ([a, b], share))));
        }
        population
    }

    /// Shares of the bins of efficiency among working cells of a guide; sum 1.
    fn working(&self, mean: f64) -> Vec<f64> {
        let (a, b) = (mean * self.within_guide, (1.0 - mean) * self.within_guide);
        let middle = |k: usize| (k as f64 + 0.5) / BINS as f64;
        let log_density = |e: f64| (a - 1.0) * e.ln() + (b - 1.0) * (1.0 - e).ln();
        let logs: Vec<f64> = (0..BINS).map(|k| log_density(middle(k))).collect();
        let top = logs.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = logs.iter().map(|l| (l - top).exp()).sum();
        logs.iter().map(|l| (l - top).exp() / total).collect()
    }

    /// Whether it does all or nothing to a target.
    pub(super) fn all_or_nothing(&self, intervention: Intervention) -> bool {
        self.clamp.is_some() || intervention == Intervention::Knockout
    }

    /// What an intervention of this efficiency does to its target.
    pub fn forcing(&self, intervention: Intervention, efficiency: f64) -> Forcing {
        match (self.clamp, intervention) {
            (Some(level), _) if efficiency > 0.0 => Forcing::Clamp(level.ln()),
            (None, Intervention::Knockout) if efficiency > 0.0 => Forcing::Absent,
            (None, Intervention::Knockdown) => Forcing::Shift((1.0 - efficiency.min(CAP)).ln()),
            (None, Intervention::Activation) => Forcing::Shift(efficiency * self.activation_fold.ln()),
            _ => Forcing::Shift(0.0),
        }
    }
}

fn centre(bin: usize) -> f64 {
    ((bin as f64 + 0.5) / BINS as f64).min(CAP)
}

/// The mean efficiency of each of 10 groups of equal share, ascending.
fn grouped(shares: &[f64]) -> Vec<f64> {
    let mut means = vec![0.0; PAIR_GROUPS];
    let mut below = 0.0;
    for (bin, share) in shares.iter().enumerate() {
        let (from, to) = (below * PAIR_GROUPS as f64, (below + share) * PAIR_GROUPS as f64);
        for (group, mean) in means.iter_mut().enumerate() {
            let (low, high) = (group as f64, group as f64 + 1.0);
            *mean += (to.min(high) - from.max(low)).max(0.0) * centre(bin);
        }
        below += share;
    }
    means
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
    fn the_targets_of_a_pair_are_hit_independently_and_escape_together() {
        let efficiency = Efficiency { mean: 0.7, ..Efficiency::default() };
        let cells: Vec<[f64; 2]> = (0..20_000).map(|c| [0, 1].map(|t| efficiency.on_target(1, c, t, 0.7))).collect();
        assert!(cells.iter().all(|[a, b]| (*a == 0.0) == (*b == 0.0)));
        let working: Vec<&[f64; 2]> = cells.iter().filter(|c| c[0] > 0.0).collect();
        let of = |t: usize| working.iter().map(|c| c[t]).collect::<Vec<f64>>();
        // The correlation of 19,000 independent pairs has a standard error of 0.0073.
        assert!(crate::stats::pearson(&of(0), &of(1)).unwrap().abs() < 0.03);
        let population = efficiency.pair_population([&[0.7], &[0.7]]);
        assert!((population.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        let product: f64 = population.iter().map(|([a, b], share)| a * b * share).sum();
        let drawn = cells.iter().map(|[a, b]| a * b).sum::<f64>() / 20_000.0;
        assert!((product - drawn).abs() < 0.01, "{product}, drawn {drawn}");
    }

    #[test]
    fn targets_have_between_the_least_and_the_most_guides() {
        let efficiency = Efficiency { guides: 2, guides_most: 4, ..Efficiency::default() };
        let numbers: Vec<usize> = (0..300).map(|g| efficiency.guide_means(1, &format!("G{g}")).len()).collect();
        for n in 2..=4 {
            let found = numbers.iter().filter(|x| **x == n).count();
            // A third of 300 within four standard errors (8.2).
            assert!((68..=132).contains(&found), "{n}: {found}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let t = |e: Efficiency| assert!(matches!(e.check(), Err(SimulateError::BadOption { .. })));
        t(Efficiency { mean: 1.0, ..Efficiency::default() });
        t(Efficiency { guides: 0, ..Efficiency::default() });
        t(Efficiency { guides: 3, ..Efficiency::default() });
        t(Efficiency { escapers: -0.1, ..Efficiency::default() });
        t(Efficiency { within_guide: f64::NAN, ..Efficiency::default() });
        t(Efficiency { clamp: Some(0.0), ..Efficiency::default() });
    }
}
