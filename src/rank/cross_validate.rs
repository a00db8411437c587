//! How well held-out perturbations are found: by candidate set, own-reading mode and scorer, with controls.

use std::sync::Arc;

use super::left_out::rest;
use super::null::nulls;
use super::ranking::placed;
use super::sets::Sets;
use super::tally::{Key, Sure, Tally};
use super::{
    Asked, Calibration, CandidateSet, Candidates, Conditions, Covariance, Fit, Lesson, Own, Progress, Queries,
    RankError, Ranker, Readings, ScorerSpec, ceiling, masked, mid_rank, query_metrics,
};
use crate::data::{Fold, Responses, Split};
use crate::graph::GeneGraph;

/// Candidates written per query.
const LISTED: usize = 1000;
/// More perturbed genes than this are not ranked as conditions, whose number is their square.
const MOST_FOR_CONDITIONS: usize = 300;

/// What is cross-validated.
#[derive(Clone, Copy)]
pub struct CvOptions<'a> {
    /// All perturbations.
    pub responses: &'a Responses,
    /// The graph.
    pub graph: &'a GeneGraph,
    /// How genes vary together in control cells, where there are any.
    pub covariance: Option<&'a Covariance>,
    /// Which perturbations are held out together.
    pub split: &'a Split,
    /// The candidate sets.
    pub sets: &'a [CandidateSet],
    /// The scorers; those of the joint score among them are joined.
    pub scorers: &'a [&'static ScorerSpec],
    /// What may be known of the candidates' own expression.
    pub own: &'a [OwnSetting],
    /// Seed of the calibration and the intervals.
    pub seed: u64,
}

/// What may be known of the candidates' own expression in a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSetting {
    /// No score of a candidate uses the change of that candidate.
    Excluded,
    /// Scores may use it.
    Used,
    /// The perturbed genes are taken out of all tables, in training and in the queries (closed candidate set only).
    Global,
}

impl OwnSetting {
    /// All three, as tables show them.
    pub const ALL: [Self; 3] = [Self::Excluded, Self::Used, Self::Global];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Used => "used",
            Self::Global => "global",
        }
    }

    fn own(self) -> Own {
        if self == Self::Used { Own::Used } else { Own::Excluded }
    }
}

/// One scorer on one candidate set.
#[derive(Debug, Clone, PartialEq)]
pub struct CvRow {
    /// Name of the candidate set.
    pub candidates: &'static str,
    /// Own-reading mode.
    pub own: &'static str,
    /// `score` (all scorers joined), `causes` (chance to be one of two causes, where pairs were perturbed; see
    /// [`super::Causes`]), a single scorer, or a control: `wrong-query` (the joint score for the change of
    /// another perturbation of the same fold; none in folds of one), `ceiling` (a method that names all true genes it has seen in training and no
    /// other), `random`.
    pub scorer: &'static str,
    /// `all`, or which queries: `near`, `middle`, `far` are thirds by distance of the true gene to the training
    /// perturbations.
    pub stratum: &'static str,
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
    /// Share of the queries, and of as many null changes, for which "none of these" is likelier than not (`score` only).
    pub abstained: Option<[f64; 2]>,
}

/// The first candidates of one query: query, then (position, gene).
pub type Listed = (String, Vec<(f64, Arc<str>)>);

/// All rows, and the rankings of the joint score without own reading.
#[derive(Debug, Clone)]
pub struct CvOutcome {
    /// Metrics of genes.
    pub rows: Vec<CvRow>,
    /// Metrics of conditions (single genes and pairs of the closed set), where pairs were perturbed; see [`Conditions`].
    pub conditions: Vec<CvRow>,
    /// What the joint score said of its first candidate for every query: candidate set, own-reading mode, queries.
    pub firsts: Vec<(&'static str, &'static str, Vec<Sure>)>,
    /// Per candidate set the first 1,000 candidates of every query, queries in the order of the responses.
    pub rankings: Vec<(&'static str, Vec<Listed>)>,
    /// What each fold learned, by fold name.
    pub calibrations: Vec<(String, Calibration)>,
}

/// Ranks every perturbation by models fitted without it.
///
/// Per fold the model, the scorers and the way they are joined come from the training perturbations alone; the query is
/// the measured change of a held-out perturbation. Candidates perturbed in training have the response that a fit without
/// them predicts, as all others do. A perturbation of two genes has two true genes.
///
/// # Errors
/// Whatever a fit, a scorer or a prediction returns.
///
/// # Complexity
/// Five fits of the model (more for models that do not leave out by themselves), one prediction per candidate and
/// queries x candidates x axes products per fold.
pub fn cross_validate(
    fit: &Fit<'_>,
    of: &CvOptions<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CvOutcome, RankError> {
    let measured = of.own.iter().copied().filter(|o| *o != OwnSetting::Global).collect::<Vec<_>>();
    let mut found = Found::default();
    if !measured.is_empty() {
        Pass { fit, of, own: &measured }.run(&mut found, progress)?;
    }
    let closed = of.sets.iter().find(|s| **s == CandidateSet::Closed);
    if let (true, Some(closed)) = (of.own.contains(&OwnSetting::Global), closed) {
        let responses = masked(of.responses);
        if responses.genes.is_empty() {
            return Err(RankError::AllMasked { n: of.responses.genes.len() });
        }
        // Covariances are those of the table with all genes.
        let of = CvOptions { responses: &responses, sets: std::slice::from_ref(closed), covariance: None, ..*of };
        Pass { fit, of: &of, own: &[OwnSetting::Global] }.run(&mut found, progress)?;
    }
    let Found { tally, conditions, rankings, calibrations } = found;
    Ok(CvOutcome {
        firsts: tally.firsts(),
        rows: tally.rows(of.seed),
        conditions: conditions.rows(of.seed),
        rankings,
        calibrations,
    })
}

/// What all passes found.
#[derive(Default)]
struct Found {
    tally: Tally,
    conditions: Tally,
    rankings: Vec<(&'static str, Vec<Listed>)>,
    calibrations: Vec<(String, Calibration)>,
}

/// All folds with the same table.
struct Pass<'a> {
    fit: &'a Fit<'a>,
    of: &'a CvOptions<'a>,
    own: &'a [OwnSetting],
}

impl Pass<'_> {
    fn run(&self, found: &mut Found, progress: &mut dyn FnMut(u64, u64)) -> Result<(), RankError> {
        let of = self.of;
        let sets = Sets::new(of.responses, of.graph, of.sets);
        let mut lists: Vec<Vec<Option<Listed>>> = vec![vec![None; of.responses.len()]; sets.members.len()];
        // Progress in candidates predicted, over all folds.
        let total = (of.split.folds.len() * sets.names.len()) as u64;
        for (k, fold) in of.split.folds.iter().enumerate() {
            let before = (k * sets.names.len()) as u64;
            progress(before, total);
            let train = of.responses.subset(&rest(of.responses.len(), &fold.held_out));
            let lesson = Lesson {
                fit: self.fit,
                responses: &train,
                graph: of.graph,
                covariance: of.covariance,
                scorers: of.scorers,
                seed: of.seed,
            };
            let candidates = Candidates::of(sets.names.iter().cloned(), &train, of.graph);
            let mut hear = |at| {
                if let Progress::Candidates(done) = at {
                    progress(before + done as u64, total);
                }
            };
            let ranker = lesson.learn(candidates, true, &mut hear)?;
            let asked =
                FoldOf { fold, sets: &sets, ranker: &ranker, train: &train, responses: of.responses, seed: of.seed };
            for own in self.own {
                asked.add(*own, found, &mut lists)?;
            }
            if self.own.contains(&OwnSetting::Excluded) {
                found.calibrations.push((fold.name.clone(), ranker.calibration));
            }
        }
        progress(total, total);
        if self.own.contains(&OwnSetting::Excluded) {
            let listed = lists.into_iter().zip(&sets.members);
            found.rankings = listed.map(|(lists, (name, _))| (*name, lists.into_iter().flatten().collect())).collect();
        }
        Ok(())
    }
}

/// One fold and what was learned without it.
struct FoldOf<'a> {
    fold: &'a Fold,
    sets: &'a Sets,
    ranker: &'a Ranker,
    train: &'a Responses,
    responses: &'a Responses,
    seed: u64,
}

/// Scores of all candidates for all queries by one scorer.
type Scores = (&'static str, Vec<Vec<f64>>);

impl FoldOf<'_> {
    fn add(&self, setting: OwnSetting, found: &mut Found, lists: &mut [Vec<Option<Listed>>]) -> Result<(), RankError> {
        let own = setting.own();
        let queries = Queries::of_responses(self.responses, &self.fold.held_out);
        let readings = self.ranker.read(&queries, 1.0, own)?;
        let null = self.ranker.read(&nulls(&queries, &self.ranker.frame, self.seed), 1.0, own)?;
        let scores = self.scores(&readings, own);
        let asked = Asked::new(&queries, &self.ranker.frame, 1.0);
        let pairs = self.responses.perturbations.iter().any(|p| p.targets().len() > 1);
        for (set, (name, members)) in self.sets.members.iter().enumerate() {
            let key = |scorer| Key { candidates: name, own: setting.name(), scorer, n_candidates: members.len() };
            let conditions = self.conditions(name, members);
            for (q, &row) in self.fold.held_out.iter().enumerate() {
                let perturbation = &self.responses.perturbations[row];
                let answers = self.sets.answers(members, perturbation);
                let distance = self.distance(members, &answers);
                let positions = |within: &[f64]| -> Vec<f64> {
                    answers.iter().map(|a| a.map_or(f64::INFINITY, |a| mid_rank(within, a))).collect()
                };
                if pairs {
                    let within: Vec<f64> = members.iter().map(|&m| scores[0].1[q][m]).collect();
                    let by_causes = self.ranker.by_causes(&asked, q, own, members, &within);
                    found.tally.add(key("causes"), query_metrics(&positions(&by_causes)), &answers, distance);
                }
                for (scorer, all) in &scores {
                    let within: Vec<f64> = members.iter().map(|&m| all[q][m]).collect();
                    found.tally.add(key(scorer), query_metrics(&positions(&within)), &answers, distance);
                    if let Some(conditions) = &conditions {
                        let metrics = conditions.metrics(&conditions.sums(&within), perturbation.targets());
                        let key = Key { candidates: "conditions", n_candidates: conditions.len(), ..key(scorer) };
                        found.conditions.add(key, metrics, &answers, distance);
                    }
                    if *scorer == "score" {
                        let right = answers.contains(&Some(placed(&within)[0].0));
                        let (sure, none) = self.first(own, &within, readings.strength[q]);
                        let query = perturbation.to_string();
                        found.tally.sure(key(scorer), Sure { query, probability: sure, right, none });
                        let of_null = self.joint(&null, own, q);
                        let of_null: Vec<f64> = members.iter().map(|&m| of_null[m]).collect();
                        found.tally.null(key(scorer), self.first(own, &of_null, null.strength[q]).1);
                        if setting == OwnSetting::Excluded {
                            let gene = |(c, rank): (usize, f64)| (rank, Arc::clone(&self.sets.names[members[c]]));
                            let genes = placed(&within).into_iter().take(LISTED).map(gene).collect();
                            lists[set][row] = Some((perturbation.to_string(), genes));
                        }
                    }
                }
                let reached = ceiling(std::slice::from_ref(perturbation), |gene| self.is_seen(gene));
                found.tally.add(key("ceiling"), reached, &answers, distance);
            }
        }
        Ok(())
    }

    fn is_seen(&self, gene: &str) -> bool {
        self.train.perturbations.iter().any(|p| p.targets().iter().any(|t| t.as_ref() == gene))
    }

    /// All single genes and pairs of a small closed set, where pairs were perturbed.
    fn conditions(&self, set: &str, members: &[usize]) -> Option<Conditions> {
        let pairs = self.responses.perturbations.iter().any(|p| p.targets().len() > 1);
        let names = || members.iter().map(|&m| Arc::clone(&self.sets.names[m])).collect::<Vec<_>>();
        (set == "closed" && pairs && members.len() <= MOST_FOR_CONDITIONS).then(|| Conditions::of(&names()))
    }

    /// The joint score, the joint score for another query, and every scorer alone.
    fn scores(&self, readings: &Readings, own: Own) -> Vec<Scores> {
        let n = readings.strength.len();
        let joint: Vec<Vec<f64>> = (0..n).map(|q| self.joint(readings, own, q)).collect();
        // A fold of one has no other query.
        let wrong = (n > 1).then(|| ("wrong-query", (0..n).map(|q| joint[(q + 1) % n].clone()).collect()));
        let single = |(spec, scores): &(&'static ScorerSpec, ndarray::Array2<f32>)| {
            (spec.name, scores.outer_iter().map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect())
        };
        let all = readings.scores.iter().map(single);
        std::iter::once(("score", joint)).chain(wrong).chain(all).collect()
    }

    fn joint(&self, readings: &Readings, own: Own, q: usize) -> Vec<f64> {
        let joint = self.ranker.calibration.joint(own);
        joint.scores(&readings.features(&joint.features), q)
    }

    /// Probability of the first candidate and of none.
    fn first(&self, own: Own, within: &[f64], strength: f64) -> (f64, f64) {
        let joint = self.ranker.calibration.joint(own);
        let (p, none) = joint.probabilities(within, joint.none(strength));
        (p.into_iter().fold(0.0, f64::max), none)
    }

    /// Distance of the true gene (the farthest of a pair) to the training perturbations; infinite where it is no
    /// candidate.
    fn distance(&self, members: &[usize], answers: &[Option<usize>]) -> f32 {
        let of = |a: &Option<usize>| a.map_or(f32::INFINITY, |a| self.ranker.atlas.distance[members[a]]);
        answers.iter().map(of).fold(0.0, f32::max)
    }
}
