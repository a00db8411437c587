//! Collecting the metrics of queries into rows.

use super::{CvRow, KS, mean_metrics, random_metrics_at};
use crate::stats::Rng;

/// Resamples of the queries for an interval.
const RESAMPLES: usize = 1000;
/// Thirds of the queries by distance.
const STRATA: [&str; 3] = ["near", "middle", "far"];

/// Metrics of one query by name.
type Metrics = Vec<(String, f64)>;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) candidates: &'static str,
    pub(super) own: &'static str,
    pub(super) scorer: &'static str,
    pub(super) n_candidates: usize,
}

/// What the joint score says of its first candidate for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Sure {
    /// The query.
    pub query: String,
    /// Probability of the first candidate.
    pub probability: f64,
    /// Whether it is right.
    pub right: bool,
    /// Probability that no candidate is the answer.
    pub none: f64,
}

/// Metrics of every query, by row.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    key: Key,
    queries: Vec<Metrics>,
    /// Number of true genes and how many of them are candidates, by query.
    targets: Vec<(usize, usize)>,
    distance: Vec<f32>,
    /// What was said of the first candidate, by query.
    sure: Vec<Sure>,
    /// Probability of none for null changes.
    null: Vec<f64>,
}

impl Tally {
    /// Adds the metrics of a query.
    pub(super) fn add(&mut self, key: Key, metrics: Metrics, answers: &[Option<usize>], distance: f32) {
        let entry = self.entry(key);
        entry.queries.push(metrics);
        entry.targets.push((answers.len(), answers.iter().flatten().count()));
        entry.distance.push(distance);
    }

    /// Adds what was said of the first candidate.
    pub(super) fn sure(&mut self, key: Key, sure: Sure) {
        self.entry(key).sure.push(sure);
    }

    /// What was said of every first candidate, by candidate set and own-reading mode.
    pub(super) fn firsts(&self) -> Vec<(&'static str, &'static str, Vec<Sure>)> {
        let told = self.0.iter().filter(|e| !e.sure.is_empty());
        told.map(|e| (e.key.candidates, e.key.own, e.sure.clone())).collect()
    }

    /// Adds the probability of none for a null change.
    pub(super) fn null(&mut self, key: Key, none: f64) {
        self.entry(key).null.push(none);
    }

    fn entry(&mut self, key: Key) -> &mut Entry {
        let at = self.0.iter().position(|e| e.key == key).unwrap_or_else(|| {
            let (queries, targets, distance) = (Vec::new(), Vec::new(), Vec::new());
            self.0.push(Entry { key, queries, targets, distance, sure: Vec::new(), null: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// One row per key, set by set, with the expectation of a random order behind the rows of a set and a mode, and the
    /// thirds by distance of the joint score.
    pub(super) fn rows(mut self, seed: u64) -> Vec<CvRow> {
        let order = |k: &Key| self.0.iter().position(|e| e.key.candidates == k.candidates).unwrap_or(0);
        let mut keys: Vec<(usize, &'static str, usize)> =
            self.0.iter().enumerate().map(|(i, e)| (order(&e.key), e.key.own, i)).collect();
        keys.sort_by_key(|k| (k.0, k.1));
        let sorted: Vec<usize> = keys.into_iter().map(|k| k.2).collect();
        let mut entries: Vec<Option<Entry>> = std::mem::take(&mut self.0).into_iter().map(Some).collect();
        let entries: Vec<Entry> = sorted.into_iter().filter_map(|i| entries[i].take()).collect();
        let same = |a: &Entry, b: &Entry| (a.key.candidates, a.key.own) == (b.key.candidates, b.key.own);
        entries.chunk_by(same).flat_map(|group| group_rows(group, seed)).collect()
    }
}

fn group_rows(group: &[Entry], seed: u64) -> Vec<CvRow> {
    let mut rows: Vec<CvRow> =
        group.iter().map(|e| e.row("all", &(0..e.queries.len()).collect::<Vec<_>>(), seed)).collect();
    let Some(first) = group.first() else { return rows };
    let random: Vec<Metrics> = first.targets.iter().map(|&t| random_query(t, first.key.n_candidates)).collect();
    // The expectation of a random order is that of genes; conditions have the scorer `random`.
    if first.queries.iter().flatten().next().is_none_or(|m| m.0 != "mrr") {
        return rows;
    }
    rows.push(CvRow {
        scorer: "random",
        metrics: mean_metrics(&random),
        mrr_interval: None,
        calibration_error: None,
        abstained: None,
        ..rows[0].clone()
    });
    if let Some(joint) = group.iter().find(|e| e.key.scorer == "score") {
        rows.extend(joint.thirds().into_iter().zip(STRATA).map(|(of, name)| joint.row(name, &of, seed)));
    }
    rows
}

impl Entry {
    fn row(&self, stratum: &'static str, of: &[usize], seed: u64) -> CvRow {
        let queries: Vec<Metrics> = of.iter().map(|&q| self.queries[q].clone()).collect();
        let mrr: Vec<f64> = queries.iter().filter_map(|q| q.first().map(|m| m.1)).collect();
        let sure: Vec<&Sure> = of.iter().filter_map(|&q| self.sure.get(q)).collect();
        let above =
            |p: &mut dyn Iterator<Item = f64>, n: usize| p.filter(|p| *p > 0.5).count() as f64 / n.max(1) as f64;
        let null: Vec<f64> = of.iter().filter_map(|&q| self.null.get(q).copied()).collect();
        CvRow {
            candidates: self.key.candidates,
            own: self.key.own,
            scorer: self.key.scorer,
            stratum,
            n_queries: queries.len(),
            n_reachable: of.iter().filter(|&&q| self.targets[q].0 == self.targets[q].1).count(),
            n_candidates: self.key.n_candidates,
            metrics: mean_metrics(&queries),
            mrr_interval: (!mrr.is_empty()).then(|| bootstrap_mean(&mrr, seed)),
            calibration_error: (!sure.is_empty()).then(|| calibration_error(&sure)),
            abstained: (!sure.is_empty()).then(|| {
                [above(&mut sure.iter().map(|s| s.none), sure.len()), above(&mut null.iter().copied(), null.len())]
            }),
        }
    }

    /// The queries whose true genes are candidates, in thirds by distance.
    fn thirds(&self) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.queries.len()).filter(|&q| self.distance[q].is_finite()).collect();
        order.sort_by(|&a, &b| self.distance[a].total_cmp(&self.distance[b]));
        let n = order.len();
        (0..STRATA.len()).map(|k| order[k * n / 3..(k + 1) * n / 3].to_vec()).filter(|t| !t.is_empty()).collect()
    }
}

/// Expectation of a random order for a query with this many true genes, of which some may not be candidates.
fn random_query((size, found): (usize, usize), n: usize) -> Metrics {
    random_metrics_at(size, found, n, &KS)
}

/// Percentile interval of a mean.
pub(super) fn bootstrap_mean(values: &[f64], seed: u64) -> [f64; 2] {
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
fn calibration_error(first: &[&Sure]) -> f64 {
    let gap = |bin: usize| {
        let inside = first.iter().filter(|s| ((s.probability * 10.0) as usize).min(9) == bin);
        inside.map(|s| s.probability - f64::from(u8::from(s.right))).sum::<f64>().abs()
    };
    (0..10).map(gap).sum::<f64>() / first.len().max(1) as f64
}
