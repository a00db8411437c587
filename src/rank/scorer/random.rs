//! No opinion: all candidates are tied, and ties are counted at the middle of their block.

use ndarray::Array2;

use super::{Asked, Scorer, ScorerSpec};
use crate::rank::{Candidates, Own, RankError};

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "random",
    about: "the same score for every candidate (control)",
    source: "control: does not look at the change",
    without_own: true,
    joint: false,
    fit: |_| Ok(Box::new(Tied)),
};

struct Tied;

impl Scorer for Tied {
    fn scores(&self, asked: &Asked, candidates: &Candidates, _: Own) -> Result<Array2<f32>, RankError> {
        Ok(Array2::zeros((asked.len(), candidates.len())))
    }
}
