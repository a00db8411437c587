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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ndarray::{Array1, Array2};

    use super::*;
    use crate::data::{ControlProfile, Delta, GeneIndex, Perturbation, Quantity};
    use crate::graph::GraphBuilder;
    use crate::predict::{FitSummary, PredictError, Prediction, Task};
    use crate::rank::{CandidateSet, Weights};
    use crate::stats::Rng;
    use crate::train::Observer;

    /// Answers with the responses it was given.
    struct Table(Responses);

    impl Predictor for Table {
        fn name(&self) -> &'static str {
            "table"
        }

        fn fit(&mut self, _: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
            Ok(FitSummary::default())
        }

        fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
            let row = self.0.perturbations.iter().position(|p| p == perturbation);
            let Some(row) = row else {
                return Err(PredictError::UnknownTarget { name: perturbation.to_string(), suggestions: Vec::new() });
            };
            let delta = Delta::new(Arc::clone(&self.0.genes), self.0.delta.row(row).to_vec(), None)?;
            Ok(Prediction { delta, basis: Basis::Graph, distance: None })
        }

        fn save(&self, _: &Path) -> Result<(), PredictError> {
            Ok(())
        }
    }

    const N: usize = 30;

    fn name(i: usize) -> String {
        format!("G{i:02}")
    }

    /// Random responses of the first 20 of 30 genes, the own gene falling by 3.
    fn responses() -> Responses {
        let mut rng = Rng::named(3, "rank.test");
        let mut delta = Array2::from_shape_simple_fn((20, N), || rng.normal() as f32);
        (0..20).for_each(|i| delta[[i, i]] = -3.0);
        Responses {
            genes: Arc::new(GeneIndex::new((0..N).map(name)).unwrap()),
            perturbations: (0..20).map(|i| Perturbation::of([name(i)])).collect(),
            delta,
            var: None,
            third: None,
            n_cells: vec![0; 20],
            control: ControlProfile { mean: Array1::zeros(N), var: None, third: None, n_cells: 0 },
            significant: None,
            halves: None,
            quantity: Quantity::Effect,
        }
    }

    fn graph() -> GeneGraph {
        let (mut builder, mut rng) = (GraphBuilder::new(), Rng::named(4, "rank.test"));
        for i in 0..N {
            builder.add_undirected(&name(i), &name((i + 1) % N), 0.5, &[]);
            builder.add_undirected(&name(i), &name(rng.below(N)), 0.9, &[]);
        }
        builder.build()
    }

    /// Every scorer takes part.
    fn calibration() -> Calibration {
        let weights = Weights([3.0, 2.0, 1.0, 1.0]);
        Calibration { excluded: weights, used: weights, n_queries: 20, n_candidates: N }
    }

    fn rankings(delta: Array2<f32>, set: &CandidateSet, mode: Mode, own: Own) -> Vec<Ranking> {
        let (responses, graph, calibration) = (responses(), graph(), calibration());
        let predictor = Table(responses.clone());
        let model = Model { predictor: &predictor, responses: &responses, graph: &graph, calibration: &calibration };
        let names = (0..delta.nrows()).map(|i| format!("q{i}")).collect();
        let queries = Queries { names, delta, error: None, known: vec![true; N] };
        let candidates = Candidates::new(set, &responses, &graph).unwrap();
        rank(&model, &queries, &candidates, &RankOptions { mode, own, top: None }).unwrap()
    }

    fn score(ranking: &Ranking, gene: &str) -> f64 {
        ranking.rows.iter().find(|r| r.gene.as_ref() == gene).unwrap().score
    }

    #[test]
    fn without_own_reading_no_score_depends_on_the_own_gene() {
        let query = responses().delta.row(4).to_owned();
        for mode in [Mode::Knockdown, Mode::Inhibition, Mode::Activation, Mode::Any] {
            for gene in [0, 4, 25] {
                let mut delta = Array2::zeros((4, N));
                for (mut row, change) in delta.outer_iter_mut().zip([0.0, 1.0, -50.0, 1e4]) {
                    row.assign(&query);
                    row[gene] += change;
                }
                let all = rankings(delta, &CandidateSet::Genome, mode, Own::Excluded);
                let base = score(&all[0], &name(gene));
                for ranking in &all[1..] {
                    let got = score(ranking, &name(gene));
                    assert!((got - base).abs() < 1e-5 * base.abs().max(1.0), "{mode} {gene}: {got} {base}");
                }
                assert_ne!(score(&all[0], &name(7)), score(&all[1], &name(7)), "other genes do depend on it");
            }
        }
    }

    #[test]
    fn with_own_reading_a_falling_gene_rises() {
        let mut delta = Array2::zeros((2, N));
        delta[[1, 25]] = -3.0;
        let all = rankings(delta, &CandidateSet::Genome, Mode::Knockdown, Own::Used);
        assert!(score(&all[1], &name(25)) > score(&all[0], &name(25)) + 1.0);
    }

    #[test]
    fn a_signature_seen_in_training_is_found() {
        let delta = responses().delta;
        let t = |delta: Array2<f32>, mode: Mode, own: Own| {
            for (i, ranking) in rankings(delta, &CandidateSet::Closed, mode, own).iter().enumerate() {
                assert_eq!((ranking.rows[0].gene.as_ref(), ranking.rows[0].rank), (name(i).as_str(), 1.0));
                assert!(ranking.rows[0].retrieval.unwrap() > 0.7 && ranking.rows[0].seen);
            }
        };
        t(delta.clone(), Mode::Knockdown, Own::Excluded);
        t(delta.clone(), Mode::Knockdown, Own::Used);
        t(-&delta, Mode::Activation, Own::Excluded);
        t(-&delta, Mode::Any, Own::Excluded);
        t(delta, Mode::Any, Own::Excluded);
    }

    #[test]
    fn probabilities_sum_to_one_and_fall_with_rank() {
        let ranking = rankings(responses().delta, &CandidateSet::Genome, Mode::Knockdown, Own::Excluded).remove(0);
        assert!((ranking.rows.iter().map(|r| r.probability).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(ranking.rows.windows(2).all(|w| w[0].probability >= w[1].probability && w[0].rank <= w[1].rank));
    }

    #[test]
    fn modes_without_own_reading_refuse_it() {
        let t = |mode: Mode, ok: bool| assert_eq!(mode.check(Own::Used).is_ok(), ok, "{mode}");
        t(Mode::Knockdown, true);
        t(Mode::Activation, true);
        t(Mode::Inhibition, false);
        t(Mode::Any, false);
    }

    #[test]
    fn equal_scores_share_the_middle_of_their_block() {
        assert_eq!(placed(&[1.0, 5.0, 5.0, 2.0]), [(1, 1.5), (2, 1.5), (3, 3.0), (0, 4.0)]);
    }
}
