//! Learning how much each scorer counts, from training perturbations that the model was not shown.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::combine::softmax;
use super::evidence::{Evidence, Gather};
use super::propagation::Propagation;
use super::{Candidates, FEATURES, Frame, Own, Queries, RankError, Weights};
use crate::data::{Responses, Split};
use crate::graph::GeneGraph;
use crate::predict::{PredictError, Predictor};
use crate::stats::{Rng, solve_spd};

/// Fits a model on these responses.
pub type Fit<'a> = dyn Fn(&Responses) -> Result<Box<dyn Predictor>, PredictError> + Sync + 'a;

/// Fewer queries than this are no basis for weights.
const LEAST_QUERIES: usize = 20;
/// Folds in which the training perturbations are predicted.
const FOLDS: usize = 3;
/// Genes of the graph drawn as wrong answers beside the perturbed genes.
const DRAWN: usize = 500;
/// Ridge on the weights per query: keeps them finite where the answer is always first.
const RIDGE: f64 = 1e-3;
const K: usize = FEATURES.len();

/// How scorers are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Weights where the own reading is left out.
    pub excluded: Weights,
    /// Weights where it counts.
    pub used: Weights,
    /// Training perturbations that served as queries; 0 = not calibrated.
    pub n_queries: usize,
    /// Candidates each was ranked among.
    pub n_candidates: usize,
}

impl Calibration {
    /// The likelihood alone; its probabilities are not calibrated.
    pub fn none() -> Self {
        Self { excluded: Weights::LIKELIHOOD, used: Weights::LIKELIHOOD, n_queries: 0, n_candidates: 0 }
    }

    /// The weights for an own-reading mode.
    pub fn weights(&self, own: Own) -> &Weights {
        match own {
            Own::Excluded => &self.excluded,
            Own::Used => &self.used,
        }
    }
}

/// Fits the weights of a conditional logit (McFadden 1974).
///
/// Training perturbations of one gene are held out in folds; a model fitted on the rest predicts all candidates (the
/// perturbed genes and up to 500 genes drawn from the graph), and the weights maximise the mean log probability of the
/// true gene. No query is in the fit that answers it. Fewer than 20 usable queries give [`Calibration::none`].
///
/// # Errors
/// Whatever a fit or a prediction returns.
pub fn calibrate(fit: &Fit<'_>, responses: &Responses, graph: &GeneGraph, seed: u64) -> Result<Calibration, RankError> {
    let usable = |i: &usize| matches!(responses.perturbations[*i].targets(), [_]);
    let singles: Vec<usize> = (0..responses.len()).filter(usable).collect();
    if singles.len() < LEAST_QUERIES {
        return Ok(Calibration::none());
    }
    let names = sampled(responses, graph, seed);
    let propagation = Propagation::new(graph, &responses.genes);
    let mut cases: [Vec<Case>; 2] = Default::default();
    let mut n_candidates = 0;
    for fold in &Split::seeded(singles.len(), FOLDS, seed)?.folds {
        let held_out: Vec<usize> = fold.held_out.iter().map(|&k| singles[k]).collect();
        let train = responses.subset(&rest(responses.len(), &held_out));
        let model = fit(&train)?;
        let candidates = Candidates::of(names.iter().cloned(), &train, graph);
        n_candidates = candidates.len();
        let frame = Frame::new(&train);
        let gather = Gather { predictor: &*model, responses: &train, frame: &frame, propagation: &propagation };
        let queries = Queries::of_responses(responses, &held_out);
        let evidence = gather.evidence(&queries, &candidates, &[1.0], &[Own::Excluded, Own::Used])?;
        for (cases, evidence) in cases.iter_mut().zip(evidence.iter().flatten()) {
            cases.extend(
                (0..queries.len()).filter_map(|q| Case::new(evidence, q, candidates.position(&queries.names[q]))),
            );
        }
    }
    let [excluded, used] = [fit_weights(&cases[0])?, fit_weights(&cases[1])?];
    Ok(Calibration { excluded, used, n_queries: singles.len(), n_candidates })
}

/// The perturbed genes and a random sample of the graph.
fn sampled(responses: &Responses, graph: &GeneGraph, seed: u64) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned()).collect();
    let mut nodes: Vec<Arc<str>> = graph.genes().names().to_vec();
    Rng::named(seed, "rank.calibrate").shuffle(&mut nodes);
    names.extend(nodes.into_iter().take(DRAWN));
    names
}

/// Positions below n that are not held out (ascending).
pub(super) fn rest(n: usize, held_out: &[usize]) -> Vec<usize> {
    (0..n).filter(|i| !held_out.contains(i)).collect()
}

/// One query with a known answer.
struct Case {
    /// Features less those of the answer, n_candidates x K.
    features: Array2<f64>,
}

impl Case {
    fn new(evidence: &Evidence, query: usize, answer: Option<usize>) -> Option<Self> {
        let answer = answer?;
        let value = |c: usize, k: usize| f64::from(evidence.features[k][[query, c]]);
        let n = evidence.features[0].ncols();
        Some(Self { features: Array2::from_shape_fn((n, K), |(c, k)| value(c, k) - value(answer, k)) })
    }

    /// Log probability of the answer, its gradient and its negative Hessian.
    fn terms(&self, weights: &Array1<f64>) -> (f64, Array1<f64>, Array2<f64>) {
        let scores = self.features.dot(weights).to_vec();
        let p = Array1::from(softmax(&scores));
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = largest + scores.iter().map(|s| (s - largest).exp()).sum::<f64>().ln();
        let mean = p.dot(&self.features);
        let weighted = &self.features * &p.view().insert_axis(ndarray::Axis(1));
        let outer = Array2::from_shape_fn((K, K), |(a, b)| mean[a] * mean[b]);
        (-log_sum, -&mean, self.features.t().dot(&weighted) - outer)
    }
}

/// Newton's method with step halving on the mean log probability less the ridge.
fn fit_weights(cases: &[Case]) -> Result<Weights, RankError> {
    let n = cases.len() as f64;
    let total = |w: &Array1<f64>| {
        let start = (-0.5 * RIDGE * n * w.dot(w), w * (-RIDGE * n), Array2::<f64>::eye(K) * (RIDGE * n));
        cases.iter().map(|c| c.terms(w)).fold(start, |(l, g, h), (l1, g1, h1)| (l + l1, g + g1, h + h1))
    };
    let mut weights = Array1::zeros(K);
    let (mut value, mut gradient, mut curvature) = total(&weights);
    for _ in 0..50 {
        let step = solve_spd(&curvature, &gradient.clone().insert_axis(ndarray::Axis(1)))?.column(0).to_owned();
        let better = (0..20).map(|k| &weights + &(&step * 0.5f64.powi(k))).find_map(|w| {
            let next = total(&w);
            (next.0 > value).then_some((w, next))
        });
        let Some((next, terms)) = better else { break };
        let gain = terms.0 - value;
        (weights, (value, gradient, curvature)) = (next, terms);
        if gain < 1e-9 * n {
            break;
        }
    }
    Ok(Weights(std::array::from_fn(|k| weights[k])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases drawn from a conditional logit with these weights, by inverting the cumulative probability.
    fn drawn(weights: [f64; K], n: usize) -> Vec<Case> {
        let mut rng = Rng::named(5, "calibrate.test");
        let mut case = || {
            let features = Array2::from_shape_simple_fn((8, K), || rng.normal());
            let p = softmax(&features.dot(&Array1::from(weights.to_vec())).to_vec());
            let (u, mut sum) = (rng.uniform(), 0.0);
            let answer = p.iter().position(|p| {
                sum += p;
                sum > u
            });
            let own = features.row(answer.unwrap_or(7)).to_owned();
            Case { features: features - own }
        };
        (0..n).map(|_| case()).collect()
    }

    #[test]
    fn the_weights_behind_the_answers_are_found() {
        let wanted = [2.0, -1.0, 0.5, 0.0];
        let got = fit_weights(&drawn(wanted, 4000)).unwrap().0;
        assert!(got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 0.12), "{got:?}");
    }

    #[test]
    fn gradient_and_curvature_are_those_of_the_log_probability() {
        let case = drawn([1.0, 1.0, 1.0, 1.0], 1).remove(0);
        let (at, h) = (Array1::from(vec![0.3, -0.2, 0.7, 0.1]), 1e-5);
        let (_, gradient, curvature) = case.terms(&at);
        for k in 0..K {
            let moved = |by: f64| {
                let mut w = at.clone();
                w[k] += by;
                case.terms(&w)
            };
            let (up, down) = (moved(h), moved(-h));
            assert!(((up.0 - down.0) / (2.0 * h) - gradient[k]).abs() < 1e-8);
            let second = (&up.1 - &down.1) / (2.0 * h);
            assert!((&second + &curvature.row(k)).iter().all(|e| e.abs() < 1e-7));
        }
    }

    #[test]
    fn answers_that_are_always_first_leave_the_weights_finite() {
        let case = || Case { features: Array2::from_shape_fn((5, K), |(c, _)| if c == 0 { 0.0 } else { -1.0 }) };
        let got = fit_weights(&(0..30).map(|_| case()).collect::<Vec<_>>()).unwrap().0;
        assert!(got.iter().all(|w| w.is_finite() && *w > 0.0), "{got:?}");
    }
}
