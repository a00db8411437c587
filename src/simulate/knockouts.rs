//! Every knockout of a law, one after another.

use rayon::prelude::*;

use super::steady::GONE;
use super::{Forcing, SimulateError, Solver};

/// What the knockout of one gene changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Knockout {
    /// The gene that is knocked out.
    pub gene: u32,
    /// The other genes that it reaches, ascending, with log2(level without the gene / unperturbed level). All genes that
    /// are not listed keep their level.
    pub log2_fold: Vec<(u32, f64)>,
}

impl Knockout {
    /// log2 fold changes of all genes, length n_genes; of the knocked-out gene itself -57.7, which stands for none left.
    pub fn dense(&self, n_genes: usize) -> Vec<f64> {
        let mut all = vec![0.0; n_genes];
        self.log2_fold.iter().for_each(|&(gene, fold)| all[gene as usize] = fold);
        all[self.gene as usize] = GONE / std::f64::consts::LN_2;
        all
    }
}

impl Solver<'_> {
    /// The knockout of each of these genes, in their order and in parallel. A gene without targets costs nothing.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`] in the place of a knockout without a steady state.
    ///
    /// # Complexity
    /// For each gene O(iterations x edges into regulators that it reaches + edges that it reaches); memory O(genes
    /// reached), in all at most 16 bytes per gene and knockout.
    pub fn knockouts(&self, genes: &[u32]) -> Vec<Result<Knockout, SimulateError>> {
        genes.par_iter().map(|&gene| self.knockout(gene)).collect()
    }

    fn knockout(&self, gene: u32) -> Result<Knockout, SimulateError> {
        if !self.regulates(gene) {
            return Ok(Knockout { gene, log2_fold: Vec::new() });
        }
        let steady =
            self.solve(&[(gene, Forcing::Absent)], None, self.law().genes().name(crate::data::GeneId(gene)))?;
        let changed = |&(at, y): &(usize, &f64)| at != gene as usize && *y != 0.0;
        let log2 = |(at, y): (usize, &f64)| (at as u32, y / std::f64::consts::LN_2);
        Ok(Knockout { gene, log2_fold: steady.log_ratio.iter().enumerate().filter(changed).map(log2).collect() })
    }
}
