//! Differences between cells of one condition: each regulator's own noise, spread along the links.

use crate::simulate::{Elasticity, Law};
use crate::stats::Rng;

/// How many links the extrinsic noise of a regulator travels.
const HOPS: usize = 4;

/// The elasticities that carry noise: sources are counted among the regulators.
#[derive(Debug)]
pub(super) struct Extrinsic {
    sigma: f64,
    regulators: Vec<u32>,
    start: Vec<usize>,
    links: Vec<(u32, f64)>,
}

impl Extrinsic {
    /// Of a law at its baseline. O(edges).
    pub(super) fn new(sigma: f64, law: &dyn Law) -> Self {
        let elasticity = Elasticity::at(law, law.baseline());
        let regulators = law.regulators();
        let mut position = vec![0; law.n_genes()];
        regulators.iter().enumerate().for_each(|(k, &g)| position[g as usize] = k as u32);
        let (mut start, mut links) = (vec![0], Vec::new());
        for gene in 0..law.n_genes() {
            links.extend(elasticity.row(gene).map(|(source, j)| (position[source as usize], j)));
            start.push(links.len());
        }
        Self { sigma, regulators, start, links }
    }

    /// The ln noise of every gene in one cell: own noise of the regulators, spread by the elasticities for four hops.
    pub(super) fn of_cell(&self, seed: u64, cell: u64) -> Vec<f64> {
        let mut all = vec![0.0; self.start.len() - 1];
        if self.sigma == 0.0 {
            return all;
        }
        let draw = |&g: &u32| self.sigma * Rng::keyed(seed, "extrinsic", cell, u64::from(g)).normal();
        let own: Vec<f64> = self.regulators.iter().map(draw).collect();
        let mut total = own.clone();
        for _ in 1..HOPS {
            let spread = |(own, &g): (&f64, &u32)| own + self.into(g as usize, &total);
            total = own.iter().zip(&self.regulators).map(spread).collect();
        }
        all.iter_mut().enumerate().for_each(|(gene, to)| *to = self.into(gene, &total));
        self.regulators.iter().zip(&own).for_each(|(&g, own)| all[g as usize] += own);
        all
    }

    fn into(&self, gene: usize, of_regulators: &[f64]) -> f64 {
        self.links[self.start[gene]..self.start[gene + 1]].iter().map(|&(j, e)| e * of_regulators[j as usize]).sum()
    }
}
