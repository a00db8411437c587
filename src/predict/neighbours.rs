//! The strongest neighbours of every node of a graph.

use std::collections::BTreeMap;

use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph};

/// The strongest neighbours of every node by this score; edges of either direction count, the larger score wins, nodes
/// with the same score go by their number.
pub(super) fn neighbours(graph: &GeneGraph, top_k: usize, score: impl Fn(&Edge) -> f32) -> Vec<Vec<(u32, f32)>> {
    let of = |gene: GeneId| {
        let mut all: BTreeMap<u32, f32> = BTreeMap::new();
        let out = graph.out_edges(gene).iter().map(|e| (e.target.0, score(e)));
        for (node, weight) in out.chain(graph.in_edges(gene).map(|e| (e.source.0, score(e)))).filter(|x| x.1 > 0.0) {
            let known = all.entry(node).or_default();
            *known = known.max(weight);
        }
        let mut all: Vec<(u32, f32)> = all.into_iter().collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(top_k);
        all
    };
    (0..graph.n_genes() as u32).map(|g| of(GeneId(g))).collect()
}
