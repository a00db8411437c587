//! How well held-out perturbations are found: by candidate set, own-reading mode and scorer, with controls.

use std::sync::Arc;

use super::calibrate::rest;
use super::combine::softmax;
use super::evidence::{Evidence, Gather};
use super::propagation::Propagation;
use super::ranking::placed;
use super::{
    Calibration, CandidateSet, Candidates, FEATURES, Fit, Frame, Own, Queries, RankError, calibrate, mean_metrics,
    mid_rank, query_metrics, random_metrics,
};
use crate::data::{Fold, Perturbation, Responses, Split};
use crate::graph::GeneGraph;
use crate::stats::Rng;

/// Candidates written per query.
const LISTED: usize = 1000;
/// Resamples of the queries for an interval.
const RESAMPLES: usize = 1000;

/// What is cross-validated.
#[derive(Clone, Copy)]
pub struct CvOptions<'a> {
    /// All perturbations.
    pub responses: &'a Responses,
    /// The graph.
    pub graph: &'a GeneGraph,
    /// Which perturbations are held out together.
    pub split: &'a Split,
    /// Seed of the calibration and the intervals.
    pub seed: u64,
}

/// One scorer on one candidate set.
#[derive(Debug, Clone, PartialEq)]
pub struct CvRow {
    /// Name of the candidate set.
    pub candidates: &'static str,
    /// Own-reading mode.
    pub own: Own,
    /// `score` (all scorers joined), a single scorer, or a control: `random`, `degree`, `train_frequency`, `no_query`.
    pub scorer: &'static str,
    /// Held-out perturbations.
    pub n_queries: usize,
    /// Those of which every target is a candidate; a target that is none counts as never found.
    pub n_reachable: usize,
    /// Candidates.
    pub n_candidates: usize,
    /// Means over the queries, by name.
    pub metrics: Vec<(String, f64)>,
    /// 95 % bootstrap interval of `mrr` over queries; none for expectations.
    pub mrr_interval: Option<[f64; 2]>,
    /// Expected calibration error of the first candidate's probability in ten bins (`score` only).
    pub calibration_error: Option<f64>,
}

/// The first candidates of one query: query, then (position, gene).
pub type Listed = (String, Vec<(f64, Arc<str>)>);

/// All rows, and the rankings of the joined score without own reading.
#[derive(Debug, Clone)]
pub struct CvOutcome {
    /// Metrics.
    pub rows: Vec<CvRow>,
    /// Per candidate set the first 1,000 candidates of every query, queries in the order of the responses.
    pub rankings: Vec<(&'static str, Vec<Listed>)>,
    /// What each fold learned, by fold name.
    pub calibrations: Vec<(String, Calibration)>,
}

/// Ranks every perturbation by models fitted without it.
///
/// Per fold the model, the frame and the weights of the scorers come from the training perturbations alone; the query
/// is the measured change of a held-out perturbation. Candidates perturbed in training have the response the fold's
/// model fitted for them, all others a prediction. A perturbation of two genes has two true genes.
///
/// # Errors
/// Whatever a fit or a prediction returns.
///
/// # Complexity
/// Four fits and (queries + 1) x candidates x genes products per fold.
pub fn cross_validate(
    fit: &Fit<'_>,
    of: &CvOptions<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CvOutcome, RankError> {
    let sets = Sets::new(of);
    let propagation = Propagation::new(of.graph, &of.responses.genes);
    let mut tally = Tally::new(&sets, of.responses.len());
    let mut calibrations = Vec::new();
    let n_folds = of.split.folds.len() as u64;
    for (done, fold) in of.split.folds.iter().enumerate() {
        progress(done as u64, n_folds);
        let train = of.responses.subset(&rest(of.responses.len(), &fold.held_out));
        let calibration = calibrate(fit, &train, of.graph, of.seed)?;
        let model = fit(&train)?;
        let frame = Frame::new(&train);
        let gather = Gather { predictor: &*model, responses: &train, frame: &frame, propagation: &propagation };
        let candidates = Candidates::of(sets.names.iter().cloned(), &train, of.graph);
        let queries = Queries::of_responses(of.responses, &fold.held_out);
        let modes = [Own::Excluded, Own::Used];
        for (own, evidence) in
            modes.iter().zip(gather.evidence(&queries, &candidates, &[1.0], &modes)?.iter().flatten())
        {
            let controls = Controls::new(&candidates, evidence, &train, of.graph);
            let fold = FoldOf { fold, own: *own, evidence, controls: &controls, calibration: &calibration };
            tally.add(&sets, &fold, of.responses);
        }
        calibrations.push((fold.name.clone(), calibration));
    }
    progress(n_folds, n_folds);
    Ok(tally.outcome(&sets, of, calibrations))
}

/// All candidates of all sets, and which belong to which.
struct Sets {
    names: Vec<Arc<str>>,
    members: Vec<(&'static str, Vec<usize>)>,
}

impl Sets {
    fn new(of: &CvOptions<'_>) -> Self {
        let targets = of.responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned());
        let all = Candidates::of(of.graph.genes().names().iter().cloned().chain(targets), of.responses, of.graph);
        let of_set = |set: CandidateSet| {
            let found = Candidates::new(&set, of.responses, of.graph).ok()?;
            Some((set.name(), found.names.iter().filter_map(|n| all.position(n)).collect()))
        };
        let members =
            [CandidateSet::Closed, CandidateSet::Expressed, CandidateSet::Genome].into_iter().filter_map(of_set);
        Self { members: members.collect(), names: all.names }
    }

    fn position(&self, name: &Arc<str>) -> Option<usize> {
        self.names.binary_search(name).ok()
    }

    /// Positions of the targets of a perturbation within a set, where they belong to it.
    fn answers(&self, members: &[usize], perturbation: &Perturbation) -> Vec<Option<usize>> {
        let within = |t: &Arc<str>| members.binary_search(&self.position(t)?).ok();
        perturbation.targets().iter().map(within).collect()
    }
}

/// Scores that do not depend on the query, one per candidate.
struct Controls([(&'static str, Vec<f64>); 3]);

impl Controls {
    fn new(candidates: &Candidates, evidence: &Evidence, train: &Responses, graph: &GeneGraph) -> Self {
        let degree = |node: &Option<crate::data::GeneId>| {
            node.map_or(0.0, |g| (graph.out_edges(g).len() + graph.in_edges(g).count()) as f64)
        };
        let times = |name: &Arc<str>| train.perturbations.iter().filter(|p| p.targets().contains(name)).count() as f64;
        Self([
            ("degree", candidates.node.iter().map(degree).collect()),
            ("train_frequency", candidates.names.iter().map(times).collect()),
            ("no_query", evidence.response_norm.clone()),
        ])
    }
}

/// One fold in one own-reading mode.
struct FoldOf<'a> {
    fold: &'a Fold,
    own: Own,
    evidence: &'a Evidence,
    controls: &'a Controls,
    calibration: &'a Calibration,
}

impl FoldOf<'_> {
    /// Scores of all candidates for one query, by scorer; the joined score first.
    fn scores(&self, query: usize) -> Vec<(&'static str, Vec<f64>)> {
        let joined = ("score", self.calibration.weights(self.own).scores(self.evidence, query));
        let used = |name: &str| self.own == Own::Used || name != "own_reading";
        let features = FEATURES.iter().zip(&self.evidence.features).filter(|(name, _)| used(name));
        let single = features.map(|(name, f)| (*name, f.row(query).iter().map(|&v| f64::from(v)).collect()));
        std::iter::once(joined).chain(single).chain(self.controls.0.iter().cloned()).collect()
    }
}

/// Metrics of each query.
type Queried = Vec<Vec<(String, f64)>>;

/// Metrics of every query, by set, mode and scorer.
struct Tally {
    rows: Vec<(usize, Own, &'static str, Queried)>,
    /// Probability of the first candidate and whether it was right, by row.
    first: Vec<Vec<(f64, bool)>>,
    listed: Vec<Vec<Option<Listed>>>,
}

impl Tally {
    fn new(sets: &Sets, n_queries: usize) -> Self {
        Self { rows: Vec::new(), first: Vec::new(), listed: vec![vec![None; n_queries]; sets.members.len()] }
    }

    fn add(&mut self, sets: &Sets, of: &FoldOf<'_>, responses: &Responses) {
        for (query, &row) in of.fold.held_out.iter().enumerate() {
            let perturbation = &responses.perturbations[row];
            let scores = of.scores(query);
            for (set, (_, members)) in sets.members.iter().enumerate() {
                let answers = sets.answers(members, perturbation);
                for (scorer, all) in &scores {
                    let within: Vec<f64> = members.iter().map(|&m| all[m]).collect();
                    let position = |a: &Option<usize>| a.map_or(f64::INFINITY, |a| mid_rank(&within, a));
                    let positions: Vec<f64> = answers.iter().map(position).collect();
                    let at = self.row(set, of.own, scorer);
                    self.rows[at].3.push(query_metrics(&positions));
                    if *scorer == "score" {
                        let order = placed(&within);
                        let sure = softmax(&within)[order[0].0];
                        self.first[at].push((sure, answers.contains(&Some(order[0].0))));
                        if of.own == Own::Excluded {
                            let name = |(c, rank): &(usize, f64)| (*rank, Arc::clone(&sets.names[members[*c]]));
                            let genes = order.iter().take(LISTED).map(name).collect();
                            self.listed[set][row] = Some((perturbation.to_string(), genes));
                        }
                    }
                }
            }
        }
    }

    fn row(&mut self, set: usize, own: Own, scorer: &'static str) -> usize {
        let found = self.rows.iter().position(|r| (r.0, r.1, r.2) == (set, own, scorer));
        found.unwrap_or_else(|| {
            self.rows.push((set, own, scorer, Vec::new()));
            self.first.push(Vec::new());
            self.rows.len() - 1
        })
    }

    fn outcome(self, sets: &Sets, of: &CvOptions<'_>, calibrations: Vec<(String, Calibration)>) -> CvOutcome {
        let mut rows = Vec::new();
        for (set, (name, members)) in sets.members.iter().enumerate() {
            let answers: Vec<_> = of.responses.perturbations.iter().map(|p| sets.answers(members, p)).collect();
            let n_reachable = answers.iter().filter(|a| a.iter().all(Option::is_some)).count();
            let row = |own, scorer, metrics| CvRow {
                candidates: name,
                own,
                scorer,
                n_queries: answers.len(),
                n_reachable,
                n_candidates: members.len(),
                metrics,
                mrr_interval: None,
                calibration_error: None,
            };
            for own in [Own::Excluded, Own::Used] {
                for ((_, _, scorer, queries), first) in
                    self.rows.iter().zip(&self.first).filter(|(r, _)| r.0 == set && r.1 == own)
                {
                    let mrr: Vec<f64> = queries.iter().map(|q| q[0].1).collect();
                    rows.push(CvRow {
                        mrr_interval: Some(bootstrap_mean(&mrr, of.seed)),
                        calibration_error: (*scorer == "score").then(|| calibration_error(first)),
                        ..row(own, scorer, mean_metrics(queries))
                    });
                }
                let random: Vec<_> = answers.iter().map(|a| random_query(a, members.len())).collect();
                rows.push(row(own, "random", mean_metrics(&random)));
            }
        }
        let listed = self.listed.into_iter().zip(&sets.members);
        let rankings = listed.map(|(lists, (name, _))| (*name, lists.into_iter().flatten().collect())).collect();
        CvOutcome { rows, rankings, calibrations }
    }
}

/// Expectation of a random order for a query of which some answers may not be candidates.
fn random_query(answers: &[Option<usize>], n: usize) -> Vec<(String, f64)> {
    let (size, found) = (answers.len(), answers.iter().flatten().count());
    if found == 0 {
        return query_metrics(&vec![f64::INFINITY; size]);
    }
    let share = found as f64 / size as f64;
    let scale = |(name, value): (String, f64)| {
        let value = match name.split_once('@').map_or("", |n| n.0) {
            "exact_hit" if found < size => 0.0,
            "recall" | "ndcg" => value * share,
            _ => value,
        };
        (name, value)
    };
    random_metrics(found, n).into_iter().map(scale).collect()
}

/// Percentile interval of a mean.
fn bootstrap_mean(values: &[f64], seed: u64) -> [f64; 2] {
    let n = values.len();
    let mut means: Vec<f64> = (0..RESAMPLES as u64)
        .map(|k| {
            let mut rng = Rng::keyed(seed, "rank.bootstrap", k, 0);
            (0..n).map(|_| values[rng.below(n)]).sum::<f64>() / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    [means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40]]
}

/// Mean distance between probability and frequency of being right, in ten equal bins of probability.
fn calibration_error(first: &[(f64, bool)]) -> f64 {
    let gap = |bin: usize| {
        let inside = first.iter().filter(|(p, _)| ((p * 10.0) as usize).min(9) == bin);
        inside.map(|(p, right)| p - f64::from(u8::from(*right))).sum::<f64>().abs()
    };
    (0..10).map(gap).sum::<f64>() / first.len().max(1) as f64
}
