//! What a graph looks like, in numbers.

use std::collections::{BTreeMap, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::unionfind::UnionFind;
use serde::Serialize;

use super::{GeneGraph, Sign};
use crate::data::GeneId;
use crate::stats::{WeightedGraph, leiden};

/// A gene with many edges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hub {
    /// The gene.
    pub gene: String,
    /// Edges that leave it.
    pub out_degree: usize,
    /// Edges that enter it.
    pub in_degree: usize,
}

/// One evidence channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelSummary {
    /// Its name.
    pub channel: String,
    /// Edges that have a score in it.
    pub edges: usize,
    /// Mean of these scores, 0 to 1.
    pub mean_score: f64,
}

/// Counts and shares of a graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphSummary {
    /// Number of genes.
    pub genes: usize,
    /// Number of directed edges.
    pub edges: usize,
    /// Genes without any edge.
    pub isolated: usize,
    /// Weakly connected components, isolated genes included.
    pub components: usize,
    /// Genes in the largest component.
    pub largest_component: usize,
    /// Genes in the largest strongly connected component: those that can all reach each other.
    pub strongly_connected: usize,
    /// Communities that the Leiden algorithm finds on edge weights (either direction, resolution 1, seed 0).
    pub communities: usize,
    /// Modularity of these communities (Newman and Girvan 2004): 0 for a random partition, near 1 for separate groups.
    pub modularity: f64,
    /// Share of edges whose reverse is an edge too.
    pub reciprocity: f64,
    /// Edges that activate.
    pub activating: usize,
    /// Edges that repress.
    pub repressing: usize,
    /// Share of edges with a known sign.
    pub signed: f64,
    /// Edges per gene: mean, median and maximum of those that leave.
    pub out_degree: Degrees,
    /// The same of those that enter.
    pub in_degree: Degrees,
    /// The genes with most edges, most first; ties by name.
    pub hubs: Vec<Hub>,
    /// The evidence channels by name.
    pub channels: Vec<ChannelSummary>,
}

/// Distribution of degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Degrees {
    /// Mean over genes.
    pub mean: f64,
    /// Median over genes (the lower one of two).
    pub median: usize,
    /// Largest.
    pub max: usize,
}

impl Degrees {
    fn new(mut degrees: Vec<usize>) -> Self {
        degrees.sort_unstable();
        let mean = degrees.iter().sum::<usize>() as f64 / degrees.len().max(1) as f64;
        let median = degrees.get(degrees.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        Self { mean, median, max: degrees.last().copied().unwrap_or(0) }
    }
}

impl GraphSummary {
    /// Counts everything; `n_hubs` genes are named. O(V log V + E log V).
    pub fn new(graph: &GeneGraph, n_hubs: usize) -> Self {
        let genes: Vec<GeneId> = (0..graph.n_genes() as u32).map(GeneId).collect();
        let out: Vec<usize> = genes.iter().map(|&g| graph.out_edges(g).len()).collect();
        let into: Vec<usize> = genes.iter().map(|&g| graph.in_edges(g).count()).collect();
        let sizes = component_sizes(graph);
        let (communities, modularity) = communities(graph);
        let count = |sign| graph.edges().iter().filter(|e| e.sign == sign).count();
        let (activating, repressing) = (count(Sign::Activation), count(Sign::Repression));
        let mutual = graph.edges().iter().filter(|e| graph.edge(e.target, e.source).is_some()).count();
        let share = |n: usize| n as f64 / graph.n_edges().max(1) as f64;
        Self {
            genes: graph.n_genes(),
            edges: graph.n_edges(),
            isolated: out.iter().zip(&into).filter(|(o, i)| **o + **i == 0).count(),
            components: sizes.len(),
            largest_component: sizes.into_iter().max().unwrap_or(0),
            strongly_connected: tarjan_scc(&graph.to_petgraph()).iter().map(Vec::len).max().unwrap_or(0),
            communities,
            modularity,
            reciprocity: share(mutual),
            activating,
            repressing,
            signed: share(activating + repressing),
            hubs: hubs(graph, &out, &into, n_hubs),
            out_degree: Degrees::new(out),
            in_degree: Degrees::new(into),
            channels: channels(graph),
        }
    }
}

/// Number of communities and their modularity. Each pair of genes counts once, with the sum of its edges' weights.
fn communities(graph: &GeneGraph) -> (usize, f64) {
    let mut pairs: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for e in graph.edges().iter().filter(|e| e.source != e.target) {
        let (a, b) = (e.source.index().min(e.target.index()), e.source.index().max(e.target.index()));
        *pairs.entry((a, b)).or_default() += f64::from(e.weight);
    }
    let weighted = WeightedGraph::new(graph.n_genes(), pairs.iter().map(|(&(a, b), &w)| (a, b, w)));
    let community = leiden(&weighted, 1.0, 2, 0);
    let n = community.iter().max().map_or(0, |most| most + 1);
    let total: f64 = pairs.values().sum();
    let (mut inside, mut strength) = (vec![0.0; n], vec![0.0; n]);
    for (&(a, b), w) in &pairs {
        if community[a] == community[b] {
            inside[community[a]] += w;
        }
        strength[community[a]] += w;
        strength[community[b]] += w;
    }
    let part = |(inside, strength): (&f64, &f64)| inside / total - (strength / (2.0 * total)).powi(2);
    (n, if total > 0.0 { inside.iter().zip(&strength).map(part).sum() } else { 0.0 })
}

/// Number of genes of each weakly connected component.
fn component_sizes(graph: &GeneGraph) -> Vec<usize> {
    let mut sets = UnionFind::<u32>::new(graph.n_genes());
    for edge in graph.edges() {
        sets.union(edge.source.0, edge.target.0);
    }
    let mut sizes = HashMap::new();
    for root in sets.into_labeling() {
        *sizes.entry(root).or_insert(0usize) += 1;
    }
    sizes.into_values().collect()
}

fn hubs(graph: &GeneGraph, out: &[usize], into: &[usize], n: usize) -> Vec<Hub> {
    let mut order: Vec<usize> = (0..graph.n_genes()).collect();
    order.sort_by_key(|&g| (std::cmp::Reverse(out[g] + into[g]), g));
    let hub = |g: usize| Hub { gene: graph.genes().names()[g].to_string(), out_degree: out[g], in_degree: into[g] };
    order.into_iter().take(n).map(hub).collect()
}

fn channels(graph: &GeneGraph) -> Vec<ChannelSummary> {
    let mut sums = vec![(0usize, 0.0f64); graph.channels().len()];
    for &(channel, score) in graph.edges().iter().flat_map(|e| &e.evidence) {
        let (edges, sum) = &mut sums[channel.0 as usize];
        *edges += 1;
        *sum += f64::from(score);
    }
    let summary = |(name, (edges, sum)): (&std::sync::Arc<str>, (usize, f64))| ChannelSummary {
        channel: name.to_string(),
        edges,
        mean_score: sum / edges.max(1) as f64,
    };
    graph.channels().iter().zip(sums).map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    /// Edges by hand: A <-> B, A -> C activating, D -> E repressing.
    #[test]
    fn counts_are_those_of_a_small_graph() {
        let mut builder = GraphBuilder::new();
        let x = builder.channel("x");
        builder.add_undirected("A", "B", 0.5, &[(x, 0.5)]);
        builder.add("A", "C", 0.5, Sign::Activation, &[]);
        builder.add("D", "E", 0.5, Sign::Repression, &[(x, 1.0)]);
        let summary = GraphSummary::new(&builder.build(), 2);
        assert_eq!((summary.genes, summary.edges, summary.isolated), (5, 4, 0));
        assert_eq!((summary.components, summary.largest_component), (2, 3));
        assert_eq!((summary.reciprocity, summary.signed), (0.5, 0.5));
        assert_eq!((summary.strongly_connected, summary.communities), (2, 2));
        // {A, B, C} holds 1.5 of 2 and all its strength 3 of 4; {D, E} the rest: 1 - (3/4)^2 - (1/4)^2.
        assert!((summary.modularity - 0.375).abs() < 1e-12);
        assert_eq!(summary.hubs[0], Hub { gene: "A".into(), out_degree: 2, in_degree: 1 });
        assert_eq!(summary.out_degree, Degrees { mean: 0.8, median: 1, max: 2 });
        assert_eq!((summary.channels[0].edges, summary.channels[0].mean_score), (3, 2.0 / 3.0));
    }

    #[test]
    fn a_graph_without_genes_has_a_summary() {
        let summary = GraphSummary::new(&GeneGraph::empty(), 5);
        assert_eq!((summary.genes, summary.components, summary.signed), (0, 0, 0.0));
    }
}
