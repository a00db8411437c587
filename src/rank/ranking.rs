//! Ranking candidates for queries.

use std::sync::Arc;

use super::combine::softmax;
use super::evidence::{Evidence, Gather};
use super::propagation::Propagation;
use super::{Calibration, Candidates, Frame, Mode, Own, Queries, RankError};
use crate::data::Responses;
use crate::graph::GeneGraph;
use crate::predict::{Basis, Predictor};

/// A fitted model and what it was fitted on.
#[derive(Clone, Copy)]
pub struct Model<'a> {
    /// Predicts the response of every candidate.
    pub predictor: &'a dyn Predictor,
    /// Its training perturbations.
    pub responses: &'a Responses,
    /// Its graph.
    pub graph: &'a GeneGraph,
    /// How scorers are joined.
    pub calibration: &'a Calibration,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RankOptions {
    /// What is thought to have been done.
    pub mode: Mode,
    /// Whether the candidate's own reading counts.
    pub own: Own,
    /// Candidates kept per query; `None` keeps all.
    pub top: Option<usize>,
}

/// One candidate for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Position from 1; ties at the middle of their block.
    pub rank: f64,
    /// The gene.
    pub gene: Arc<str>,
    /// Weighted sum of the evidence.
    pub score: f64,
    /// Share of exp(score) over all candidates: the chance that this gene is the answer if one of the candidates is.
    pub probability: f64,
    /// Cosine of the query and the predicted response, both less the training mean; the own gene is left out of the
    /// product and the response where it is excluded, the length of the whole query is common to all candidates.
    pub cosine: f64,
    /// 2<q, d> - |d|^2 in units of the mean squared training change.
    pub likelihood: f64,
    /// Mean change around the gene in the graph.
    pub propagation: f64,
    /// How far the gene itself has fallen, in spreads; `None` where it is excluded or not measured.
    pub own_reading: Option<f64>,
    /// Cosine with the measured signature of this gene; `None` for genes not perturbed in training.
    pub retrieval: Option<f64>,
    /// Whether the gene was perturbed in training.
    pub seen: bool,
    /// What the predicted response rests on.
    pub basis: Basis,
}

/// The candidates of one query, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Name of the query.
    pub query: String,
    /// Number of candidates that were ranked.
    pub n_candidates: usize,
    /// The best candidates.
    pub rows: Vec<Ranked>,
}

/// Ranks candidates for every query.
///
/// With [`Own::Excluded`] the score of a gene does not depend on the change of that gene. The order of equal scores is
/// that of the gene names.
///
/// # Errors
/// [`RankError::OwnReading`] for [`Own::Used`] with a mode that says nothing about it; whatever a prediction returns.
pub fn rank(
    model: &Model<'_>,
    queries: &Queries,
    candidates: &Candidates,
    options: &RankOptions,
) -> Result<Vec<Ranking>, RankError> {
    options.mode.check(options.own)?;
    let frame = Frame::new(model.responses);
    let propagation = Propagation::new(model.graph, &model.responses.genes);
    let gather =
        Gather { predictor: model.predictor, responses: model.responses, frame: &frame, propagation: &propagation };
    let signs = options.mode.signs();
    let evidence = gather.evidence(queries, candidates, signs, &[options.own])?;
    let measured: Vec<_> = signs.iter().map(|&s| gather.measured(queries, candidates, s)).collect();
    let weights = model.calibration.weights(options.own);
    let rankings = (0..queries.len()).map(|q| {
        let by_sign: Vec<Vec<f64>> = evidence.iter().map(|e| weights.scores(&e[0], q)).collect();
        let (best_sign, scores) = best_of(&by_sign);
        let row = |c: usize, rank: f64, probability: f64| {
            let of = &evidence[best_sign[c]][0];
            let retrieval = measured[best_sign[c]][[q, c]];
            ranked(of, candidates, options.own, q, c, Place { rank, score: scores[c], probability }, retrieval)
        };
        let probability = softmax(&scores);
        let placed = placed(&scores).into_iter().take(options.top.unwrap_or(usize::MAX));
        let rows = placed.map(|(c, rank)| row(c, rank, probability[c])).collect();
        Ranking { query: queries.names[q].clone(), n_candidates: candidates.len(), rows }
    });
    Ok(rankings.collect())
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

struct Place {
    rank: f64,
    score: f64,
    probability: f64,
}

fn ranked(
    of: &Evidence,
    candidates: &Candidates,
    own: Own,
    q: usize,
    c: usize,
    place: Place,
    retrieval: f32,
) -> Ranked {
    let [likelihood, _, propagation, reading] = of.features.each_ref().map(|f| f64::from(f[[q, c]]));
    Ranked {
        rank: place.rank,
        gene: Arc::clone(&candidates.names[c]),
        score: place.score,
        probability: place.probability,
        cosine: of.cosine(q, c),
        likelihood,
        propagation,
        own_reading: (own == Own::Used && candidates.gene[c].is_some()).then_some(reading),
        retrieval: (!retrieval.is_nan()).then_some(f64::from(retrieval)),
        seen: candidates.seen[c].is_some(),
        basis: of.basis[c],
    }
}
