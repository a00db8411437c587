//! What a simulated screen knows and a real one does not.

use std::sync::Arc;

use super::{DoseResponse, Elasticity, Law};
use crate::data::{GeneIndex, Perturbation};

mod expected;

pub(super) use self::expected::MeanLog1p;

/// Everything that is true of a simulated screen.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Every link with its parameters, by target then source.
    pub edges: Vec<TrueEdge>,
    /// Names of the parameters of a link.
    pub edge_parameters: &'static [&'static str],
    /// Unperturbed level per gene.
    pub levels: Vec<f64>,
    /// Decay rate per gene, per hour.
    pub decay: Vec<f64>,
    /// Share of all molecules per gene in an unperturbed cell, outlier genes included; sum 1.
    pub shares: Vec<f64>,
    /// The true change per cell state, perturbation, dose and hour of the screen, in this order.
    pub responses: Vec<Response>,
    /// The true change for genes that were held out of the screen, per cell state, dose and hour.
    pub held_out: Vec<Response>,
    /// Growth rate of a small disturbance where all genes decay equally fast; the unperturbed state is stable below 1.
    pub growth: f64,
    /// Largest real part of the eigenvalues of the Jacobian at the unperturbed state, per hour; it is stable below 0.
    pub leading_eigenvalue: f64,
    /// Largest residual of any steady state.
    pub residual: f64,
}

impl Truth {
    /// The median number of responding genes over the perturbations of the screen ([`Response::responding`]).
    pub fn median_responding(&self) -> usize {
        let mut counts: Vec<usize> = self.responses.iter().map(Response::responding).collect();
        counts.sort_unstable();
        counts.get(counts.len() / 2).copied().unwrap_or(0)
    }
}

/// A link with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueEdge {
    /// Regulator.
    pub source: String,
    /// Gene acted on.
    pub target: String,
    /// d ln production of the target / d ln regulator at the unperturbed state: above 0 activates, below 0 represses.
    pub elasticity: f64,
    /// The parameters that the law gives an edge, in the order of [`Law::edge_parameters`]; levels are shares of all
    /// molecules for the law `thermo`.
    pub parameters: Vec<f64>,
}

/// The true change of expression that a perturbation causes, over all genes.
#[derive(Debug, Clone)]
pub struct Response {
    /// The perturbation.
    pub perturbation: Perturbation,
    /// The cell type, where there are several; the change is relative to control cells of the same type (and stage).
    pub cell_type: Option<String>,
    /// Where on the lineage, 0 at the root.
    pub pseudotime: f64,
    /// The mean efficiency, where the screen has several doses.
    pub dose: Option<f64>,
    /// Hours after the perturbation, in a time course.
    pub hours: Option<f64>,
    /// Expected difference of mean log1p counts (scaled to the median depth) of infinitely many cells: ambient molecules and
    /// doublets included, as cells show it.
    pub delta: Vec<f32>,
    /// log2 of the ratio of mean levels over infinitely many cells, escapers included; nothing of the measurement.
    pub log2_fold_change: Vec<f32>,
}

impl Response {
    /// Number of genes whose mean level changes by more than 2^0.25 (19 %).
    pub fn responding(&self) -> usize {
        self.log2_fold_change.iter().filter(|x| x.abs() > 0.25).count()
    }
}

/// Efficiencies on each target and their shares among infinitely many cells.
pub(super) type Population = Vec<([f64; 2], f64)>;

/// The levels, relative to the unperturbed state, averaged over a population.
pub(super) fn mean_levels(dose: &DoseResponse, population: &Population, n_genes: usize) -> Vec<f64> {
    let (mut mean, mut y) = (vec![0.0; n_genes], vec![0.0; n_genes]);
    for &(efficiency, share) in population {
        dose.at_each(efficiency, &mut y);
        mean.iter_mut().zip(&y).for_each(|(sum, y)| *sum += share * y.exp());
    }
    mean
}

/// Mean log1p counts of a population.
pub(super) fn mean_log1p(dose: &DoseResponse, population: &Population, n_genes: usize, seen: &MeanLog1p) -> Vec<f64> {
    let (mut mean, mut y) = (vec![0.0; n_genes], vec![0.0; n_genes]);
    for &(efficiency, share) in population {
        dose.at_each(efficiency, &mut y);
        y.iter_mut().for_each(|y| *y = y.exp());
        seen.add(&y, share, &mut mean);
    }
    mean
}

/// Every link with its parameters.
pub(super) fn edges(law: &dyn Law) -> Vec<TrueEdge> {
    let name = |g: usize| law.genes().names()[g].to_string();
    let elasticity = Elasticity::at(law, law.baseline());
    let of_target = |target: usize| {
        let edge = |(k, (source, elasticity)): (usize, (u32, f64))| TrueEdge {
            source: name(source as usize),
            target: name(target),
            elasticity,
            parameters: law.edge(target, k),
        };
        elasticity.row(target).enumerate().map(edge).collect::<Vec<_>>()
    };
    (0..law.n_genes()).flat_map(of_target).collect()
}
