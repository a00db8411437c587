//! A gene and those around it.

use std::collections::HashMap;

use super::{GeneGraph, SparseAdjacency, Weights};
use crate::data::GeneId;

/// A gene near the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The gene, in the graph of the [`Neighborhood`].
    pub gene: GeneId,
    /// Edges between it and the centre, whichever way they point.
    pub hop: usize,
    /// The largest product of weights along a way to the centre of at most the hops asked for.
    pub strength: f32,
}

/// The surroundings of a gene: a small graph to be drawn or exported.
#[derive(Debug, Clone)]
pub struct Neighborhood {
    /// The genes kept and all edges among them.
    pub graph: GeneGraph,
    /// The centre, in `graph`.
    pub center: GeneId,
    /// All genes of `graph`, the centre first, then strongest first.
    pub neighbors: Vec<Neighbor>,
}

impl GeneGraph {
    /// The genes within `hops` edges of a gene, whichever way the edges point, at most the `limit` strongest of them
    /// and the centre itself.
    ///
    /// # Complexity
    /// O(E log E + hops E) time, O(V + E) memory.
    pub fn neighborhood(&self, center: GeneId, hops: usize, limit: usize) -> Neighborhood {
        let mut reached = self.reached(center, hops);
        // Sorted genes have the order of ids: equal strengths and hops are ordered by name.
        reached.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.hop.cmp(&b.hop)).then(a.gene.cmp(&b.gene)));
        reached.retain(|n| n.gene != center);
        reached.truncate(limit);
        reached.insert(0, Neighbor { gene: center, hop: 0, strength: 1.0 });
        let mut kept: Vec<GeneId> = reached.iter().map(|n| n.gene).collect();
        let graph = self.induced(&kept);
        kept.sort_unstable();
        let moved = |old: GeneId| GeneId(kept.partition_point(|&g| g < old) as u32);
        let neighbors = reached.into_iter().map(|n| Neighbor { gene: moved(n.gene), ..n }).collect();
        Neighborhood { graph, center: moved(center), neighbors }
    }

    fn reached(&self, center: GeneId, hops: usize) -> Vec<Neighbor> {
        let around = SparseAdjacency::undirected(self, Weights::Merged);
        let start = Neighbor { gene: center, hop: 0, strength: 1.0 };
        let mut best = HashMap::from([(center, start)]);
        let mut front = vec![start];
        for hop in 1..=hops {
            let mut next: HashMap<GeneId, f32> = HashMap::new();
            for from in &front {
                let (genes, weights) = around.neighbours(from.gene);
                for (&gene, &weight) in genes.iter().zip(weights) {
                    let strength = next.entry(GeneId(gene)).or_insert(0.0);
                    *strength = strength.max(from.strength * weight);
                }
            }
            front.clear();
            for (gene, strength) in next {
                let known = best.entry(gene).or_insert(Neighbor { gene, hop, strength: 0.0 });
                if strength > known.strength {
                    known.strength = strength;
                    front.push(*known);
                }
            }
        }
        best.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    /// X -> A 0.9, A -> B 0.9, X - B 0.5, B -> C 0.9, C -> D 0.9, and a far pair.
    fn graph() -> GeneGraph {
        let mut builder = GraphBuilder::new();
        for (a, b, w) in [("X", "A", 0.9), ("A", "B", 0.9), ("B", "X", 0.5), ("B", "C", 0.9), ("C", "D", 0.9)] {
            builder.add(a, b, w, Sign::Unknown, &[]);
        }
        builder.add_undirected("P", "Q", 1.0, &[]);
        builder.build()
    }

    fn shown(hops: usize, limit: usize) -> Vec<(String, usize, f32)> {
        let graph = graph();
        let near = graph.neighborhood(graph.expect("X").unwrap(), hops, limit);
        let show = |n: &Neighbor| (near.graph.genes().name(n.gene).to_owned(), n.hop, n.strength);
        near.neighbors.iter().map(show).collect()
    }

    #[test]
    fn hops_and_strengths_are_those_of_a_small_graph() {
        let t = |hops, limit, expected: &[(&str, usize, f32)]| {
            let got = shown(hops, limit);
            assert_eq!(got.len(), expected.len(), "{got:?}");
            for (g, e) in got.iter().zip(expected) {
                assert!(g.0 == e.0 && g.1 == e.1 && (g.2 - e.2).abs() < 1e-6, "{got:?}");
            }
        };
        t(0, 9, &[("X", 0, 1.0)]);
        t(1, 9, &[("X", 0, 1.0), ("A", 1, 0.9), ("B", 1, 0.5)]);
        t(2, 9, &[("X", 0, 1.0), ("A", 1, 0.9), ("B", 1, 0.81), ("C", 2, 0.45)]);
        t(3, 9, &[("X", 0, 1.0), ("A", 1, 0.9), ("B", 1, 0.81), ("C", 2, 0.729), ("D", 3, 0.405)]);
        t(3, 1, &[("X", 0, 1.0), ("A", 1, 0.9)]);
    }

    #[test]
    fn all_edges_among_the_kept_genes_are_there() {
        let graph = graph();
        let near = graph.neighborhood(graph.expect("X").unwrap(), 1, 9);
        assert_eq!((near.graph.n_genes(), near.graph.n_edges()), (3, 3));
        assert_eq!(near.graph.genes().name(near.center), "X");
    }
}
