//! One score and one probability from what several scorers say.
//!
//! A conditional logit (McFadden 1974): the probability of a candidate is proportional to exp(score), the score is a
//! weighted sum of the features, and "none of these" is one more alternative with a score of its own.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::RankError;
use crate::stats::solve_spd;

/// Features that only the alternative "none of these" has: a constant and the strength of the change.
const OF_NONE: usize = 2;
/// Ridge on the weights per query: keeps them finite where the answer is always first.
const RIDGE: f64 = 1e-3;
/// Folds over the queries in which the temperature is fitted.
const FOLDS: usize = 5;

/// How scorers are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// Name of the scorer behind each feature.
    pub features: Vec<String>,
    /// Weight of each feature.
    pub weights: Vec<f64>,
    /// Score of "none of these": a constant and what a unit of strength adds.
    pub none: [f64; OF_NONE],
    /// Scores are divided by this before they become probabilities.
    pub temperature: f64,
}

impl Joint {
    /// One scorer by itself; nothing is ever "none of these", and its probabilities are not calibrated.
    pub fn single(name: &str) -> Self {
        Self { features: vec![name.to_owned()], weights: vec![1.0], none: [f64::MIN, 0.0], temperature: 1.0 }
    }

    /// Scores of all candidates for one query; one matrix (n_queries x n_candidates) per feature.
    pub(super) fn scores(&self, features: &[Array2<f32>], query: usize) -> Vec<f64> {
        let n = features.first().map_or(0, Array2::ncols);
        let mut out = vec![0.0; n];
        for (weight, feature) in self.weights.iter().zip(features) {
            out.iter_mut().zip(feature.row(query)).for_each(|(to, &f)| *to += weight * f64::from(f));
        }
        out
    }

    /// Score of "none of these" for a change of this strength.
    pub(super) fn none(&self, strength: f64) -> f64 {
        self.none[0] + self.none[1] * strength
    }

    /// Probabilities of the candidates and of "none of these", which add up to 1.
    pub(super) fn probabilities(&self, scores: &[f64], none: f64) -> (Vec<f64>, f64) {
        let all: Vec<f64> = scores.iter().chain([&none]).map(|s| s / self.temperature).collect();
        let mut p = softmax(&all);
        let none = p.pop().unwrap_or(0.0);
        (p, none)
    }

    /// Maximises the mean log probability of the answers, and fits the temperature on scores of queries that the
    /// weights have not seen.
    ///
    /// # Errors
    /// LAPACK's refusal of features that are not finite.
    pub(super) fn fit(features: Vec<String>, cases: &[Case]) -> Result<Self, RankError> {
        let scale = scales(features.len() + OF_NONE, cases);
        let weights = fit_weights(&scale, cases.iter())?;
        let mut held_out = Vec::with_capacity(cases.len());
        for fold in 0..FOLDS {
            let rest = cases.iter().enumerate().filter(|(i, _)| i % FOLDS != fold).map(|(_, c)| c);
            let of_rest = fit_weights(&scale, rest)?;
            let asked = cases.iter().skip(fold).step_by(FOLDS);
            held_out.extend(asked.map(|c| Unseen {
                weight: c.weight,
                scores: c.scaled(&scale).dot(&of_rest),
                offset: &c.offset,
            }));
        }
        let weights: Vec<f64> = weights.iter().zip(&scale).map(|(w, s)| w / s).collect();
        let (of_candidates, of_none) = weights.split_at(features.len());
        let none = [of_none[0], of_none[1]];
        Ok(Self { weights: of_candidates.to_vec(), none, temperature: temperature(&held_out), features })
    }
}

/// One query with a known answer among alternatives: some candidates and "none of these".
pub(super) struct Case {
    /// Features less those of the answer, n_alternatives x n_features; the last columns belong to "none of these".
    features: Array2<f32>,
    /// Log of how many candidates each alternative stands for, less that of the answer.
    offset: Array1<f64>,
    weight: f64,
}

impl Case {
    /// `features` of the candidates (n_candidates x n_features), the log number of candidates that each stands for, the
    /// position of the answer (`None`: none of these), the strength of the change, and how much the case counts.
    pub(super) fn new(
        features: ArrayView2<'_, f32>,
        stands_for: &[f64],
        answer: Option<usize>,
        strength: f64,
        weight: f64,
    ) -> Self {
        let (n, k) = features.dim();
        let mut all = Array2::zeros((n + 1, k + OF_NONE));
        all.slice_mut(ndarray::s![..n, ..k]).assign(&features);
        all[[n, k]] = 1.0;
        all[[n, k + 1]] = strength as f32;
        let answer = answer.unwrap_or(n);
        let own = all.row(answer).to_owned();
        all -= &own;
        let mut offset: Array1<f64> = stands_for.iter().copied().chain([0.0]).collect();
        let of_answer = offset[answer];
        offset -= of_answer;
        Self { features: all, offset, weight }
    }

    fn scaled(&self, scale: &[f64]) -> Array2<f64> {
        let mut out = self.features.mapv(f64::from);
        for (mut column, s) in out.axis_iter_mut(Axis(1)).zip(scale) {
            column /= *s;
        }
        out
    }

    /// Log probability of the answer, its gradient and its negative Hessian, times the weight.
    fn terms(&self, scale: &[f64], weights: &Array1<f64>) -> (f64, Array1<f64>, Array2<f64>) {
        let features = self.scaled(scale);
        let scores = (features.dot(weights) + &self.offset).to_vec();
        let p = Array1::from(softmax(&scores));
        let mean = p.dot(&features);
        let weighted = &features * &p.view().insert_axis(Axis(1));
        let k = weights.len();
        let outer = Array2::from_shape_fn((k, k), |(a, b)| mean[a] * mean[b]);
        let curvature = features.t().dot(&weighted) - outer;
        (-log_sum(&scores) * self.weight, mean * -self.weight, curvature * self.weight)
    }
}

/// Standard deviation of every feature over all alternatives; 1 where a feature does not vary.
fn scales(k: usize, cases: &[Case]) -> Vec<f64> {
    let mut square = vec![0.0f64; k];
    let n: usize = cases.iter().map(|c| c.features.nrows()).sum();
    for row in cases.iter().flat_map(|c| c.features.outer_iter()) {
        square.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v).powi(2));
    }
    square.iter().map(|s| (s / n.max(1) as f64).sqrt()).map(|s| if s > 1e-9 { s } else { 1.0 }).collect()
}

/// Newton's method with step halving on the mean log probability less the ridge.
fn fit_weights<'a>(scale: &[f64], cases: impl Iterator<Item = &'a Case>) -> Result<Array1<f64>, RankError> {
    use rayon::prelude::*;
    let cases: Vec<&Case> = cases.collect();
    let (k, n) = (scale.len(), cases.iter().map(|c| c.weight).sum::<f64>().max(1.0));
    let total = |w: &Array1<f64>| {
        let start = (-0.5 * RIDGE * n * w.dot(w), w * (-RIDGE * n), Array2::<f64>::eye(k) * (RIDGE * n));
        let terms: Vec<_> = cases.par_iter().map(|c| c.terms(scale, w)).collect();
        terms.into_iter().fold(start, |(l, g, h), (l1, g1, h1)| (l + l1, g + g1, h + h1))
    };
    let mut weights = Array1::zeros(k);
    let (mut value, mut gradient, mut curvature) = total(&weights);
    for _ in 0..50 {
        let step = solve_spd(&curvature, &gradient.clone().insert_axis(Axis(1)))?.column(0).to_owned();
        let better = (0..20).map(|h| &weights + &(&step * 0.5f64.powi(h))).find_map(|w| {
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
    Ok(weights)
}

/// A query that the weights have not seen: scores less that of the answer.
struct Unseen<'a> {
    weight: f64,
    scores: Array1<f64>,
    /// Log of how many candidates each alternative stands for: those are as many at any temperature.
    offset: &'a Array1<f64>,
}

/// The temperature of the largest mean log probability of the answers, by golden section on its log.
fn temperature(cases: &[Unseen<'_>]) -> f64 {
    let loss = |log: f64| {
        let inverse = (-log).exp();
        let of = |c: &Unseen<'_>| c.weight * log_sum(&(&c.scores * inverse + c.offset).to_vec());
        cases.iter().map(of).sum::<f64>()
    };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-1.5f64, 1.5f64);
    while high - low > 1e-3 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high).exp()
}

fn log_sum(scores: &[f64]) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + scores.iter().map(|s| (s - largest).exp()).sum::<f64>().ln()
}

/// exp(score) over its sum.
///
/// ```
/// let p = grn::rank::softmax(&[0.0, 0.0, 2f64.ln()]);
/// assert!((p[2] - 0.5).abs() < 1e-15);
/// ```
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    const N: usize = 8;

    /// Cases drawn from a conditional logit with these weights, by inverting the cumulative probability.
    fn drawn(weights: [f64; 3], none: [f64; 2], n: usize) -> Vec<Case> {
        let mut rng = Rng::named(5, "joint.test");
        let mut case = || {
            let features = Array2::from_shape_simple_fn((N, 3), || rng.normal() as f32);
            let strength = rng.normal();
            let mut scores = features.mapv(f64::from).dot(&Array1::from(weights.to_vec())).to_vec();
            scores.push(none[0] + none[1] * strength);
            let (u, mut sum) = (rng.uniform(), 0.0);
            let answer = softmax(&scores).iter().position(|p| {
                sum += p;
                sum > u
            });
            Case::new(features.view(), &[0.0; N], answer.filter(|a| *a < N), strength, 1.0)
        };
        (0..n).map(|_| case()).collect()
    }

    fn names() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_weights_behind_the_answers_are_found() {
        let (wanted, none) = ([2.0, -1.0, 0.5], [1.0, -0.7]);
        let got = Joint::fit(names(), &drawn(wanted, none, 4000)).unwrap();
        assert!(got.weights.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 0.12), "{got:?}");
        assert!(got.none.iter().zip(none).all(|(g, w)| (g - w).abs() < 0.12), "{got:?}");
        assert!((got.temperature - 1.0).abs() < 0.05, "{got:?}");
    }

    #[test]
    fn gradient_and_curvature_are_those_of_the_log_probability() {
        let case = drawn([1.0, 1.0, 1.0], [0.5, 0.5], 1).remove(0);
        let (at, h, scale) = (Array1::from(vec![0.3, -0.2, 0.7, 0.1, 0.4]), 1e-5, [1.0, 2.0, 0.5, 1.0, 1.0]);
        let (_, gradient, curvature) = case.terms(&scale, &at);
        for k in 0..5 {
            let moved = |by: f64| {
                let mut w = at.clone();
                w[k] += by;
                case.terms(&scale, &w)
            };
            let (up, down) = (moved(h), moved(-h));
            assert!(((up.0 - down.0) / (2.0 * h) - gradient[k]).abs() < 1e-7);
            let second = (&up.1 - &down.1) / (2.0 * h);
            assert!((&second + &curvature.row(k)).iter().all(|e| e.abs() < 1e-6));
        }
    }

    #[test]
    fn answers_that_are_always_first_leave_the_weights_finite() {
        let features = Array2::from_shape_fn((5, 3), |(c, _)| if c == 0 { 1.0 } else { 0.0 });
        let cases: Vec<Case> = (0..30).map(|_| Case::new(features.view(), &[0.0; 5], Some(0), 0.0, 1.0)).collect();
        let got = Joint::fit(names(), &cases).unwrap();
        assert!(got.weights.iter().all(|w| w.is_finite() && *w > 0.0), "{got:?}");
    }

    /// A candidate drawn from many stands for all of them: with one right answer and 2 of 1,000 wrong ones the intercept
    /// of "none of these" is found as if all were there.
    #[test]
    fn a_sample_stands_for_the_candidates_it_was_drawn_from() {
        let features = Array2::<f32>::zeros((3, 3));
        let stands_for = [0.0, 500f64.ln(), 500f64.ln()];
        let case = |answer| Case::new(features.view(), &stands_for, answer, 0.0, 1.0);
        // "None" in 1 of 2 cases: exp(none) = 1,001 candidates of weight 1, and the named one 1/1001 of the rest.
        let cases: Vec<Case> = (0..2002).map(|i| case((i % 2 == 0).then_some((i / 2) % 3))).collect();
        let got = Joint::fit(names(), &cases).unwrap();
        assert!((got.none[0] - 1001f64.ln()).abs() < 0.2, "{got:?}");
    }
}
