//! How much the graph around a candidate changes.

use ndarray::Array2;
use rayon::prelude::*;

use super::{Known, Scorer, ScorerSpec};
use crate::data::{GeneId, GeneIndex};
use crate::graph::{GeneGraph, Normalisation, SparseAdjacency, Weights};
use crate::rank::response::LARGEST;
use crate::rank::{Asked, Candidates, Own, RankError};

/// Chance to return to the start at every step.
const RESTART: f64 = 0.5;

/// A random walk with restart, cut after two steps.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "walk",
    about: "random walk from the size of the change, corrected for degree",
    source: "random walk with restart (Köhler et al., American Journal of Human Genetics 82, 2008)",
    without_own: true,
    joint: true,
    fit: |known: &Known<'_>| Ok(Box::new(Walk::new(known.graph, &known.responses.genes))),
};

/// A random walk with restart from the size of the change, cut after two steps and corrected for degree.
///
/// A walker starts at a measured gene, chosen in proportion to the size of its change, and follows the edges of the
/// graph (either way, by weight). The value of a gene is the chance to find the walker there, divided by the same
/// chance where all measured genes start alike: the mean change of the genes around it. What started at the gene
/// itself is left out on both sides: every node hands each neighbour the sum over its other neighbours. On real screens
/// the walk alone is close to chance; it is evidence among others.
struct Walk {
    transition: SparseAdjacency,
    /// For every entry of `transition`, row by row, the chance of the step the other way.
    back: Vec<f32>,
    /// Offsets of the rows.
    start: Vec<usize>,
    /// For every entry, its position in the row of the neighbour.
    mirror: Vec<usize>,
    /// The measured gene of each node.
    column: Vec<Option<usize>>,
}

impl Walk {
    /// Prepares the walk on a graph for queries over these genes. O(E log E).
    fn new(graph: &GeneGraph, genes: &GeneIndex) -> Self {
        let transition = SparseAdjacency::undirected(graph, Weights::Merged).normalised(Normalisation::Row);
        let mut start = vec![0];
        (0..graph.n_genes()).for_each(|g| start.push(start[g] + transition.row(g).0.len()));
        let (mut back, mut mirror) = (Vec::new(), Vec::new());
        for node in 0..graph.n_genes() {
            for &other in transition.row(node).0 {
                let (of_other, chances) = transition.row(other as usize);
                // The graph is undirected: the node is a neighbour of its neighbours.
                let at = of_other.binary_search(&(node as u32)).unwrap_or(0);
                back.push(chances[at]);
                mirror.push(start[other as usize] + at);
            }
        }
        let column = graph.genes().names().iter().map(|n| genes.resolve(n).map(GeneId::index)).collect();
        Self { transition, back, start, mirror, column }
    }

    /// Chance to be found at each node after at most two steps, less what started there. O(E).
    fn walk(&self, begin: &[f64]) -> Vec<f64> {
        let (near, far) = (RESTART * (1.0 - RESTART), (1.0 - RESTART).powi(2));
        let handed = self.handed(begin);
        let arrives = |node: usize| {
            let (neighbours, _) = self.transition.row(node);
            let entries = self.start[node]..self.start[node + 1];
            let step = |(entry, &other): (usize, &u32)| {
                f64::from(self.back[entry]) * (near * begin[other as usize] + far * handed[self.mirror[entry]])
            };
            entries.zip(neighbours).map(step).sum()
        };
        (0..begin.len()).map(arrives).collect()
    }

    /// For every entry node -> neighbour, what comes to the node in one step from its other neighbours.
    fn handed(&self, begin: &[f64]) -> Vec<f64> {
        let mut handed = vec![0.0; self.back.len()];
        for node in 0..begin.len() {
            let (neighbours, _) = self.transition.row(node);
            let entries = self.start[node]..self.start[node + 1];
            let comes = |entry: usize, other: u32| f64::from(self.back[entry]) * begin[other as usize];
            let mut sum = 0.0;
            for (entry, &other) in entries.clone().zip(neighbours) {
                handed[entry] = sum;
                sum += comes(entry, other);
            }
            sum = 0.0;
            for (entry, &other) in entries.zip(neighbours).rev() {
                handed[entry] += sum;
                sum += comes(entry, other);
            }
        }
        handed
    }

    /// A value for each node that is a measured gene of the queries, 0 for the others.
    fn begin(&self, known: &[bool], value: impl Fn(usize) -> f64) -> Vec<f64> {
        self.column.iter().map(|c| c.filter(|&c| known[c]).map_or(0.0, &value)).collect()
    }
}

impl Scorer for Walk {
    /// 0 for candidates outside the graph or without a measured gene around them.
    fn scores(&self, asked: &Asked, candidates: &Candidates, _: Own) -> Result<Array2<f32>, RankError> {
        let uniform = self.walk(&self.begin(&asked.known, |_| 1.0));
        let mut out = Array2::zeros((asked.len(), candidates.len()));
        out.outer_iter_mut().into_par_iter().enumerate().for_each(|(q, mut row)| {
            let size = |c: usize| f64::from(asked.z[[q, c]].abs().min(LARGEST));
            let arrives = self.walk(&self.begin(&asked.known, size));
            let ratio = |node: usize| if uniform[node] > 1e-12 { arrives[node] / uniform[node] } else { 0.0 };
            for (score, node) in row.iter_mut().zip(&candidates.node) {
                *score = node.map_or(0.0, |n| ratio(n.index())) as f32;
            }
        });
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::rank::{Frame, Queries};

    fn scores(walk: &Walk, names: &[std::sync::Arc<str>], delta: Array2<f32>) -> Array2<f32> {
        let n = names.len();
        let candidates = Candidates {
            names: names.to_vec(),
            gene: vec![None; n],
            node: (0..n as u32).map(|g| Some(GeneId(g))).collect(),
            seen: vec![None; n],
        };
        let frame = Frame { mean: vec![0.0; n], squared_scale: 1.0, spread: vec![1.0; n] };
        let queries = Queries { names: vec![String::new()], delta, error: None, known: vec![true; n] };
        walk.scores(&Asked::new(&queries, &frame, 1.0), &candidates, Own::Excluded).unwrap()
    }

    /// Path A - B - C. Without what started at the gene itself, by hand: B is reached in one step from A and from C
    /// (1/4 each); A in one step from B (half of it: 1/8) and in two from C (1/4 x 1/2 = 1/8).
    #[test]
    fn a_gene_has_the_mean_change_around_it() {
        let mut builder = GraphBuilder::new();
        builder.add_undirected("A", "B", 0.7, &[]);
        builder.add_undirected("B", "C", 0.7, &[]);
        let (graph, genes) = (builder.build(), GeneIndex::new(["A", "B", "C"]).unwrap());
        let walk = Walk::new(&graph, &genes);
        let t = |change: [f32; 3], expected: [f32; 3]| {
            let got = scores(&walk, graph.genes().names(), array![change]);
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?}");
        };
        t([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]);
        t([0.0, -2.0, 0.0], [1.0, 0.0, 1.0]);
        t([4.0, 0.0, 0.0], [0.0, 2.0, 2.0]);
    }

    #[test]
    fn the_own_reading_changes_no_bit() {
        let mut builder = GraphBuilder::new();
        [("A", "B", 0.7), ("B", "C", 0.31), ("A", "C", 0.9), ("C", "D", 0.47), ("A", "D", 0.11)]
            .iter()
            .for_each(|(a, b, w)| builder.add_undirected(a, b, *w, &[]));
        let (graph, genes) = (builder.build(), GeneIndex::new(["A", "B", "C", "D"]).unwrap());
        let walk = Walk::new(&graph, &genes);
        let delta = array![[0.3, -1.7, 0.9, 2.1]];
        let before = scores(&walk, graph.genes().names(), delta.clone());
        for gene in 0..4 {
            let mut other = delta.clone();
            other[[0, gene]] += 1.9;
            let after = scores(&walk, graph.genes().names(), other);
            assert_eq!(after[[0, gene]].to_bits(), before[[0, gene]].to_bits());
        }
    }
}
