//! The genes that change most, whichever way.
//!
//! The absolute change of the candidate in standard errors where they are known, else in spreads of the training changes.
//! Says nothing where own readings are excluded.

use ndarray::Array2;

use super::{Asked, Scorer, ScorerSpec};
use crate::rank::{Candidates, Own, RankError};

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "deg-top",
    about: "how significantly the candidate itself changes (own reading only)",
    source: "rank of the target among differentially expressed genes, as in ENNCELADUS/gene-perturbation-prediction, src/model/de_baseline.py",
    without_own: false,
    joint: false,
    fit: |_| Ok(Box::new(DegTop)),
};

struct DegTop;

impl Scorer for DegTop {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), |(q, c)| match (own, candidates.gene[c]) {
            (Own::Used, Some(gene)) => asked.z[[q, gene.index()]].abs(),
            _ => 0.0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;

    #[test]
    fn either_way_counts() {
        let fixture = Fixture::new(&["A", "B"], &["X", "Y"], array![[1.0, 2.0], [-1.0, -2.0]]);
        let candidates = fixture.candidates(&["A", "B", "X"]);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        // The spreads of the training changes are 1 and 2.
        let asked = asked(array![[-3.0, 4.0]], &fixture);
        let t = |own, expected| assert_eq!(scorer.scores(&asked, &candidates, own).unwrap(), expected);
        t(Own::Used, array![[3.0, 2.0, 0.0]]);
        t(Own::Excluded, array![[0.0, 0.0, 0.0]]);
    }
}
