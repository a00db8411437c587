//! How often a gene was perturbed in training: what a method scores that does not look at the change.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::Array2;

use super::{Asked, Known, Scorer, ScorerSpec};
use crate::rank::{Candidates, Own, RankError};

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "frequency",
    about: "how many training perturbations target the candidate (control)",
    source: "control: does not look at the change",
    without_own: true,
    joint: false,
    fit: |known| Ok(Box::new(Frequency::new(known))),
};

struct Frequency(HashMap<Arc<str>, f32>);

impl Frequency {
    fn new(known: &Known<'_>) -> Self {
        let mut times = HashMap::new();
        let targets = known.responses.perturbations.iter().flat_map(|p| p.targets().iter());
        targets.for_each(|t| *times.entry(Arc::clone(t)).or_default() += 1.0);
        Self(times)
    }
}

impl Scorer for Frequency {
    fn scores(&self, asked: &Asked, candidates: &Candidates, _: Own) -> Result<Array2<f32>, RankError> {
        let times: Vec<f32> = candidates.names.iter().map(|n| self.0.get(n).copied().unwrap_or(0.0)).collect();
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), |(_, c)| times[c]))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;

    #[test]
    fn pairs_count_for_both() {
        let fixture = Fixture::new(&["X"], &["A", "A+B", "C"], array![[0.0], [0.0], [0.0]]);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "D"]);
        let got = scorer.scores(&asked(array![[1.0], [2.0]], &fixture), &candidates, Own::Excluded).unwrap();
        assert_eq!(got, array![[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]);
    }
}
