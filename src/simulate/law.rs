//! Laws: how fast each gene is made, given the levels of its regulators.
//!
//! A gene has one level, which stands for its mRNA and, unless there is a protein layer, for its active protein alike:
//! `dx_i/dt = P_i(x) - d_i x_i` plus noise. Every engine works with every law.

use std::fmt::Debug;
use std::sync::Arc;

use super::SimulateError;
use crate::data::GeneIndex;

mod boolean;
mod hill_sum;
mod logistic;
mod thermo;

pub use self::boolean::{Boolean, BooleanOptions, Rule, Rules};
pub use self::hill_sum::{HillSum, HillSumOptions, SERGIO_DECAY};
pub use self::logistic::Logistic;
pub use self::thermo::{Epistasis, Thermo, ThermoOptions};

/// Levels of all genes in several cells (lanes) at once: genes x lanes, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'a> {
    values: &'a [f64],
    lanes: usize,
}

impl<'a> Levels<'a> {
    /// A view of `values`, n_genes x lanes row-major.
    pub fn new(values: &'a [f64], lanes: usize) -> Self {
        Self { values, lanes }
    }

    /// The levels of one gene, one per lane.
    pub fn of(&self, gene: usize) -> &'a [f64] {
        &self.values[gene * self.lanes..(gene + 1) * self.lanes]
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.lanes
    }
}

/// Production of every gene as a function of the levels of its regulators.
///
/// The constants of a law are frozen when it is made: an intervention changes the production of its target and nothing
/// else, so a knockdown run alone gives the same answer as one run with others.
pub trait Law: Debug + Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// The genes.
    fn genes(&self) -> &Arc<GeneIndex>;

    /// The regulators of a gene.
    fn regulators_of(&self, gene: usize) -> &[u32];

    /// Level of each gene in the unperturbed steady state, above 0, length n_genes.
    fn baseline(&self) -> &[f64];

    /// Decay rate of each gene per hour, above 0, length n_genes.
    fn decay(&self) -> &[f64];

    /// Writes the production of a gene, in levels per hour, for every lane: `out[lane] = P(x[.., lane])`, at least 0.
    /// `out` has one value per lane. O(regulators x lanes).
    fn production(&self, gene: usize, levels: Levels<'_>, out: &mut [f64]);

    /// Names of the parameters that an edge has in the truth table.
    fn edge_parameters(&self) -> &'static [&'static str];

    /// Parameters of the edge from the `k`-th regulator of a gene, in the order of [`Law::edge_parameters`].
    fn edge(&self, gene: usize, k: usize) -> Vec<f64>;

    /// Writes d ln P_gene / d ln x of each regulator in turn at these levels (one lane).
    ///
    /// By central differences, accurate to about 1e-9; laws that know better say so.
    fn elasticities(&self, gene: usize, levels: &[f64], out: &mut [f64]) {
        let mut at = levels.to_vec();
        for (to, &source) in out.iter_mut().zip(self.regulators_of(gene)) {
            let source = source as usize;
            let mut log_production = |step: f64| {
                at[source] = levels[source] * step.exp();
                let mut made = [0.0];
                self.production(gene, Levels::new(&at, 1), &mut made);
                made[0].ln()
            };
            *to = (log_production(DIFFERENCE) - log_production(-DIFFERENCE)) / (2.0 * DIFFERENCE);
            at[source] = levels[source];
        }
    }

    /// Number of genes.
    fn n_genes(&self) -> usize {
        self.genes().len()
    }

    /// Genes that regulate others, ascending.
    fn regulators(&self) -> Vec<u32> {
        let mut regulates = vec![false; self.n_genes()];
        (0..self.n_genes())
            .for_each(|gene| self.regulators_of(gene).iter().for_each(|&j| regulates[j as usize] = true));
        (0..regulates.len() as u32).filter(|&g| regulates[g as usize]).collect()
    }

    /// Number of edges.
    fn n_edges(&self) -> usize {
        (0..self.n_genes()).map(|gene| self.regulators_of(gene).len()).sum()
    }
}

/// Step of ln x in a central difference: the cube root of the precision of a double, 6e-6.
const DIFFERENCE: f64 = 6e-6;

/// `x^n`, without a call for the exponents in use.
#[inline]
fn power(x: f64, n: f64) -> f64 {
    if n == 2.0 {
        x * x
    } else if n == 1.0 {
        x
    } else if n == 4.0 {
        (x * x) * (x * x)
    } else {
        x.powf(n)
    }
}

/// Refuses values that are not finite and above 0, or not as many as asked for.
fn check_positive(name: &'static str, values: &[f64], n: usize) -> Result<(), SimulateError> {
    if values.len() != n {
        return Err(SimulateError::option(name, format!("{n} values"), values.len()));
    }
    match values.iter().find(|x| !(x.is_finite() && **x > 0.0)) {
        Some(value) => Err(SimulateError::option(name, "a finite number above 0", value)),
        None => Ok(()),
    }
}
