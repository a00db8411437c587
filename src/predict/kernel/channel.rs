//! One evidence channel of the graph as undirected neighbour profiles.

use super::memo::Memo;
use super::regulation::Regulation;
use std::sync::Arc;

use crate::data::GeneId;
use crate::graph::{ChannelId, Edge, GeneGraph};

/// A gene's neighbours with weights, ascending by gene, unit length.
pub(super) type Profile = Vec<(GeneId, f32)>;

/// Undirected neighbour lists with weights in 0..=1; edges of either direction count, the larger weight wins.
#[derive(Debug)]
pub(super) struct Channel {
    /// Name in the graph, or `merged` for the merged weight of all channels.
    pub(super) name: String,
    start: Vec<usize>,
    neighbours: Vec<(GeneId, f32)>,
    /// The same entries of D^-1/2 A D^-1/2.
    transitions: Vec<(GeneId, f32)>,
    /// Sum of weights per gene, D.
    degree: Vec<f32>,
    /// Signed regulation, both ways.
    pub(super) regulation: Regulation,
    /// Walks that were made, near and far.
    pub(super) near: Memo,
    pub(super) far: Memo,
}

impl Channel {
    /// The merged weight and every evidence channel that differs from it, made once per graph. O(channels x edges).
    pub(super) fn all(graph: &GeneGraph) -> Arc<Vec<Self>> {
        graph.derived(Self::of)
    }

    fn of(graph: &GeneGraph) -> Vec<Self> {
        let score = |id: ChannelId| move |e: &Edge| e.evidence.iter().find(|(c, _)| *c == id).map_or(0.0, |(_, s)| *s);
        let mut merged = Self::new("merged", graph, |e| e.weight);
        merged.regulation = Regulation::new(graph);
        let named = graph.channels().iter().enumerate();
        let named = named.map(|(i, name)| Self::new(name, graph, score(ChannelId(i as u16))));
        let differ: Vec<Self> =
            named.filter(|c| c.neighbours != merged.neighbours && !c.neighbours.is_empty()).collect();
        std::iter::once(merged).chain(differ).collect()
    }

    fn new(name: &str, graph: &GeneGraph, score: impl Fn(&Edge) -> f32) -> Self {
        let (mut start, mut neighbours) = (vec![0], Vec::new());
        let mut degree = Vec::with_capacity(graph.n_genes());
        for gene in (0..graph.n_genes() as u32).map(GeneId) {
            let from = neighbours.len();
            let out = graph.out_edges(gene).iter().map(|e| (e.target, score(e)));
            let into = graph.in_edges(gene).map(|e| (e.source, score(e)));
            merge(out.filter(|x| x.1 > 0.0), into.filter(|x| x.1 > 0.0), &mut neighbours);
            degree.push(neighbours[from..].iter().map(|(_, w)| w).sum());
            start.push(neighbours.len());
        }
        let transitions = transitions(&start, &neighbours, &degree);
        let regulation = Regulation::default();
        let (near, far) = Default::default();
        Self { name: name.to_owned(), start, neighbours, transitions, degree, regulation, near, far }
    }

    /// Number of genes of the graph.
    pub(super) fn n_genes(&self) -> usize {
        self.degree.len()
    }

    fn neighbours(&self, gene: GeneId) -> &[(GeneId, f32)] {
        &self.neighbours[self.start[gene.index()]..self.start[gene.index() + 1]]
    }

    /// Neighbours with their entries of D^-1/2 A D^-1/2.
    pub(super) fn transitions(&self, gene: GeneId) -> &[(GeneId, f32)] {
        &self.transitions[self.start[gene.index()]..self.start[gene.index() + 1]]
    }

    /// The gene itself (weight 1) and its neighbours, each divided by the root of its degree (itself counted) so that
    /// hubs say little, scaled to unit length.
    pub(super) fn neighbour_profile(&self, gene: GeneId) -> Profile {
        let of = self.neighbours(gene);
        let at = of.partition_point(|(g, _)| *g < gene);
        let itself = std::iter::once((gene, 1.0));
        let all = of[..at].iter().copied().chain(itself).chain(of[at..].iter().copied());
        let mut profile: Profile = all.map(|(g, w)| (g, w / (1.0 + self.degree[g.index()]).sqrt())).collect();
        let length = profile.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        for (_, w) in &mut profile {
            *w /= length;
        }
        profile
    }
}

/// Entries of D^-1/2 A D^-1/2 beside those of A.
fn transitions(start: &[usize], neighbours: &[(GeneId, f32)], degree: &[f32]) -> Vec<(GeneId, f32)> {
    let of_row = |(row, own): (usize, f32)| {
        let entries = neighbours[start[row]..start[row + 1]].iter();
        entries.map(move |&(g, w)| (g, w / (own * degree[g.index()]).sqrt()))
    };
    degree.iter().copied().enumerate().flat_map(of_row).collect()
}

/// Merges two ascending lists; the larger weight of a common gene stays.
fn merge(a: impl Iterator<Item = (GeneId, f32)>, b: impl Iterator<Item = (GeneId, f32)>, to: &mut Vec<(GeneId, f32)>) {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 == y.0 => {
                let both = (x.0, x.1.max(y.1));
                a.next();
                b.next();
                Some(both)
            }
            (Some(x), Some(y)) if x.0 > y.0 => b.next(),
            (Some(_), _) => a.next(),
            (None, _) => b.next(),
        };
        match next {
            Some(entry) => to.push(entry),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    #[test]
    fn profiles_hold_neighbours_of_both_directions_and_the_gene_itself() {
        let mut builder = GraphBuilder::new();
        let id = builder.channel("x");
        builder.add("A", "B", 0.5, Sign::Unknown, &[(id, 0.5)]);
        builder.add("C", "A", 1.0, Sign::Unknown, &[(id, 1.0)]);
        let graph = builder.build();
        let channels = Channel::all(&graph);
        assert_eq!(channels.len(), 1);
        // Degrees: A 2.5, B 1.5, C 2. Squares before scaling: 1/2.5, 0.25/1.5, 1/2; sum 16/15.
        let squares: Vec<f32> = channels[0].neighbour_profile(GeneId(0)).iter().map(|(_, w)| w * w).collect();
        let expected = [0.4f32, 0.25 / 1.5, 0.5].map(|x| x * 15.0 / 16.0);
        assert!(squares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{squares:?}");
    }
}
