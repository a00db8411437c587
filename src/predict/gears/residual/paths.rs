//! Directed paths from a perturbed gene to a measured gene: how far a change may have travelled.

use std::collections::BTreeMap;

use crate::data::GeneId;
use crate::graph::GeneGraph;

/// Features per path: one and two steps along edges, with signs (edges of unknown sign count 0) and without.
pub(super) const N_FEATURES: usize = 4;

/// Reached nodes kept per perturbed gene, those of the largest features.
const MOST: usize = 1024;

/// Path features by reached node.
pub(super) type Reached = BTreeMap<u32, [f32; N_FEATURES]>;

/// One-step weights of a graph: weight over the root of all weight that enters the target, so that a gene with many
/// regulators follows each of them less.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    steps: Vec<Vec<(u32, f32, f32)>>,
}

impl Paths {
    /// O(edges).
    pub(super) fn new(graph: &GeneGraph) -> Self {
        let nodes = (0..graph.n_genes() as u32).map(GeneId);
        let entering: Vec<f32> = nodes.clone().map(|g| graph.in_edges(g).map(|e| e.weight).sum()).collect();
        let steps = nodes.map(|g| {
            let step = |e: &crate::graph::Edge| {
                let weight = e.weight / entering[e.target.index()].sqrt().max(f32::MIN_POSITIVE);
                (e.target.0, weight * e.sign.value(), weight)
            };
            graph.out_edges(g).iter().map(step).collect()
        });
        Self { steps: steps.collect() }
    }

    /// What is reached from a gene in one or two steps; a gene is not reached from itself.
    pub(super) fn from(&self, gene: GeneId) -> Reached {
        let mut reached = Reached::new();
        for &(near, signed, weight) in &self.steps[gene.index()] {
            add(&mut reached, near, [signed, weight, 0.0, 0.0]);
            for &(far, signed2, weight2) in &self.steps[near as usize] {
                add(&mut reached, far, [0.0, 0.0, signed * signed2, weight * weight2]);
            }
        }
        reached.remove(&gene.0);
        strongest(reached)
    }
}

fn strongest(reached: Reached) -> Reached {
    let mut all: Vec<_> = reached.into_iter().collect();
    let size = |features: &[f32; N_FEATURES]| features[1] + features[3];
    all.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(&b.0)));
    all.truncate(MOST);
    all.into_iter().collect()
}

fn add(reached: &mut Reached, node: u32, features: [f32; N_FEATURES]) {
    let known = reached.entry(node).or_default();
    known.iter_mut().zip(features).for_each(|(k, f)| *k += f);
}
