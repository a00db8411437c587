//! The frozen graph: sorted edges with row offsets in both directions.

use std::sync::Arc;

use petgraph::graph::DiGraph;

use super::derived::Derived;
use super::{ChannelId, Edge, GraphError};
use crate::data::{GeneId, GeneIndex};
use crate::stats::Rng;

/// A directed graph over genes, sorted by source then target, with at most one edge per ordered pair.
///
/// Its genes are those of the priors, not those of a screen. Knowledge without a direction is stored both ways.
#[derive(Debug, Clone)]
pub struct GeneGraph {
    genes: Arc<GeneIndex>,
    channels: Vec<Arc<str>>,
    edges: Vec<Edge>,
    out_start: Vec<usize>,
    in_start: Vec<usize>,
    in_edges: Vec<u32>,
    /// What others made of it.
    pub(super) derived: Derived,
}

impl GeneGraph {
    /// Freezes edges. They are sorted here; an ordered pair must not occur twice (see [`super::GraphBuilder`]).
    ///
    /// # Complexity
    /// O(E log E + V) time, O(E + V) memory.
    pub fn new(genes: Arc<GeneIndex>, channels: Vec<Arc<str>>, mut edges: Vec<Edge>) -> Self {
        edges.sort_by_key(|e| (e.source, e.target));
        debug_assert!(edges.windows(2).all(|w| (w[0].source, w[0].target) != (w[1].source, w[1].target)));
        let n = genes.len();
        let out_start = offsets(n, edges.iter().map(|e| e.source));
        let in_start = offsets(n, edges.iter().map(|e| e.target));
        let mut next = in_start.clone();
        let mut in_edges = vec![0; edges.len()];
        for (k, edge) in edges.iter().enumerate() {
            let at = &mut next[edge.target.index()];
            in_edges[*at] = k as u32;
            *at += 1;
        }
        Self { genes, channels, edges, out_start, in_start, in_edges, derived: Derived::default() }
    }

    /// A graph without genes.
    pub fn empty() -> Self {
        let (genes, _) = GeneIndex::new_unique(std::iter::empty::<&str>());
        Self::new(Arc::new(genes), Vec::new(), Vec::new())
    }

    /// The nodes.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    /// Number of nodes.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// All edges, sorted by source then target.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Number of directed edges.
    pub fn n_edges(&self) -> usize {
        self.edges.len()
    }

    /// Names of the evidence channels.
    pub fn channels(&self) -> &[Arc<str>] {
        &self.channels
    }

    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<ChannelId> {
        self.channels.iter().position(|c| &**c == name).map(|i| ChannelId(i as u16))
    }

    /// Edges that leave a gene, ascending by target.
    pub fn out_edges(&self, gene: GeneId) -> &[Edge] {
        &self.edges[self.out_start[gene.index()]..self.out_start[gene.index() + 1]]
    }

    /// Edges that enter a gene, ascending by source.
    pub fn in_edges(&self, gene: GeneId) -> impl Iterator<Item = &Edge> {
        let range = self.in_start[gene.index()]..self.in_start[gene.index() + 1];
        self.in_edges[range].iter().map(|&k| &self.edges[k as usize])
    }

    /// The edge of an ordered pair. O(log out-degree).
    pub fn edge(&self, source: GeneId, target: GeneId) -> Option<&Edge> {
        let out = self.out_edges(source);
        out.binary_search_by_key(&target, |e| e.target).ok().map(|i| &out[i])
    }

    /// The node of this name or alias, or an error with close spellings.
    pub fn expect(&self, gene: &str) -> Result<GeneId, GraphError> {
        self.genes.resolve(gene).ok_or_else(|| GraphError::UnknownGene {
            gene: gene.to_owned(),
            n_genes: self.n_genes(),
            suggestions: self.genes.suggest(gene),
        })
    }

    /// The same wiring with the gene names shuffled by `seed`: the control for every claim that rests on the graph.
    #[must_use]
    pub fn permuted(&self, seed: u64) -> Self {
        let mut place: Vec<u32> = (0..self.n_genes() as u32).collect();
        Rng::named(seed, "permuted graph").shuffle(&mut place);
        let moved = |gene: GeneId| GeneId(place[gene.index()]);
        let edge = |e: &Edge| Edge { source: moved(e.source), target: moved(e.target), ..e.clone() };
        Self::new(Arc::clone(&self.genes), self.channels.clone(), self.edges.iter().map(edge).collect())
    }

    /// The same graph for petgraph's algorithms: node and edge indices equal gene ids and edge positions.
    pub fn to_petgraph(&self) -> DiGraph<GeneId, usize> {
        let mut graph = DiGraph::with_capacity(self.n_genes(), self.n_edges());
        (0..self.n_genes() as u32).for_each(|g| {
            graph.add_node(GeneId(g));
        });
        for (k, edge) in self.edges.iter().enumerate() {
            graph.add_edge(edge.source.0.into(), edge.target.0.into(), k);
        }
        graph
    }
}

/// Offsets of a sorted or unsorted key list: `start[k]..start[k + 1]` has the entries of key k.
fn offsets(n: usize, keys: impl Iterator<Item = GeneId>) -> Vec<usize> {
    let mut start = vec![0; n + 1];
    keys.for_each(|k| start[k.index() + 1] += 1);
    (0..n).for_each(|k| start[k + 1] += start[k]);
    start
}

#[cfg(test)]
mod tests {
    use crate::graph::GraphBuilder;

    #[test]
    fn a_permuted_graph_keeps_names_and_degrees() {
        let mut builder = GraphBuilder::new();
        ["B", "C", "D", "E", "F"].iter().for_each(|g| builder.add_undirected("A", g, 0.5, &[]));
        let graph = builder.build();
        let degrees = |g: &super::GeneGraph| {
            let mut degrees: Vec<usize> = (0..6).map(|i| g.out_edges(crate::data::GeneId(i)).len()).collect();
            degrees.sort_unstable();
            degrees
        };
        let permuted: Vec<_> = (0..4).map(|seed| graph.permuted(seed)).collect();
        assert!(permuted.iter().all(|p| p.genes() == graph.genes() && degrees(p) == degrees(&graph)));
        assert!(permuted.iter().any(|p| p.out_edges(graph.expect("A").unwrap()).len() == 1));
        assert_eq!(graph.permuted(1).edges(), permuted[1].edges());
    }
}
