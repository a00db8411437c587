//! Ranking candidates for queries.

use std::sync::Arc;

use ndarray::Array2;

use super::{Joint, Mode, Own, Queries, RankError, Ranker, Readings};
use crate::data::GeneId;
use crate::predict::Basis;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct RankOptions {
    /// What is thought to have been done.
    pub mode: Mode,
    /// Whether the candidate's own reading counts.
    pub own: Own,
    /// Candidates kept per query; `None` keeps all.
    pub top: Option<usize>,
    /// Rank by this scorer alone instead of by all of them.
    pub method: Option<String>,
}

/// One candidate for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Position from 1; ties at the middle of their block.
    pub rank: f64,
    /// The gene.
    pub gene: Arc<str>,
    /// Weighted sum of the scorers.
    pub score: f64,
    /// Chance that this gene is the answer, "none of these" and all other candidates weighed against it.
    pub probability: f64,
    /// 1 for a change like that of a training perturbation, -1 for its opposite.
    pub direction: i8,
    /// Scores by scorer, in the order of [`Ranking::scorers`].
    pub scores: Vec<f32>,
    /// What each scorer of the joint score adds to the score beyond what it adds to that of the average candidate, in the
    /// order of [`Ranking::joint`]: the score is that of the average candidate plus these.
    pub steps: Vec<f64>,
    /// Change of the gene itself in standard errors, or in spreads of the training changes; `None` where it is not
    /// measured. Not part of any score where the own reading is excluded.
    pub own_z: Option<f32>,
    /// Whether the gene was perturbed in training.
    pub seen: bool,
    /// How little the training perturbations say of this gene: 0 nothing is missing, 1 nothing is known.
    pub distance: f32,
    /// What the predicted response rests on.
    pub basis: Basis,
    /// 95 % interval of the position over resamples of the change, where these were asked for; see
    /// [`Ranker::add_intervals`].
    pub interval: Option<[f64; 2]>,
    /// What would be left of the change if it were a wish and this gene were perturbed, where that was asked for; see
    /// [`Ranker::add_left_over`].
    pub left_over: Option<f32>,
}

/// The candidates of one query, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Name of the query.
    pub query: String,
    /// What was thought to have been done.
    pub mode: Mode,
    /// Number of candidates that were ranked.
    pub n_candidates: usize,
    /// Chance that none of the candidates is the answer; 0 without calibration.
    pub none: f64,
    /// The scorers whose scores each row has.
    pub scorers: Vec<&'static str>,
    /// The scorers that make up the score.
    pub joint: Vec<String>,
    /// The best candidates.
    pub rows: Vec<Ranked>,
}

impl Ranker {
    /// Ranks the candidates at these ascending positions of the atlas for every query.
    ///
    /// With [`Own::Excluded`] the score of a gene does not depend on the change of that gene. The order of equal scores
    /// is that of the gene names.
    ///
    /// # Errors
    /// [`RankError::OwnReading`] for [`Own::Used`] with a mode that says nothing about it; [`RankError::NotFitted`] for a
    /// method that the ranker lacks; whatever a scorer returns.
    pub fn rank(&self, queries: &Queries, members: &[usize], options: &RankOptions) -> Result<Vec<Ranking>, RankError> {
        let all = self.scored(queries, members, options)?;
        let signs = options.mode.signs();
        let one = |(q, Scored { best_sign, scores }): (usize, &Scored)| {
            let (probability, none) = all.joint.probabilities(scores, all.joint.none(all.readings[0].strength[q]));
            let placed = placed(scores).into_iter().take(options.top.unwrap_or(usize::MAX));
            let averages: Vec<Vec<f64>> = all.features.iter().map(|f| average(f, q, members)).collect();
            let row = |(m, rank): (usize, f64)| {
                let of = &all.readings[best_sign[m]];
                let features = all.features[best_sign[m]].iter().map(|f| f64::from(f[[q, members[m]]]));
                let beyond = features.zip(&averages[best_sign[m]]).map(|(f, average)| f - average);
                let steps = beyond.zip(&all.joint.weights).map(|(f, weight)| weight * f).collect();
                let place = Place { rank, score: scores[m], probability: probability[m], steps };
                self.ranked(of, queries, q, members[m], place, signs[best_sign[m]])
            };
            Ranking {
                query: queries.names[q].clone(),
                mode: options.mode,
                n_candidates: members.len(),
                none,
                joint: all.joint.features.clone(),
                scorers: all.readings[0].scores.iter().map(|(s, _)| s.name).collect(),
                rows: placed.map(row).collect(),
            }
        };
        Ok(all.scored.iter().enumerate().map(one).collect())
    }

    /// Scores of these candidates for every query.
    pub(super) fn scored(&self, queries: &Queries, members: &[usize], options: &RankOptions) -> Result<All, RankError> {
        options.mode.check(options.own)?;
        let signs = options.mode.signs().iter();
        let readings: Vec<Readings> =
            signs.map(|&s| self.read(queries, s, options.own)).collect::<Result<_, RankError>>()?;
        let joint = match &options.method {
            Some(name) => Joint::single(name),
            None => self.calibration.joint(options.own).clone(),
        };
        let features: Vec<_> = readings.iter().map(|r| r.features(&joint.features)).collect();
        if features.iter().any(|f| f.len() != joint.features.len()) {
            return Err(RankError::NotFitted { wanted: joint.features.join(", ") });
        }
        let one = |q: usize| {
            let by_sign: Vec<Vec<f64>> = features.iter().map(|f| within(&joint.scores(f, q), members)).collect();
            let (best_sign, scores) = best_of(&by_sign);
            Scored { best_sign, scores }
        };
        let scored = (0..queries.len()).map(one).collect();
        Ok(All { readings, features, joint, scored })
    }

    fn ranked(&self, of: &Readings, queries: &Queries, q: usize, c: usize, place: Place, sign: f32) -> Ranked {
        let candidates = &self.atlas.candidates;
        let own_z = candidates.gene[c].map(GeneId::index).filter(|&g| queries.known[g]).map(|g| {
            let error = queries.error.as_ref().map_or(self.frame.spread[g], |e| e[[q, g]]);
            queries.delta[[q, g]] / error.max(f32::MIN_POSITIVE)
        });
        Ranked {
            rank: place.rank,
            gene: Arc::clone(&candidates.names[c]),
            score: place.score,
            probability: place.probability,
            direction: if sign < 0.0 { -1 } else { 1 },
            scores: of.scores.iter().map(|(_, s)| s[[q, c]]).collect(),
            steps: place.steps,
            own_z,
            seen: candidates.seen[c].is_some(),
            distance: self.atlas.distance[c],
            basis: self.atlas.basis[c],
            interval: None,
            left_over: None,
        }
    }
}

/// What all scorers say of all queries, and the scores that are made of it.
pub(super) struct All {
    readings: Vec<Readings>,
    /// Per sign the scores that the joint score weighs, each n_queries x n_candidates.
    features: Vec<Vec<Array2<f32>>>,
    joint: Joint,
    pub(super) scored: Vec<Scored>,
}

/// Per candidate the better sign and the score of one query.
pub(super) struct Scored {
    best_sign: Vec<usize>,
    pub(super) scores: Vec<f64>,
}

struct Place {
    rank: f64,
    score: f64,
    probability: f64,
    steps: Vec<f64>,
}

/// Mean of each feature over these candidates.
fn average(features: &[Array2<f32>], q: usize, members: &[usize]) -> Vec<f64> {
    let sum = |f: &Array2<f32>| members.iter().map(|&m| f64::from(f[[q, m]])).sum::<f64>();
    features.iter().map(|f| sum(f) / members.len().max(1) as f64).collect()
}

pub(super) fn within(scores: &[f64], members: &[usize]) -> Vec<f64> {
    members.iter().map(|&m| scores[m]).collect()
}

/// Per candidate the sign with the larger score, and that score.
fn best_of(by_sign: &[Vec<f64>]) -> (Vec<usize>, Vec<f64>) {
    let better =
        |c: usize| (1..by_sign.len()).fold(0, |best, s| if by_sign[s][c] > by_sign[best][c] { s } else { best });
    let best: Vec<usize> = (0..by_sign[0].len()).map(better).collect();
    let scores = best.iter().enumerate().map(|(c, &s)| by_sign[s][c]).collect();
    (best, scores)
}

/// Candidates by descending score with their positions from 1: equal scores in the order of the candidates, at the
/// middle of their block. O(n log n).
pub(super) fn placed(scores: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut out = Vec::with_capacity(order.len());
    for block in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let middle = out.len() as f64 + f64::midpoint(block.len() as f64, 1.0);
        out.extend(block.iter().map(|&c| (c, middle)));
    }
    out
}
