//! Everything that a change of a candidate would reach.

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::response::{Filter, Response};
use crate::rank::{Asked, Candidates, Own, RankError};

const SOURCE: &str = "matched filter (Turin, IRE Transactions on Information Theory 6, 1960) on the inverse of I - W";

/// Changes beyond four standard errors count as four.
pub(in crate::rank) const CLIPPED: ScorerSpec = ScorerSpec {
    name: "inversion",
    about: "match with the learned effects of the candidate along all paths",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, true),
};

/// Changes as they are.
pub(in crate::rank) const UNCLIPPED: ScorerSpec = ScorerSpec {
    name: "inversion-unclipped",
    about: "the same with changes of any size",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, false),
};

struct Inversion {
    filter: Filter,
}

fn fit(known: &Known<'_>, clipped: bool) -> Result<Box<dyn Scorer>, RankError> {
    let response = Response::of(known)?;
    Ok(Box::new(Inversion { filter: Filter::new(response, response.reach(), clipped) }))
}

impl Scorer for Inversion {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        Ok(self.filter.scores(asked, candidates, own, 1.0))
    }
}
