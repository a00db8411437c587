//! How much the graph around a candidate changes.

use ndarray::ArrayView1;

use super::Candidates;
use crate::data::{GeneId, GeneIndex};
use crate::graph::{GeneGraph, Normalisation, SparseAdjacency, Weights};

/// Chance to return to the start at every step.
const RESTART: f64 = 0.5;

/// A random walk with restart from the size of the change, cut after two steps and corrected for degree.
///
/// A walker starts at a measured gene, chosen in proportion to the size of its change, and follows the edges of the
/// graph (either way, by weight). The value of a gene is the chance to find the walker there, divided by the same
/// chance where all measured genes start alike: the mean change of the genes around it. What started at the gene
/// itself is left out on both sides, which is exact because a walk of two steps returns to its start along an edge and
/// back only. On real screens the walk alone is close to chance; it is evidence among others.
#[derive(Debug, Clone)]
pub(super) struct Propagation {
    transition: SparseAdjacency,
    /// Chance to be back after two steps, per node.
    returns: Vec<f64>,
    /// The measured gene of each node.
    column: Vec<Option<usize>>,
}

impl Propagation {
    /// Prepares the walk on a graph for queries over these genes. O(E log E).
    pub(super) fn new(graph: &GeneGraph, genes: &GeneIndex) -> Self {
        let transition = SparseAdjacency::undirected(graph, Weights::Merged).normalised(Normalisation::Row);
        let back = transition.transposed();
        let returns = (0..graph.n_genes()).map(|g| product(transition.row(g), back.row(g))).collect();
        let column = graph.genes().names().iter().map(|n| genes.resolve(n).map(GeneId::index)).collect();
        Self { transition, returns, column }
    }

    /// The walk where all measured genes that the queries have (`known`) start alike, one value per node. O(E).
    pub(super) fn uniform(&self, known: &[bool]) -> Vec<f64> {
        self.walk(&self.start(known, |_| 1.0))
    }

    /// The walk from the absolute change divided by [`Propagation::uniform`], one value per candidate; 0 for those
    /// outside the graph or without a measured gene around them. O(E).
    pub(super) fn scores(
        &self,
        change: ArrayView1<'_, f32>,
        known: &[bool],
        uniform: &[f64],
        candidates: &Candidates,
    ) -> Vec<f64> {
        let arrives = self.walk(&self.start(known, |c| f64::from(change[c].abs())));
        let ratio = |node: usize| if uniform[node] > 1e-12 { arrives[node] / uniform[node] } else { 0.0 };
        candidates.node.iter().map(|node| node.map_or(0.0, |n| ratio(n.index()))).collect()
    }

    /// A value for each node that is a measured gene of the queries, 0 for the others.
    fn start(&self, known: &[bool], value: impl Fn(usize) -> f64) -> Vec<f64> {
        self.column.iter().map(|c| c.filter(|&c| known[c]).map_or(0.0, &value)).collect()
    }

    /// Chance to be found at each node after at most two steps, less what started there.
    fn walk(&self, start: &[f64]) -> Vec<f64> {
        let once = self.step(start);
        let twice = self.step(&once);
        let (near, far) = (RESTART * (1.0 - RESTART), (1.0 - RESTART).powi(2));
        (0..start.len()).map(|g| near * once[g] + far * (twice[g] - start[g] * self.returns[g])).collect()
    }

    fn step(&self, from: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; from.len()];
        for (gene, &value) in from.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            let (targets, weights) = self.transition.row(gene);
            targets.iter().zip(weights).for_each(|(&t, &w)| to[t as usize] += value * f64::from(w));
        }
        to
    }
}

/// Inner product of two sparse rows with ascending columns.
fn product((a, x): (&[u32], &[f32]), (b, y): (&[u32], &[f32])) -> f64 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                sum += f64::from(x[i]) * f64::from(y[j]);
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::graph::GraphBuilder;

    /// Path A - B - C. Without what started at the gene itself, by hand: B is reached in one step from A and from C
    /// (1/4 each); A in one step from B (half of it: 1/8) and in two from C (1/4 x 1/2 = 1/8).
    #[test]
    fn a_gene_has_the_mean_change_around_it() {
        let mut builder = GraphBuilder::new();
        builder.add_undirected("A", "B", 0.7, &[]);
        builder.add_undirected("B", "C", 0.7, &[]);
        let (graph, genes) = (builder.build(), GeneIndex::new(["A", "B", "C"]).unwrap());
        let propagation = Propagation::new(&graph, &genes);
        let node = graph.genes().names().iter().map(|n| graph.genes().id(n)).collect();
        let candidates =
            Candidates { names: graph.genes().names().to_vec(), gene: vec![None; 3], node, seen: vec![None; 3] };
        let t = |change: [f32; 3], expected: [f64; 3]| {
            let uniform = propagation.uniform(&[true; 3]);
            let change = array![change[0], change[1], change[2]];
            let got = propagation.scores(change.view(), &[true; 3], &uniform, &candidates);
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?}");
        };
        t([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]);
        t([0.0, -2.0, 0.0], [1.0, 0.0, 1.0]);
        t([4.0, 0.0, 0.0], [0.0, 2.0, 2.0]);
    }
}
