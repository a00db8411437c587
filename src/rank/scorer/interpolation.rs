//! Between direct effects and all paths, as far as held-out targets say.

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::response::{Filter, Response, ResponseSettings};
use crate::rank::{Asked, CandidateSet, Candidates, Own, Queries, RankError, mid_rank};

/// Parts of the training perturbations that are held out in turn.
const FOLDS: usize = 3;

/// Weights of further paths to choose from, the first on a tie.
const WEIGHTS: [f32; 4] = [0.5, 0.25, 1.0, 0.0];

/// Fewest held-out targets that may choose.
const ENOUGH: usize = 10;

/// W + t (W^2 + W^3 + ...) with t from held-out targets.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "interpolation",
    about: "match with direct effects and, as far as held-out targets gain by it, further paths",
    source: "shrinkage of (I - W)^-1 towards I + W",
    without_own: true,
    joint: false,
    fit: |known| {
        let response = Response::of(known)?;
        let further = choose(known, response.settings())?;
        Ok(Box::new(Interpolation { filter: Filter::new(response, response.reach(), true), further }))
    },
};

struct Interpolation {
    filter: Filter,
    further: f32,
}

impl Scorer for Interpolation {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        Ok(self.filter.scores(asked, candidates, own, self.further))
    }
}

/// The weight under which held-out targets have the largest mean reciprocal rank, own readings excluded.
fn choose(known: &Known<'_>, settings: &ResponseSettings) -> Result<f32, RankError> {
    let Ok(candidates) = Candidates::new(&CandidateSet::Expressed, known.responses, known.graph) else {
        return Ok(WEIGHTS[0]);
    };
    let rows: Vec<(usize, usize)> = (0..candidates.len()).filter_map(|c| Some((candidates.seen[c]?, c))).collect();
    if rows.len() < ENOUGH {
        return Ok(WEIGHTS[0]);
    }
    let mut gains = [0.0; WEIGHTS.len()];
    for fold in 0..FOLDS {
        let (held_out, kept): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(k, _)| k % FOLDS == fold);
        let held_out: Vec<(usize, usize)> = held_out.into_iter().map(|(_, r)| *r).collect();
        let mut kept: Vec<usize> = kept.into_iter().map(|(_, r)| r.0).collect();
        kept.sort_unstable();
        let train = known.responses.subset(&kept);
        let response = Response::fit(&train, known.graph, known.covariance, settings)?;
        let filter = Filter::new(&response, response.reach(), true);
        let queried: Vec<usize> = held_out.iter().map(|r| r.0).collect();
        let asked = Asked::new(&Queries::of_responses(known.responses, &queried), known.frame, 1.0);
        for (gain, further) in gains.iter_mut().zip(WEIGHTS) {
            let scores = filter.scores(&asked, &candidates, Own::Excluded, further);
            let reciprocal = |(scores, truth): (ndarray::ArrayView1<'_, f32>, &(usize, usize))| {
                mid_rank(&scores.mapv(f64::from).to_vec(), truth.1).recip()
            };
            *gain += scores.outer_iter().zip(&held_out).map(reciprocal).sum::<f64>();
        }
    }
    let best = (0..WEIGHTS.len()).fold(0, |best, k| if gains[k] > gains[best] { k } else { best });
    Ok(WEIGHTS[best])
}
