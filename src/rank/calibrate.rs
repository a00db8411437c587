//! Learning how much each scorer counts, from training perturbations that nothing was shown.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::causes::{Lessons, by_information_criterion, taught};
use super::joint::{Case, Joint};
use super::left_out::rest;
use super::null::nulls;
use super::replicate::replicates;
use super::{Candidates, Lesson, Own, Queries, RankError, Ranker, ScorerSpec};
use crate::data::{Responses, Split};
use crate::predict::{PredictError, Predictor};
use crate::stats::Rng;

/// Fits a model on these responses.
pub type Fit<'a> = dyn Fn(&Responses) -> Result<Box<dyn Predictor>, PredictError> + Sync + 'a;

/// Fewer queries than this are no basis for weights.
const LEAST_QUERIES: usize = 20;
/// Folds in which the training perturbations are predicted.
const FOLDS: usize = 4;
/// Candidates drawn as wrong answers beside the perturbed genes.
const DRAWN: usize = 800;
/// Null changes, and changes by genes that were perturbed in training, count this much beside those of other genes: each
/// is assumed beforehand to be a sixth of what is asked.
const WEIGHT: f64 = 0.25;

/// How scorers are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Where the own reading is left out.
    pub excluded: Joint,
    /// Where it counts.
    pub used: Joint,
    /// How the parts of the score of a set of causes are joined, own reading excluded and used; see
    /// [`super::Causes`].
    pub causes: Option<[Joint; 2]>,
    /// Training perturbations that served as queries; 0 = not calibrated.
    pub n_queries: usize,
    /// Candidates each was ranked among.
    pub n_candidates: usize,
}

impl Calibration {
    /// The likelihood alone; its probabilities are not calibrated.
    pub fn none() -> Self {
        let alone = || Joint::single("likelihood");
        Self { excluded: alone(), used: alone(), causes: None, n_queries: 0, n_candidates: 0 }
    }

    /// How the parts of the score of a set of causes are joined; without calibration by an information criterion over
    /// this many axes and candidates.
    pub(super) fn of_causes(&self, own: Own, n_axes: usize, n: usize) -> Joint {
        let taught = self.causes.as_ref().map(|c| c[usize::from(own == Own::Used)].clone());
        taught.unwrap_or_else(|| by_information_criterion(n_axes, n))
    }

    /// How scorers are joined in an own-reading mode.
    pub fn joint(&self, own: Own) -> &Joint {
        match own {
            Own::Excluded => &self.excluded,
            Own::Used => &self.used,
        }
    }
}

/// Learns the joint score. `progress` hears how many folds are done, and of how many.
///
/// Training perturbations of one gene are held out in folds: model, atlas and scorers are fitted on the rest and asked
/// for them, for as many null changes, and for as many second measurements of what it was fitted on, among the perturbed
/// genes and up to 800 drawn from the other candidates in the graph, each of which stands for its share of these. No query
/// but the second measurements is in anything that answers it. Fewer than 20 usable queries give [`Calibration::none`].
///
/// # Errors
/// Whatever a fit, a scorer or a prediction returns.
pub fn calibrate(
    of: &Lesson<'_>,
    candidates: &Candidates,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibration, RankError> {
    let responses = of.responses;
    let usable = |i: &usize| matches!(responses.perturbations[*i].targets(), [_]);
    let singles: Vec<usize> = (0..responses.len()).filter(usable).collect();
    if singles.len() < LEAST_QUERIES {
        return Ok(Calibration::none());
    }
    let sample = Sample::new(of, candidates);
    let joint: Vec<&'static ScorerSpec> = of.scorers.iter().copied().filter(|s| s.joint).collect();
    let mut cases: [Vec<Case>; 2] = Default::default();
    let mut names: [Vec<String>; 2] = Default::default();
    let mut lessons = Vec::new();
    for (done, fold) in Split::seeded(singles.len(), FOLDS, of.seed)?.folds.iter().enumerate() {
        progress(done, FOLDS);
        let held_out: Vec<usize> = fold.held_out.iter().map(|&k| singles[k]).collect();
        let train = responses.subset(&rest(responses.len(), &held_out));
        let model = (of.fit)(&train)?;
        let candidates = Candidates::of(sample.names.iter().cloned(), &train, of.graph);
        let lesson = Lesson { responses: &train, scorers: &joint, ..*of };
        let ranker = lesson.fit_scorers(&*model, candidates, &mut |_| {})?;
        let queries = Queries::of_responses(responses, &held_out);
        let null = nulls(&queries, &ranker.frame, of.seed);
        let again = seen_again(&ranker, &train, held_out.len(), of.seed);
        for (k, own) in [Own::Excluded, Own::Used].into_iter().enumerate() {
            let found = |q: usize| ranker.atlas.candidates.position(&queries.names[q]);
            names[k] = sample.add(&ranker, &queries, own, &found, 1.0, &mut cases[k])?;
            sample.add(&ranker, &null, own, &|_| None, WEIGHT, &mut cases[k])?;
            if let Some(again) = &again {
                let found = |q: usize| ranker.atlas.candidates.position(&again.names[q]);
                sample.add(&ranker, again, own, &found, WEIGHT, &mut cases[k])?;
            }
        }
        lessons.push(Lessons::new(ranker, &queries, &null, WEIGHT));
    }
    let [excluded, used] = names;
    let (excluded, used) = (Joint::fit(excluded, &cases[0])?, Joint::fit(used, &cases[1])?);
    let causes = [taught(&lessons, &excluded, Own::Excluded, of.seed)?, taught(&lessons, &used, Own::Used, of.seed)?];
    Ok(Calibration { excluded, used, causes: Some(causes), n_queries: singles.len(), n_candidates: sample.names.len() })
}

/// Up to `n` training perturbations of one gene as if measured a second time.
fn seen_again(ranker: &Ranker, train: &Responses, n: usize, seed: u64) -> Option<Queries> {
    let mut rows: Vec<usize> = (0..train.len()).filter(|&i| matches!(train.perturbations[i].targets(), [_])).collect();
    Rng::named(seed, "rank.seen").shuffle(&mut rows);
    rows.truncate(n);
    Some(replicates(train, ranker.held_out.as_ref()?, &rows, seed))
}

/// The candidates of the lesson: the perturbed genes and a random sample of the graph.
struct Sample {
    names: Vec<Arc<str>>,
    /// Log of the number of genes that each drawn one stands for.
    stands_for: f64,
    perturbed: Vec<Arc<str>>,
}

impl Sample {
    fn new(of: &Lesson<'_>, candidates: &Candidates) -> Self {
        let mut perturbed: Vec<Arc<str>> =
            of.responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned()).collect();
        perturbed.sort_unstable();
        perturbed.dedup();
        let wrong = |n: &&Arc<str>| perturbed.binary_search(n).is_err() && candidates.position(n).is_some();
        let others = of.graph.genes().names().iter().filter(wrong);
        let mut others: Vec<Arc<str>> = others.cloned().collect();
        let n = others.len();
        Rng::named(of.seed, "rank.calibrate").shuffle(&mut others);
        others.truncate(DRAWN);
        let stands_for = (n.max(1) as f64 / others.len().max(1) as f64).ln();
        let names = perturbed.iter().cloned().chain(others).collect();
        Self { names, stands_for, perturbed }
    }

    /// Adds one case per query that has an answer, or none on purpose; the names of the features.
    fn add(
        &self,
        ranker: &Ranker,
        queries: &Queries,
        own: Own,
        answer: &dyn Fn(usize) -> Option<usize>,
        weight: f64,
        cases: &mut Vec<Case>,
    ) -> Result<Vec<String>, RankError> {
        let readings = ranker.read(queries, 1.0, own)?;
        let names = &ranker.atlas.candidates.names;
        let stands = |n: &Arc<str>| if self.perturbed.binary_search(n).is_ok() { 0.0 } else { self.stands_for };
        let stands_for: Vec<f64> = names.iter().map(stands).collect();
        for q in 0..queries.len() {
            let at = answer(q);
            if at.is_none() && weight == 1.0 {
                continue;
            }
            let mut features = Array2::zeros((names.len(), readings.scores.len()));
            for (mut column, (_, scores)) in features.axis_iter_mut(Axis(1)).zip(&readings.scores) {
                column.assign(&scores.row(q));
            }
            cases.push(Case::new(features.view(), &stands_for, at, readings.strength[q], weight));
        }
        Ok(readings.scores.iter().map(|(s, _)| s.name.to_owned()).collect())
    }
}
