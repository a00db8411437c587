//! The genes that a candidate acts on directly.

use std::sync::Arc;

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::response::{Filter, Reach, Response};
use crate::rank::{Asked, Candidates, Own, RankError};

const SOURCE: &str = "univariate linear model of decoupler (Badia-i-Mompel et al., Bioinformatics Advances 2, 2022)";

/// Changes beyond four standard errors count as four.
pub(in crate::rank) const CLIPPED: ScorerSpec = ScorerSpec {
    name: "regulon",
    about: "match with the learned effects of the candidate on its targets",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, true),
};

/// Changes as they are.
pub(in crate::rank) const UNCLIPPED: ScorerSpec = ScorerSpec {
    name: "regulon-unclipped",
    about: "the same with changes of any size",
    source: SOURCE,
    without_own: true,
    joint: true,
    fit: |known| fit(known, false),
};

struct Regulon {
    filter: Filter,
}

fn fit(known: &Known<'_>, clipped: bool) -> Result<Box<dyn Scorer>, RankError> {
    let response = Response::of(known)?;
    Ok(Box::new(Regulon { filter: Filter::new(response, Arc::new(Reach::direct(response)), clipped) }))
}

impl Scorer for Regulon {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        Ok(self.filter.scores(asked, candidates, own, 0.0))
    }
}
