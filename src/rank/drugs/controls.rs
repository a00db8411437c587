//! Scorers beside which a ranking of drug targets is shown.

use std::sync::OnceLock;

use ndarray::Array2;

use super::DrugOptions;
use crate::rank::{Asked, Known, Own, Queries, RankError, Ranker, Scorer, scorer};

/// Scorers that know the graph alone, or the change of the candidate alone.
pub(super) struct Controls(Vec<(&'static str, Box<dyn Scorer>)>);

impl Controls {
    /// Fits them on the run.
    pub(super) fn fit(ranker: &Ranker, options: &DrugOptions<'_>) -> Result<Self, RankError> {
        let known = Known {
            responses: options.responses,
            graph: options.graph,
            frame: &ranker.frame,
            atlas: &ranker.atlas,
            response: &OnceLock::new(),
            covariance: None,
            seed: options.seed,
        };
        let fit = |name| {
            let spec = scorer(name)?;
            Ok((spec.name, (spec.fit)(&known)?))
        };
        Ok(Self(["degree", "deg-top"].into_iter().map(fit).collect::<Result<_, RankError>>()?))
    }

    /// Scores of all candidates of the atlas, n_queries x n_candidates each.
    pub(super) fn read(
        &self,
        ranker: &Ranker,
        queries: &Queries,
    ) -> Result<Vec<(&'static str, Array2<f32>)>, RankError> {
        let asked = Asked::new(queries, &ranker.frame, 1.0);
        let scores = |(name, scorer): &(&'static str, Box<dyn Scorer>)| {
            Ok((*name, scorer.scores(&asked, &ranker.atlas.candidates, Own::Used)?))
        };
        self.0.iter().map(scores).collect()
    }
}
