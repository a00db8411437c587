//! Drugs as queries: which genes does a drug act on?
//!
//! An inhibitor lowers the activity of its target and need not lower its expression, so the own reading never counts here.

mod average;
mod controls;
mod query;
mod table;

use ndarray::Array2;

use self::average::averages;
use self::controls::Controls;
use self::query::{DrugQuery, Matched};
pub use self::table::write_drugs;
use super::{DRUG_KS, Mode, Own, Queries, RankError, RankOptions, Ranker, Ranking, mid_rank, query_metrics_at};
use super::{random_metrics_at, ranking::within};
use crate::data::{DrugTargets, Responses};
use crate::error::Notice;
use crate::graph::GeneGraph;

/// Queries that are ranked at a time: their rows are cut before the next ones come.
const AT_A_TIME: usize = 32;

/// What is asked about drugs.
#[derive(Debug, Clone, Copy)]
pub struct DrugOptions<'a> {
    /// Drugs and their targets.
    pub targets: &'a DrugTargets,
    /// What the drugs do; `None`: inhibitors inhibit, activators activate, and of others either is thought of.
    pub mode: Option<Mode>,
    /// Candidates kept per query.
    pub top: Option<usize>,
    /// Rank by this scorer alone.
    pub method: Option<&'a str>,
    /// The run behind the ranker: its training perturbations.
    pub responses: &'a Responses,
    /// Its graph.
    pub graph: &'a GeneGraph,
    /// Seed of the resamples behind intervals.
    pub seed: u64,
}

/// Rankings of all queries, and how well they find the targets of those that are drugs.
#[derive(Debug, Clone)]
pub struct DrugOutcome {
    /// One per query, in their order, each in the mode of its drug.
    pub rankings: Vec<Ranking>,
    /// Metrics by query, by drug (mean over its queries), by class (mean over its drugs) and over all drugs; of every
    /// scorer in [`DrugOutcome::SCORERS`].
    pub rows: Vec<DrugRow>,
    /// What was matched and what was left out.
    pub notices: Vec<Notice>,
}

impl DrugOutcome {
    /// The ranking itself; the expectation of a random order; the edges of a candidate in the graph; and how
    /// significantly the candidate itself changes (the course reports' rank among differentially expressed genes).
    pub const SCORERS: [&'static str; 4] = ["score", "random", "degree", "deg-top"];
}

/// Metrics of one scorer for a query, a drug, a class or all drugs.
#[derive(Debug, Clone, PartialEq)]
pub struct DrugRow {
    /// `query`, `drug`, `class` or `all`.
    pub level: &'static str,
    /// Name of the query, drug or class.
    pub name: String,
    /// The drug of a query or drug.
    pub drug: String,
    /// Its class, empty where none is known.
    pub class: String,
    /// One of [`DrugOutcome::SCORERS`].
    pub scorer: &'static str,
    /// What was thought to have been done; `mixed` where the queries differ.
    pub mode: String,
    /// Number of queries.
    pub n_queries: usize,
    /// Number of drugs.
    pub n_drugs: usize,
    /// Targets that are genes of the run, summed over drugs.
    pub n_targets: usize,
    /// Those of them that are candidates.
    pub n_reachable: usize,
    /// Number of candidates.
    pub n_candidates: usize,
    /// As [`super::query_metrics_at`] with the cut-offs [`DRUG_KS`]; a target that is no candidate is never found.
    pub metrics: Vec<(String, f64)>,
    /// 95 % interval of the mean reciprocal rank over resampled drugs; classes and all drugs only.
    pub mrr_interval: Option<[f64; 2]>,
    /// Rank of every target (ties at the middle of their block), `None` for one that is no candidate; queries only, and
    /// not of `random`.
    pub positions: Vec<(String, Option<f64>)>,
}

/// Ranks the candidates at `members` (ascending positions in the atlas) for every query, each in the mode of its drug, and
/// looks up the targets. A query that is no drug of the table is ranked in the mode [`Mode::Any`] and has no metrics.
///
/// # Errors
/// [`RankError::NoDrugTarget`] where no target is a gene of the run, [`RankError::NoDrug`] where no query is a drug, and
/// whatever a scorer returns.
pub fn rank_drugs(
    ranker: &Ranker,
    queries: &Queries,
    members: &[usize],
    options: &DrugOptions<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<DrugOutcome, RankError> {
    let matched = Matched::new(ranker, queries, members, options)?;
    let mut rankings: Vec<Option<Ranking>> = vec![None; queries.len()];
    let mut rows = Vec::new();
    let controls = Controls::fit(ranker, options)?;
    let mut done = 0;
    for (mode, of_mode) in matched.by_mode() {
        for some in of_mode.chunks(AT_A_TIME) {
            let asked = queries.select(some);
            let how = RankOptions { mode, own: Own::Excluded, top: None, method: options.method.map(str::to_owned) };
            let ranked = ranker.rank(&asked, members, &how)?;
            let readings = controls.read(ranker, &asked)?;
            for (at, (&q, mut ranking)) in some.iter().zip(ranked).enumerate() {
                if let Some(drug) = &matched.drugs[q] {
                    let of_query = query_rows(drug, &ranking, ranker, members, &readings, at);
                    rows.extend(of_query.into_iter().map(|row| (q, row)));
                }
                ranking.rows.truncate(options.top.unwrap_or(usize::MAX));
                rankings[q] = Some(ranking);
            }
            done += some.len();
            progress(done);
        }
    }
    rows.sort_by_key(|(q, _)| *q);
    let mut rows: Vec<DrugRow> = rows.into_iter().map(|(_, row)| row).collect();
    rows.extend(averages(&rows, options.seed));
    Ok(DrugOutcome { rankings: rankings.into_iter().flatten().collect(), rows, notices: matched.notices })
}

/// One row per scorer for one query.
fn query_rows(
    drug: &DrugQuery,
    ranking: &Ranking,
    ranker: &Ranker,
    members: &[usize],
    controls: &[(&'static str, Array2<f32>)],
    at: usize,
) -> Vec<DrugRow> {
    let found = drug.targets.iter().filter(|(_, member)| member.is_some()).count();
    let row = |scorer, metrics, positions| DrugRow {
        level: "query",
        name: ranking.query.clone(),
        drug: drug.name.clone(),
        class: drug.class.clone(),
        scorer,
        mode: ranking.mode.to_string(),
        n_queries: 1,
        n_drugs: 1,
        n_targets: drug.targets.len(),
        n_reachable: found,
        n_candidates: members.len(),
        metrics,
        mrr_interval: None,
        positions,
    };
    let measured = |scorer, place: &dyn Fn(usize) -> f64| {
        let positions: Vec<(String, Option<f64>)> =
            drug.targets.iter().map(|(gene, member)| (gene.clone(), member.map(place))).collect();
        let ranks: Vec<f64> = positions.iter().map(|p| p.1.unwrap_or(f64::INFINITY)).collect();
        row(scorer, query_metrics_at(&ranks, &DRUG_KS), positions)
    };
    let names = &ranker.atlas.candidates.names;
    let in_ranking = |member: usize| {
        let name = &names[members[member]];
        ranking.rows.iter().find(|r| r.gene == *name).map_or(f64::INFINITY, |r| r.rank)
    };
    let mut rows = vec![measured("score", &in_ranking)];
    let random = random_metrics_at(drug.targets.len(), found, members.len(), &DRUG_KS);
    rows.push(row("random", random, Vec::new()));
    for (name, scores) in controls {
        let scores: Vec<f64> = scores.row(at).iter().map(|s| f64::from(*s)).collect();
        let scores = within(&scores, members);
        rows.push(measured(name, &|member| mid_rank(&scores, member)));
    }
    rows
}
