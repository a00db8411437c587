//! How many edges of the graph touch a gene: what a method scores that knows the graph and not the change.

use ndarray::Array2;

use super::{Asked, Known, Scorer, ScorerSpec};
use crate::data::GeneId;
use crate::rank::{Candidates, Own, RankError};

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "degree",
    about: "edges of the candidate in the graph, either way (control)",
    source: "control: does not look at the change",
    without_own: true,
    joint: true,
    fit: |known| Ok(Box::new(Degree::new(known))),
};

/// Per node.
struct Degree(Vec<f32>);

impl Degree {
    fn new(known: &Known<'_>) -> Self {
        let edges = |g: GeneId| known.graph.out_edges(g).len() + known.graph.in_edges(g).count();
        Self((0..known.graph.n_genes() as u32).map(|g| edges(GeneId(g)) as f32).collect())
    }
}

impl Scorer for Degree {
    fn scores(&self, asked: &Asked, candidates: &Candidates, _: Own) -> Result<Array2<f32>, RankError> {
        let of: Vec<f32> = candidates.node.iter().map(|n| n.map_or(0.0, |n| self.0[n.index()])).collect();
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), |(_, c)| of[c]))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::graph::Sign::{Activation, Repression};

    #[test]
    fn edges_count_both_ways() {
        let edges = [("A", "B", 0.5, Activation), ("A", "C", 0.5, Repression), ("C", "A", 0.1, Activation)];
        let fixture = Fixture::new(&["X"], &["A"], array![[0.0]]).with_edges(&edges);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C", "D"]);
        let got = scorer.scores(&asked(array![[1.0]], &fixture), &candidates, Own::Excluded).unwrap();
        assert_eq!(got, array![[3.0, 1.0, 2.0, 0.0]]);
    }
}
