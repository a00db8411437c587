//! How many steps genes are from the nearest of some genes.

use std::collections::VecDeque;

use super::GeneGraph;
use crate::data::GeneId;

impl GeneGraph {
    /// Hops from each gene to the nearest of `from`, along edges in either direction; `None` where no path leads.
    /// Breadth first, O(V + E).
    pub fn hops_from(&self, from: &[GeneId]) -> Vec<Option<u32>> {
        let mut hops = vec![None; self.n_genes()];
        let mut queue: VecDeque<(GeneId, u32)> = from.iter().map(|&gene| (gene, 0)).collect();
        while let Some((gene, n)) = queue.pop_front() {
            if hops[gene.index()].is_some() {
                continue;
            }
            hops[gene.index()] = Some(n);
            let around = self.out_edges(gene).iter().map(|e| e.target).chain(self.in_edges(gene).map(|e| e.source));
            queue.extend(around.filter(|g| hops[g.index()].is_none()).map(|g| (g, n + 1)));
        }
        hops
    }

    /// Number of distinct genes that an edge joins to this one, whichever way it points.
    pub fn n_partners(&self, gene: GeneId) -> usize {
        let out = self.out_edges(gene);
        let only_in = self.in_edges(gene).filter(|e| out.binary_search_by_key(&e.source, |o| o.target).is_err());
        out.len() + only_in.count()
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{GraphBuilder, Sign};

    #[test]
    fn the_nearest_of_several_genes_counts_whichever_way_edges_point() {
        let mut builder = GraphBuilder::new();
        for (source, target) in [("A", "B"), ("C", "B"), ("C", "D"), ("D", "C"), ("X", "Y")] {
            builder.add(source, target, 1.0, Sign::Unknown, &[]);
        }
        let graph = builder.build();
        let id = |name: &str| graph.expect(name).unwrap();
        let hops = graph.hops_from(&[id("A")]);
        let t = |name: &str, expected| assert_eq!(hops[id(name).index()], expected, "{name}");
        t("A", Some(0));
        t("B", Some(1));
        t("D", Some(3));
        t("X", None);
        assert_eq!(graph.hops_from(&[id("A"), id("D")])[id("C").index()], Some(1));
        assert_eq!((graph.n_partners(id("C")), graph.n_partners(id("B"))), (2, 2));
    }
}
