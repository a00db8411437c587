//! Where a perturbation enters the network.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::network::Network;
use super::prior::{out_links, own_genes};
use crate::data::{GeneIndex, Perturbation, Quantity, Responses};
use crate::graph::GeneGraph;

/// Genes whose control expression damps more than this are not divided by less.
const LEAST_GAIN: f64 = 0.05;

/// How strongly a target is hit, and how much of it reaches genes through edges of the prior alone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Start {
    /// ln of what is left of the target, or -1 where the screen does not say.
    pub(super) strength: f64,
    /// Coefficients of signed and of other edges.
    pub(super) expected: [f64; 2],
}

impl Start {
    /// What has arrived at every gene after 1, 2, ... `hops` steps, n_perturbations x n_genes each.
    pub(super) fn hops(
        self,
        network: &Network,
        perturbations: &[&Perturbation],
        graph: &GeneGraph,
        genes: &GeneIndex,
        hops: usize,
    ) -> Vec<Array2<f32>> {
        let own: Vec<Vec<usize>> = perturbations.iter().map(|p| own_genes(p.targets(), genes)).collect();
        let mut start = Array2::zeros((perturbations.len(), genes.len()));
        for (mut row, own) in start.outer_iter_mut().zip(&own) {
            own.iter().for_each(|&gene| row[gene] = self.strength as f32);
        }
        // Targets that are not measured: their edges are the first step.
        let first: Vec<_> = perturbations.iter().map(|p| self.outside(p, graph, genes)).collect();
        network.hops(start, &first, &own, hops)
    }

    /// What the targets that are not measured do to the genes their edges lead to.
    fn outside(self, perturbation: &Perturbation, graph: &GeneGraph, genes: &GeneIndex) -> Vec<(usize, f32)> {
        let unmeasured = perturbation.targets().iter().filter(|t| genes.resolve(t).is_none());
        let links = unmeasured.flat_map(|t| out_links(graph, t, genes));
        links.map(|l| (l.gene, (self.strength * l.expected(self.expected)) as f32)).collect()
    }

    /// Whether every target is a measured gene of the graph or has an edge to one.
    pub(super) fn knows(self, perturbation: &Perturbation, graph: &GeneGraph, genes: &GeneIndex) -> bool {
        let known = |t: &std::sync::Arc<str>| {
            let measured = genes.resolve(t).is_some() && graph.genes().resolve(t).is_some();
            measured || !out_links(graph, t, genes).is_empty()
        };
        perturbation.targets().iter().all(known)
    }
}

/// How much of a small fold change a mean log1p expression shows: 1 - exp(-c) per gene; 1 for tables of effects.
pub(super) fn gains(responses: &Responses) -> Array1<f64> {
    match responses.quantity {
        Quantity::Level => responses.control.mean.mapv(|c| (1.0 - (-f64::from(c)).exp()).max(LEAST_GAIN)),
        Quantity::Effect => Array1::ones(responses.delta.len_of(Axis(1))),
    }
}
