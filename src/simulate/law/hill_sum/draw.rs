//! Strengths and rates drawn at random for a given wiring, in the ranges of SERGIO's own sets.

use std::sync::Arc;

use serde::Serialize;

use super::{HillSum, SERGIO_DECAY};
use crate::data::GeneId;
use crate::simulate::{CellType, HillLink, HillNetwork, SimulateError, Wiring};
use crate::stats::Rng;

/// Strengths and rates to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HillSumOptions {
    /// Hill coefficient of every link (2, as in SERGIO).
    pub hill: f64,
    /// Range of the strengths, uniform (1 to 5, as in SERGIO's sets).
    pub strength: (f64, f64),
    /// Range of the rates of master regulators, uniform (0.2 to 1, as in SERGIO's sets).
    pub rate: (f64, f64),
    /// Cell types.
    pub types: usize,
    /// Decay per hour of every gene (0.8, as in SERGIO).
    pub decay: f64,
}

impl Default for HillSumOptions {
    fn default() -> Self {
        Self { hill: 2.0, strength: (1.0, 5.0), rate: (0.2, 1.0), types: 1, decay: SERGIO_DECAY }
    }
}

impl HillSum {
    /// A law with strengths drawn per link and rates drawn per gene without regulators and cell type; the signs are those of
    /// the wiring.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] and those of [`HillSum::new`].
    pub fn draw(wiring: &Wiring, options: &HillSumOptions, seed: u64) -> Result<(Self, Vec<CellType>), SimulateError> {
        options.check()?;
        let network = options.network(wiring, seed);
        if network.n_types() < options.types {
            let expected = "1 for a network in which every gene has a regulator: types differ in genes that have none";
            return Err(SimulateError::option("types", expected, options.types));
        }
        Self::new(&network, options.decay)
    }
}

impl HillSumOptions {
    fn check(&self) -> Result<(), SimulateError> {
        let range = |name, (low, high): (f64, f64)| {
            if low > 0.0 && low <= high && high.is_finite() {
                Ok(())
            } else {
                Err(SimulateError::option(name, "a range above 0", format!("{low} to {high}")))
            }
        };
        range("strength", self.strength)?;
        range("rate", self.rate)?;
        range("hill", (self.hill, self.hill))?;
        if self.types == 0 { Err(SimulateError::option("types", "at least 1", 0)) } else { Ok(()) }
    }

    fn network(&self, wiring: &Wiring, seed: u64) -> HillNetwork {
        let within = |(low, high): (f64, f64), rng: &mut Rng| low + (high - low) * rng.uniform();
        let link = |l: &crate::simulate::Link| {
            let mut rng = Rng::keyed(seed, "strength", u64::from(l.source.0), u64::from(l.target.0));
            let sign = if l.activates { 1.0 } else { -1.0 };
            HillLink {
                source: l.source,
                target: l.target,
                strength: sign * within(self.strength, &mut rng),
                hill: self.hill,
            }
        };
        let mut regulated = vec![false; wiring.genes.len()];
        wiring.links.iter().for_each(|l| regulated[l.target.index()] = true);
        let rates = |gene: GeneId| {
            let mut rng = Rng::keyed(seed, "rate", u64::from(gene.0), 0);
            (0..self.types).map(|_| within(self.rate, &mut rng)).collect()
        };
        let masters = (0..wiring.genes.len() as u32).map(GeneId).filter(|g| !regulated[g.index()]);
        HillNetwork {
            genes: Arc::clone(&wiring.genes),
            links: wiring.links.iter().map(link).collect(),
            masters: masters.map(|g| (g, rates(g))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Law, TopologyOptions, generate, solve};

    #[test]
    fn drawn_networks_with_cycles_have_a_steady_state_in_every_type() {
        let topology = TopologyOptions { genes: 100, regulators: 0.3, ..TopologyOptions::default() };
        for seed in 0..5 {
            let mut wiring = generate(&topology, seed).unwrap();
            let single = HillSumOptions::default();
            assert_eq!(HillSum::draw(&wiring, &single, seed).unwrap().1.len(), 1);
            wiring.links.retain(|l| l.target.0 >= 10);
            let options = HillSumOptions { types: 3, ..HillSumOptions::default() };
            let (law, types) = HillSum::draw(&wiring, &options, seed).unwrap();
            assert_eq!((law.n_edges(), types.len()), (wiring.links.len(), 3));
            for cell_type in &types {
                assert!(solve(&law, &cell_type.forced, None, &cell_type.name).is_ok());
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\n", "test").unwrap();
        let t = |options: HillSumOptions| {
            assert!(matches!(HillSum::draw(&wiring, &options, 0), Err(SimulateError::BadOption { .. })));
        };
        t(HillSumOptions { strength: (0.0, 1.0), ..HillSumOptions::default() });
        t(HillSumOptions { rate: (2.0, 1.0), ..HillSumOptions::default() });
        t(HillSumOptions { types: 0, ..HillSumOptions::default() });
        t(HillSumOptions { decay: f64::NAN, ..HillSumOptions::default() });
    }
}
