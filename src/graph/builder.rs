//! Collecting edges from several priors into one graph.

use std::collections::HashMap;
use std::sync::Arc;

use petgraph::graph::{DiGraph, NodeIndex};

use super::{ChannelId, Edge, Evidence, GeneGraph, Sign};
use crate::data::{GeneId, GeneIndex};

/// What is known so far of one ordered pair.
#[derive(Debug, Clone, Default)]
struct Known {
    weight: f32,
    sign: Sign,
    evidence: Evidence,
}

/// Merges edges as they are read: the same pair from two priors becomes one edge that keeps both evidences.
///
/// Weight = the largest reported weight; score per channel = the largest reported; signs merge by [`Sign::merge`].
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: DiGraph<Arc<str>, Known>,
    nodes: HashMap<Arc<str>, NodeIndex>,
    pairs: HashMap<(NodeIndex, NodeIndex), petgraph::graph::EdgeIndex>,
    channels: Vec<Arc<str>>,
}

impl GraphBuilder {
    /// A builder without edges.
    pub fn new() -> Self {
        Self::default()
    }

    /// The channel of this name, added where new.
    pub fn channel(&mut self, name: &str) -> ChannelId {
        let found = self.channels.iter().position(|c| &**c == name);
        let at = found.unwrap_or_else(|| {
            self.channels.push(Arc::from(name));
            self.channels.len() - 1
        });
        ChannelId(at as u16)
    }

    /// Adds a directed edge. Self edges and weights that are not positive are left out.
    pub fn add(&mut self, source: &str, target: &str, weight: f32, sign: Sign, evidence: &[(ChannelId, f32)]) {
        if source == target || weight.is_nan() || weight <= 0.0 {
            return;
        }
        let pair = (self.node(source), self.node(target));
        let graph = &mut self.graph;
        let edge = *self.pairs.entry(pair).or_insert_with(|| graph.add_edge(pair.0, pair.1, Known::default()));
        let known = &mut self.graph[edge];
        known.weight = known.weight.max(weight.min(1.0));
        known.sign = if known.evidence.is_empty() { sign } else { known.sign.merge(sign) };
        for &(channel, score) in evidence {
            match known.evidence.iter_mut().find(|(c, _)| *c == channel) {
                Some((_, old)) => *old = old.max(score),
                None => known.evidence.push((channel, score)),
            }
        }
    }

    /// Adds knowledge without a direction: both ways, sign unknown.
    pub fn add_undirected(&mut self, a: &str, b: &str, weight: f32, evidence: &[(ChannelId, f32)]) {
        self.add(a, b, weight, Sign::Unknown, evidence);
        self.add(b, a, weight, Sign::Unknown, evidence);
    }

    /// Number of distinct directed edges so far.
    pub fn n_edges(&self) -> usize {
        self.graph.edge_count()
    }

    /// Freezes the graph. Genes are sorted by name, so that the order in which priors were read does not matter.
    pub fn build(self) -> GeneGraph {
        let mut names: Vec<Arc<str>> = self.graph.node_weights().cloned().collect();
        names.sort();
        let (genes, _) = GeneIndex::new_unique(&names);
        let id = |node: NodeIndex| genes.id(&self.graph[node]).unwrap_or(GeneId(0));
        let edges = self
            .graph
            .edge_indices()
            .filter_map(|e| {
                let (source, target) = self.graph.edge_endpoints(e)?;
                let Known { weight, sign, mut evidence } = self.graph[e].clone();
                evidence.sort_by_key(|(channel, _)| *channel);
                Some(Edge { source: id(source), target: id(target), weight, sign, evidence })
            })
            .collect();
        let channels = self.channels.clone();
        GeneGraph::new(Arc::new(genes), channels, edges)
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
}
