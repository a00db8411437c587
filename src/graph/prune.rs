//! Smaller graphs: some of the genes, or the strongest edges.

use std::sync::Arc;

use super::{Edge, GeneGraph};
use crate::data::{GeneId, GeneIndex};

impl GeneGraph {
    /// The graph of these genes and the edges among them; genes keep the order of the graph. O(V + E).
    #[must_use]
    pub fn induced(&self, genes: &[GeneId]) -> Self {
        let mut wanted = vec![false; self.n_genes()];
        for gene in genes {
            wanted[gene.index()] = true;
        }
        let kept: Vec<usize> = (0..self.n_genes()).filter(|&g| wanted[g]).collect();
        let mut new_id = vec![None; self.n_genes()];
        kept.iter().enumerate().for_each(|(new, &old)| new_id[old] = Some(GeneId(new as u32)));
        let moved = |edge: &Edge| {
            let (source, target) = (new_id[edge.source.index()]?, new_id[edge.target.index()]?);
            Some(Edge { source, target, ..edge.clone() })
        };
        let edges = self.edges().iter().filter_map(moved).collect();
        let (names, _) = GeneIndex::new_unique(kept.iter().map(|&g| &self.genes().names()[g]));
        Self::new(Arc::new(names), self.channels().to_vec(), edges)
    }

    /// The graph without all but the strongest edges: an edge stays where it is among the `n` strongest that leave its
    /// source or among the `n` strongest that enter its target. Equal weights are ordered by gene. In a graph where all
    /// knowledge is stored both ways, both ways stay or go together. Genes without an edge stay. O(E log E).
    #[must_use]
    pub fn strongest(&self, n: usize) -> Self {
        let mut stays = vec![false; self.n_edges()];
        let edges = self.edges();
        let mut keep = |order: &mut Vec<usize>, other: fn(&Edge) -> GeneId| {
            order.sort_unstable_by(|&a, &b| {
                edges[b].weight.total_cmp(&edges[a].weight).then(other(&edges[a]).cmp(&other(&edges[b])))
            });
            order.iter().take(n).for_each(|&k| stays[k] = true);
        };
        let (mut leaving, mut entering) = (vec![Vec::new(); self.n_genes()], vec![Vec::new(); self.n_genes()]);
        for (k, edge) in edges.iter().enumerate() {
            leaving[edge.source.index()].push(k);
            entering[edge.target.index()].push(k);
        }
        for order in &mut leaving {
            keep(order, |e| e.target);
        }
        for order in &mut entering {
            keep(order, |e| e.source);
        }
        let kept = edges.iter().zip(stays).filter(|(_, stays)| *stays).map(|(e, _)| e.clone()).collect();
        Self::new(Arc::clone(self.genes()), self.channels().to_vec(), kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    fn star() -> GeneGraph {
        let mut builder = GraphBuilder::new();
        for (partner, weight) in [("A", 0.9), ("B", 0.5), ("C", 0.7)] {
            builder.add_undirected("HUB", partner, weight, &[]);
        }
        builder.add("A", "B", 0.2, Sign::Activation, &[]);
        builder.build()
    }

    fn names(graph: &GeneGraph) -> Vec<String> {
        let name = |g| graph.genes().name(g);
        graph.edges().iter().map(|e| format!("{}-{}", name(e.source), name(e.target))).collect()
    }

    #[test]
    fn an_induced_graph_has_the_edges_among_its_genes() {
        let graph = star();
        let [hub, a, b] = ["HUB", "A", "B"].map(|g| graph.expect(g).unwrap());
        assert_eq!(names(&graph.induced(&[hub, a, b])), ["A-B", "A-HUB", "B-HUB", "HUB-A", "HUB-B"]);
        assert_eq!(graph.induced(&[a, b]).edges()[0].sign, Sign::Activation);
    }

    #[test]
    fn the_strongest_edges_of_either_end_stay() {
        let kept = star().strongest(1);
        assert_eq!(names(&kept), ["A-HUB", "B-HUB", "C-HUB", "HUB-A", "HUB-B", "HUB-C"]);
        assert_eq!(kept.n_genes(), 4);
    }
}
