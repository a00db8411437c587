//! Who regulates whom, with signs.

use super::channel::{Channel, Profile};
use crate::data::GeneId;
use crate::graph::GeneGraph;

/// Which end of the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The genes that a gene regulates.
    Out,
    /// The genes that regulate it.
    In,
}

/// Edges of known sign, as signed entries per gene, each divided by the root of how many entries its other end has.
#[derive(Debug, Clone, Default)]
pub(super) struct Regulation {
    regulates: Lists,
    regulated: Lists,
}

#[derive(Debug, Clone, Default)]
struct Lists {
    start: Vec<usize>,
    entries: Profile,
}

impl Regulation {
    /// The signed edges of a graph. O(edges).
    pub(super) fn new(graph: &GeneGraph) -> Self {
        let signed = |e: &&crate::graph::Edge| e.sign.value() != 0.0;
        let genes = || (0..graph.n_genes() as u32).map(GeneId);
        let out = |g: GeneId| graph.out_edges(g).iter().filter(signed).map(|e| (e.target, e.weight * e.sign.value()));
        let into = |g: GeneId| graph.in_edges(g).filter(signed).map(|e| (e.source, e.weight * e.sign.value()));
        let count = |n: usize| (n.max(1) as f32).sqrt();
        let n_out: Vec<f32> = genes().map(|g| count(out(g).count())).collect();
        let n_in: Vec<f32> = genes().map(|g| count(into(g).count())).collect();
        Self {
            regulates: Lists::new(genes().map(|g| out(g).map(|(t, w)| (t, w / n_in[t.index()])).collect())),
            regulated: Lists::new(genes().map(|g| into(g).map(|(s, w)| (s, w / n_out[s.index()])).collect())),
        }
    }
}

impl Lists {
    fn new(of_genes: impl Iterator<Item = Profile>) -> Self {
        let mut lists = Self { start: vec![0], entries: Profile::new() };
        for mut of in of_genes {
            of.sort_unstable_by_key(|(g, _)| *g);
            lists.entries.extend(of);
            lists.start.push(lists.entries.len());
        }
        lists
    }

    fn of(&self, gene: GeneId) -> &[(GeneId, f32)] {
        &self.entries[self.start[gene.index()]..self.start[gene.index() + 1]]
    }
}

/// The signed regulation of a gene on one side, unit length; of a gene that has none it is empty.
pub(super) fn regulation_profile(channel: &Channel, gene: GeneId, side: Side) -> Profile {
    let of = match side {
        Side::Out => channel.regulation.regulates.of(gene),
        Side::In => channel.regulation.regulated.of(gene),
    };
    let length = of.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
    of.iter().map(|(g, w)| (*g, w / length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    #[test]
    fn signs_and_directions_are_kept() {
        let mut builder = GraphBuilder::new();
        builder.add("A", "C", 0.5, Sign::Activation, &[]);
        builder.add("A", "D", 0.5, Sign::Repression, &[]);
        builder.add("B", "C", 0.5, Sign::Unknown, &[]);
        let channel = &Channel::all(&builder.build())[0];
        let side = |gene: u32, side| regulation_profile(channel, GeneId(gene), side);
        let half = 0.5f32.sqrt();
        let out = side(0, Side::Out);
        // C and D have one signed regulator each: equal entries of opposite sign.
        assert_eq!(out.len(), 2);
        assert!((out[0].1 - half).abs() < 1e-6 && (out[1].1 + half).abs() < 1e-6, "{out:?}");
        assert!(side(0, Side::In).is_empty() && (0..4).map(|g| side(g, Side::In).len()).sum::<usize>() == 2);
    }
}
