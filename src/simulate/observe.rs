//! From levels to molecule counts.

use serde::Serialize;

use super::{Elasticity, Law, SimulateError};
use crate::stats::Rng;

/// What a sequencer makes of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observation {
    /// Median molecules (UMI) per unperturbed cell.
    pub depth: f64,
    /// Standard deviation of ln molecules over cells.
    pub depth_sigma: f64,
    /// Dispersion of the negative binomial: variance = mean + dispersion x mean^2.
    pub dispersion: f64,
    /// Standard deviation of each regulator's own ln level over cells, before it spreads along the links.
    pub extrinsic: f64,
    /// Number of batches.
    pub batches: usize,
    /// Standard deviation of the shift of a gene's ln level in a batch.
    pub batch_sigma: f64,
}

impl Default for Observation {
    fn default() -> Self {
        Self { depth: 20_000.0, depth_sigma: 0.35, dispersion: 0.1, extrinsic: 0.12, batches: 2, batch_sigma: 0.02 }
    }
}

/// How many links the extrinsic noise of a regulator travels.
const HOPS: usize = 4;

impl Observation {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        let at_least_zero = [
            ("depth_sigma", self.depth_sigma),
            ("dispersion", self.dispersion),
            ("extrinsic", self.extrinsic),
            ("batch_sigma", self.batch_sigma),
        ];
        if let Some((option, got)) = at_least_zero.into_iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
            return Err(SimulateError::option(option, "a finite number of at least 0", got));
        }
        if !(self.depth.is_finite() && self.depth > 0.0) {
            return Err(SimulateError::option("depth", "a number above 0", self.depth));
        }
        if self.batches == 0 {
            return Err(SimulateError::option("batches", "at least 1", 0));
        }
        Ok(())
    }

    /// The batch of a cell: cells take turns.
    pub fn batch_of(&self, cell: u64) -> usize {
        (cell % self.batches as u64) as usize
    }

    /// Negative binomial: a gamma-distributed rate, then Poisson.
    fn draw(&self, mean: f64, rng: &mut Rng) -> u64 {
        if self.dispersion == 0.0 {
            return poisson(mean, rng);
        }
        let shape = 1.0 / self.dispersion;
        poisson(mean * rng.gamma(shape) * self.dispersion, rng)
    }
}

/// Observes the cells of one screen.
#[derive(Debug)]
pub struct Observer<'a> {
    observation: &'a Observation,
    elasticity: Elasticity,
    regulators: Vec<u32>,
    seed: u64,
    /// Share of all molecules per batch and gene.
    shares: Vec<Vec<f64>>,
}

impl<'a> Observer<'a> {
    /// Draws the batches.
    pub fn new(observation: &'a Observation, law: &dyn Law, seed: u64) -> Self {
        let shift = |batch, gene| observation.batch_sigma * Rng::keyed(seed, "batch", batch, gene).normal();
        let total: f64 = law.baseline().iter().sum();
        let share = |batch, gene: usize| law.baseline()[gene] / total * f64::exp(shift(batch, gene as u64));
        let of_batch = |batch| (0..law.n_genes()).map(|gene| share(batch, gene)).collect();
        Self {
            observation,
            elasticity: Elasticity::at(law, law.baseline()),
            regulators: law.regulators(),
            seed,
            shares: (0..observation.batches as u64).map(of_batch).collect(),
        }
    }

    /// The counts of one cell whose ln levels differ from the unperturbed state by `log_ratio`: genes with at least one
    /// molecule, ascending.
    ///
    /// Every random number is keyed by (seed, cell) or (seed, cell, gene): the same cell with and without a perturbation has
    /// the same noise, and a gene the perturbation does not reach has the same count.
    pub fn counts(&self, log_ratio: &[f64], cell: u64) -> Vec<(u32, f32)> {
        let sigma = self.observation.depth_sigma;
        let depth = self.observation.depth * (sigma * Rng::keyed(self.seed, "depth", cell, 0).normal()).exp();
        let extrinsic = self.extrinsic_noise(cell);
        let shares = &self.shares[self.observation.batch_of(cell)];
        let mut row = Vec::with_capacity(log_ratio.len());
        for (gene, ((y, noise), share)) in log_ratio.iter().zip(&extrinsic).zip(shares).enumerate() {
            let mean = depth * share * (y + noise).exp();
            let count = self.observation.draw(mean, &mut Rng::keyed(self.seed, "umi", cell, gene as u64));
            if count > 0 {
                row.push((gene as u32, count as f32));
            }
        }
        row
    }

    /// Each regulator's own noise, spread along the links by the elasticities for a few hops.
    fn extrinsic_noise(&self, cell: u64) -> Vec<f64> {
        let sigma = self.observation.extrinsic;
        let mut own = vec![0.0; self.elasticity.n_genes()];
        if sigma == 0.0 {
            return own;
        }
        for &g in &self.regulators {
            own[g as usize] = sigma * Rng::keyed(self.seed, "extrinsic", cell, u64::from(g)).normal();
        }
        let (mut total, mut spread) = (own.clone(), vec![0.0; own.len()]);
        for _ in 0..HOPS {
            self.elasticity.times(&total, &mut spread);
            total.iter_mut().zip(spread.iter().zip(&own)).for_each(|(t, (s, o))| *t = s + o);
        }
        total
    }
}

/// Poisson by inversion of one uniform number below 30, so that a small change of the mean changes few counts.
fn poisson(mean: f64, rng: &mut Rng) -> u64 {
    if mean >= 30.0 {
        return rng.poisson(mean);
    }
    let (u, mut p, mut k) = (rng.uniform(), (-mean).exp(), 0u64);
    let mut cumulative = p;
    while u > cumulative && k < 200 {
        k += 1;
        p *= mean / k as f64;
        cumulative += p;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::super::{Thermo, Wiring};
    use super::*;

    fn law() -> Thermo {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\nC\tD\t-\t1\n", "test").unwrap();
        Thermo::new(&wiring, &[4.0, 0.25], 2.0, &[1.0, 4.0, 15.0, 80.0]).unwrap()
    }

    fn moments(observation: &Observation, gene: usize, n: u64) -> (f64, f64) {
        let kinetics = law();
        let observer = Observer::new(observation, &kinetics, 1);
        let count = |cell| {
            let row = observer.counts(&[0.0; 4], cell);
            row.iter().find(|(g, _)| *g as usize == gene).map_or(0.0, |(_, x)| f64::from(*x))
        };
        let x: Vec<f64> = (0..n).map(count).collect();
        let mean = x.iter().sum::<f64>() / n as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64)
    }

    #[test]
    fn counts_have_the_variance_of_a_negative_binomial() {
        let plain = Observation {
            depth: 100.0,
            depth_sigma: 0.0,
            extrinsic: 0.0,
            batch_sigma: 0.0,
            batches: 1,
            dispersion: 0.1,
        };
        for (gene, mean) in [1.0, 4.0, 15.0, 80.0].into_iter().enumerate() {
            for dispersion in [0.0, 0.1] {
                let (m, v) = moments(&Observation { dispersion, ..plain.clone() }, gene, 30_000);
                let expected = mean + dispersion * mean * mean;
                assert!((m - mean).abs() < 5.0 * (expected / 30_000.0).sqrt(), "mean {m}, expected {mean}");
                assert!((v / expected - 1.0).abs() < 0.06, "variance {v}, expected {expected}");
            }
        }
    }

    #[test]
    fn noise_is_shared_with_and_without_a_perturbation() {
        let (kinetics, observation) = (law(), Observation { depth: 100.0, ..Observation::default() });
        let observer = Observer::new(&observation, &kinetics, 1);
        let count = |row: &[(u32, f32)], gene| row.iter().find(|(g, _)| *g == gene).map_or(0.0, |(_, x)| *x);
        for cell in 0..50 {
            let control = observer.counts(&[0.0; 4], cell);
            let perturbed = observer.counts(&[-1.9, -0.5, 0.0, 0.0], cell);
            assert_eq!((count(&control, 2), count(&control, 3)), (count(&perturbed, 2), count(&perturbed, 3)));
            assert!(count(&perturbed, 1) <= count(&control, 1));
        }
    }

    #[test]
    fn extrinsic_noise_spreads_along_the_links() {
        let (kinetics, observation) = (law(), Observation::default());
        let observer = Observer::new(&observation, &kinetics, 1);
        let cells: Vec<Vec<f64>> = (0..500).map(|cell| observer.extrinsic_noise(cell)).collect();
        let product = |a: usize, b: usize| cells.iter().map(|c| c[a] * c[b]).sum::<f64>();
        assert!(product(0, 1) > 0.0 && product(2, 3) < 0.0);
        assert!(product(0, 2).abs() < 0.2 * (product(0, 0) * product(2, 2)).sqrt());
    }
}
