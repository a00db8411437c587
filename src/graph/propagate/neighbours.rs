//! Which neighbours genes share.

use crate::data::{Csr, GeneId};
use crate::graph::SparseAdjacency;

/// Rows that say which neighbours a gene has, rare neighbours counting more.
///
/// The row of a gene has 1 for each of its neighbours and for itself, every column divided by the square root of its
/// sum over the genes the profiles were fitted to, the row then brought to unit length: the product of two rows is the
/// cosine similarity of two neighbourhoods. Only columns that neighbour at least one fitted gene are used.
#[derive(Debug, Clone)]
pub struct NeighbourProfiles {
    /// 1 / sqrt(column sum); 0 where no fitted gene has this neighbour.
    scale: Vec<f64>,
}

impl NeighbourProfiles {
    /// Learns the column sums from `genes`. O(V + sum of their degrees).
    pub fn fit(adjacency: &SparseAdjacency, genes: &[GeneId]) -> Self {
        let mut used = vec![false; adjacency.n_genes()];
        let mut sums = vec![0.0f64; adjacency.n_genes()];
        for &gene in genes {
            adjacency.neighbours(gene).0.iter().for_each(|&j| used[j as usize] = true);
        }
        for &gene in genes {
            marks(adjacency, gene).for_each(|j| sums[j as usize] += 1.0);
        }
        let scale = |(used, sum): (bool, f64)| if used { 1.0 / sum.max(1.0).sqrt() } else { 0.0 };
        Self { scale: used.into_iter().zip(sums).map(scale).collect() }
    }

    /// One row per gene, n x n_genes of the graph. A gene without a used column gets an empty row.
    /// O(sum of their degrees).
    pub fn rows(&self, adjacency: &SparseAdjacency, genes: &[GeneId]) -> Csr<f32> {
        let mut rows = Csr::empty(adjacency.n_genes());
        for &gene in genes {
            let scaled = |j: u32| (j, self.scale[j as usize]);
            let row: Vec<(u32, f64)> = marks(adjacency, gene).map(scaled).filter(|e| e.1 > 0.0).collect();
            let length = row.iter().map(|e| e.1 * e.1).sum::<f64>().sqrt();
            rows.push_row(row.into_iter().map(|(j, v)| (j, (v / length) as f32)));
        }
        rows
    }
}

/// The neighbours of a gene and the gene itself, ascending.
fn marks(adjacency: &SparseAdjacency, gene: GeneId) -> impl Iterator<Item = u32> {
    let neighbours = adjacency.neighbours(gene).0;
    let at = neighbours.partition_point(|&j| j < gene.0);
    let own = neighbours.get(at) != Some(&gene.0);
    let (before, after) = neighbours.split_at(at);
    before.iter().copied().chain(own.then_some(gene.0)).chain(after.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Weights};

    /// Edges A-B, A-C, D-C; fitted to A, B and D. Used columns: A (of B), B and C (of A), C (of D); D itself is nobody's
    /// neighbour. Marks: A {A, B, C}, B {A, B}, D {C}; sums A 2, B 2, C 2. So by hand the rows are
    /// A (1, 1, 1) / sqrt 3, B (1, 1, 0) / sqrt 2, D (0, 0, 1), the same as `neighbour_matrix` of the
    /// numpy baseline gives.
    #[test]
    fn rows_are_those_calculated_by_hand() {
        let mut builder = GraphBuilder::new();
        for (a, b) in [("A", "B"), ("A", "C"), ("D", "C")] {
            builder.add_undirected(a, b, 1.0, &[]);
        }
        let graph = builder.build();
        let adjacency = SparseAdjacency::undirected(&graph, Weights::Merged);
        let genes = ["A", "B", "D"].map(|g| graph.expect(g).unwrap());
        let rows = NeighbourProfiles::fit(&adjacency, &genes).rows(&adjacency, &genes);
        let t = |row: usize, columns: &[u32], value: f32| {
            let (j, v) = rows.row(row);
            assert_eq!(j, columns);
            assert!(v.iter().all(|x| (x - value).abs() < 1e-6), "{v:?}");
        };
        t(0, &[0, 1, 2], 1.0 / 3f32.sqrt());
        t(1, &[0, 1], 1.0 / 2f32.sqrt());
        t(2, &[2], 1.0);
    }

    #[test]
    fn a_rare_neighbour_counts_more() {
        let mut builder = GraphBuilder::new();
        for (a, b) in [("A", "HUB"), ("B", "HUB"), ("C", "HUB"), ("A", "RARE")] {
            builder.add_undirected(a, b, 1.0, &[]);
        }
        let graph = builder.build();
        let adjacency = SparseAdjacency::undirected(&graph, Weights::Merged);
        let genes = ["A", "B", "C"].map(|g| graph.expect(g).unwrap());
        let rows = NeighbourProfiles::fit(&adjacency, &genes).rows(&adjacency, &genes);
        let weight = |gene: &str| {
            let (columns, values) = rows.row(0);
            values[columns.iter().position(|&j| j == graph.expect(gene).unwrap().0).unwrap()]
        };
        assert!((weight("RARE") / weight("HUB") - 3f32.sqrt()).abs() < 1e-6);
    }
}
