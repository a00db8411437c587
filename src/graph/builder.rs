//! Collecting edges from several priors into one graph.

use std::collections::HashMap;
use std::sync::Arc;

use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};

use super::{ChannelId, Edge, Evidence, GeneGraph, Sign};
use crate::data::{GeneId, GeneIndex};

/// What is known so far of one ordered pair.
#[derive(Debug, Clone, Default)]
struct Known {
    weight: f32,
    activates: bool,
    represses: bool,
    evidence: Evidence,
}

impl Known {
    fn report(&mut self, weight: f32, sign: Sign, evidence: &[(ChannelId, f32)]) {
        self.weight = self.weight.max(weight.min(1.0));
        self.activates |= sign == Sign::Activation;
        self.represses |= sign == Sign::Repression;
        for &(channel, score) in evidence {
            match self.evidence.iter_mut().find(|(c, _)| *c == channel) {
                Some((_, old)) => *old = old.max(score),
                None => self.evidence.push((channel, score)),
            }
        }
    }

    /// Both signs reported, by whom and in whichever order: unknown.
    fn sign(&self) -> Sign {
        match (self.activates, self.represses) {
            (true, false) => Sign::Activation,
            (false, true) => Sign::Repression,
            _ => Sign::Unknown,
        }
    }
}

/// Merges edges as they are read: the same pair from two priors becomes one edge that keeps both evidences.
///
/// Weight = the largest reported weight; score per channel = the largest reported; a sign counts where it is the only
/// one reported. Nothing depends on the order in which edges arrive.
///
/// # Complexity
/// O(1) expected time per edge, O(V + E) memory.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: DiGraph<Arc<str>, Known>,
    nodes: HashMap<Arc<str>, NodeIndex>,
    pairs: HashMap<(NodeIndex, NodeIndex), EdgeIndex>,
    channels: Vec<Arc<str>>,
}

impl GraphBuilder {
    /// A builder without edges.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that holds the edges of a graph already. A sign that was unknown there counts as not reported.
    pub fn from_graph(graph: &GeneGraph) -> Self {
        let mut new = Self { channels: graph.channels().to_vec(), ..Self::default() };
        let name = |gene| graph.genes().name(gene);
        for edge in graph.edges() {
            new.add(name(edge.source), name(edge.target), edge.weight, edge.sign, &edge.evidence);
        }
        new
    }

    /// The channel of this name, added where new. Holds for this builder; [`GraphBuilder::build`] sorts the channels.
    pub fn channel(&mut self, name: &str) -> ChannelId {
        let found = self.channels.iter().position(|c| &**c == name);
        let at = found.unwrap_or_else(|| {
            self.channels.push(Arc::from(name));
            self.channels.len() - 1
        });
        ChannelId(at as u16)
    }

    /// Adds a directed edge. Self edges and weights that are not positive are left out; weights above 1 become 1.
    pub fn add(&mut self, source: &str, target: &str, weight: f32, sign: Sign, evidence: &[(ChannelId, f32)]) {
        if usable(source, target, weight) {
            let (source, target) = (self.node(source), self.node(target));
            self.pair(source, target).report(weight, sign, evidence);
        }
    }

    /// Adds knowledge without a direction: both ways, sign unknown.
    pub fn add_undirected(&mut self, a: &str, b: &str, weight: f32, evidence: &[(ChannelId, f32)]) {
        if usable(a, b, weight) {
            let (a, b) = (self.node(a), self.node(b));
            self.pair(a, b).report(weight, Sign::Unknown, evidence);
            self.pair(b, a).report(weight, Sign::Unknown, evidence);
        }
    }

    /// Number of distinct directed edges so far.
    pub fn n_edges(&self) -> usize {
        self.graph.edge_count()
    }

    /// Number of genes so far.
    pub fn n_genes(&self) -> usize {
        self.graph.node_count()
    }

    /// Freezes the graph. Genes and channels are sorted by name, so that the order in which priors were read does not
    /// matter.
    pub fn build(self) -> GeneGraph {
        let mut names: Vec<Arc<str>> = self.graph.node_weights().cloned().collect();
        names.sort_unstable();
        let (genes, _) = GeneIndex::new_unique(&names);
        let id = |node: NodeIndex| genes.id(&self.graph[node]).unwrap_or(GeneId(0));
        let ids: Vec<GeneId> = self.graph.node_indices().map(id).collect();
        let (channels, rank) = sorted(&self.channels);
        let (_, edges) = self.graph.into_nodes_edges();
        let edges = edges.into_iter().map(|edge| {
            let (source, target) = (ids[edge.source().index()], ids[edge.target().index()]);
            let known = edge.weight;
            let (weight, sign, mut evidence) = (known.weight, known.sign(), known.evidence);
            evidence.iter_mut().for_each(|(channel, _)| *channel = rank[channel.0 as usize]);
            evidence.sort_unstable_by_key(|(channel, _)| *channel);
            Edge { source, target, weight, sign, evidence }
        });
        GeneGraph::new(Arc::new(genes), channels, edges.collect())
    }

    fn node(&mut self, name: &str) -> NodeIndex {
        if let Some(&node) = self.nodes.get(name) {
            return node;
        }
        let name: Arc<str> = Arc::from(name);
        let node = self.graph.add_node(Arc::clone(&name));
        self.nodes.insert(name, node);
        node
    }

    fn pair(&mut self, source: NodeIndex, target: NodeIndex) -> &mut Known {
        let graph = &mut self.graph;
        let edge =
            *self.pairs.entry((source, target)).or_insert_with(|| graph.add_edge(source, target, Known::default()));
        &mut graph[edge]
    }
}

/// Whether this is an edge at all. NaN weights are not.
fn usable(source: &str, target: &str, weight: f32) -> bool {
    source != target && weight > 0.0
}

/// The names in order, and for each old position its new one.
fn sorted(channels: &[Arc<str>]) -> (Vec<Arc<str>>, Vec<ChannelId>) {
    let mut names = channels.to_vec();
    names.sort_unstable();
    let rank = channels.iter().map(|c| ChannelId(names.partition_point(|n| n < c) as u16)).collect();
    (names, rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_pair_from_two_priors_keeps_both_evidences() {
        let mut builder = GraphBuilder::new();
        let (string, regulon) = (builder.channel("string"), builder.channel("collectri"));
        builder.add_undirected("A", "B", 0.4, &[(string, 0.4)]);
        builder.add("A", "B", 1.0, Sign::Repression, &[(regulon, 1.0)]);
        builder.add("A", "A", 1.0, Sign::Activation, &[(regulon, 1.0)]);
        let graph = builder.build();
        assert_eq!((graph.n_genes(), graph.n_edges()), (2, 2));
        let (a, b) = (graph.expect("A").unwrap(), graph.expect("B").unwrap());
        let edge = graph.edge(a, b).unwrap();
        assert_eq!((edge.weight, edge.sign, edge.evidence.len()), (1.0, Sign::Repression, 2));
        assert_eq!(graph.edge(b, a).unwrap().sign, Sign::Unknown);
        assert_eq!(graph.in_edges(b).count(), 1);
    }

    #[test]
    fn the_order_of_reports_does_not_matter() {
        let reports = [("x", 0.2, Sign::Activation), ("y", 0.9, Sign::Repression), ("a", 0.5, Sign::Activation)];
        let build = |order: [usize; 3]| {
            let mut builder = GraphBuilder::new();
            for (name, weight, sign) in order.map(|k| reports[k]) {
                let channel = builder.channel(name);
                builder.add("A", "B", weight, sign, &[(channel, weight)]);
            }
            builder.build()
        };
        let (one, two) = (build([0, 1, 2]), build([2, 0, 1]));
        assert_eq!(one.edges(), two.edges());
        assert_eq!(one.channels(), two.channels());
        assert_eq!(one.edges()[0].sign, Sign::Unknown, "a contradiction stays unknown when a third report comes");
    }

    #[test]
    fn what_is_no_edge_adds_no_gene() {
        let mut builder = GraphBuilder::new();
        let channel = builder.channel("x");
        for (weight, target) in [(0.0, "B"), (f32::NAN, "B"), (-1.0, "B"), (1.0, "A")] {
            builder.add("A", target, weight, Sign::Unknown, &[(channel, weight)]);
        }
        assert_eq!((builder.n_edges(), builder.n_genes()), (0, 0));
    }
}
