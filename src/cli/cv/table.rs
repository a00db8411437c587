//! The table of a cross-validation, for people and for programs.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::covariates::Covariates;
use super::curve::{self, CurvePoint};
use super::nested::Nested;
use super::pairs::{self, PairRow};
use super::strata::{self, StratumRow};
use super::text::align;
use crate::data::{Responses, Split};
use crate::graph::GeneGraph;
use crate::predict::OutOfFold;
use crate::score::{CvMetric, CvRow, CvScores, Interval};

/// A model with its out-of-fold predictions and their scores.
pub(super) struct ScoredModel {
    /// Name in the table: the model, its variant in brackets, `.permuted` for the shuffled graph.
    pub(super) name: String,
    pub(super) predictions: OutOfFold,
    pub(super) scores: CvScores,
    pub(super) rows: Vec<CvRow>,
    /// Wall-clock time of all fits and predictions.
    pub(super) seconds: f64,
}

/// Everything a cross-validation found.
pub(in crate::cli) struct Report {
    pub(super) outdir: PathBuf,
    pub(super) models: Vec<ScoredModel>,
    pub(super) ceiling: Option<Vec<CvRow>>,
    /// Choices behind the row `nested`.
    pub(super) nested: Option<Nested>,
    /// Accuracy by training size, where asked for.
    pub(super) curve: Vec<CurvePoint>,
    /// Who gains over the mean.
    pub(super) strata: Vec<StratumRow>,
    /// Every model against every other.
    pub(super) pairs: Vec<PairRow>,
    /// The row that the others are compared with in the text.
    pub(super) compare: Option<String>,
    pub(super) covariates: Covariates,
    n_perturbations: usize,
    n_genes: usize,
    n_folds: usize,
    /// Targets in the graph, and all targets.
    coverage: (usize, usize),
}

impl Report {
    /// A report without models.
    pub(super) fn new(responses: &Responses, split: &Split, graph: &GeneGraph, outdir: PathBuf) -> Self {
        let mut targets: Vec<_> = responses.perturbations.iter().flat_map(|p| p.targets().iter()).collect();
        targets.sort();
        targets.dedup();
        let known = targets.iter().filter(|t| graph.genes().resolve(t).is_some()).count();
        Self {
            outdir,
            models: Vec::new(),
            ceiling: None,
            nested: None,
            curve: Vec::new(),
            strata: Vec::new(),
            pairs: Vec::new(),
            compare: None,
            covariates: Covariates::new(responses, split, graph),
            n_perturbations: responses.len(),
            n_genes: responses.genes.len(),
            n_folds: split.folds.len(),
            coverage: (known, targets.len()),
        }
    }

    /// Scores of the mean, once it has been run.
    pub(super) fn baseline(&self) -> Option<&CvScores> {
        self.scores("mean")
    }

    /// Scores of a row, once it has been run.
    pub(super) fn scores(&self, name: &str) -> Option<&CvScores> {
        self.models.iter().find(|m| m.name == name).map(|m| &m.scores)
    }

    /// Out-of-fold predictions of one model.
    pub(in crate::cli) fn predictions(&self, model: &str) -> Option<&OutOfFold> {
        self.models.iter().find(|m| m.name == model).map(|m| &m.predictions)
    }

    /// Table rows by name, the ceiling last.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &[CvRow])> {
        let models = self.models.iter().map(|m| (m.name.as_str(), m.rows.as_slice()));
        models.chain(self.ceiling.iter().map(|rows| ("ceiling", rows.as_slice())))
    }

    /// The table as aligned text.
    pub(in crate::cli) fn text(&self) -> String {
        let metrics = self.metrics();
        let head = std::iter::once("model".to_owned()).chain(metrics.iter().map(|m| heading(*m)));
        let mut lines = vec![head.collect::<Vec<String>>()];
        lines.extend(self.rows().map(|(name, rows)| line(name, rows, &metrics)));
        let (known, targets) = self.coverage;
        let mut text = format!(
            "{} perturbations x {} genes, {} folds; {known} of {targets} targets are in the graph\n\n{}\n\n",
            self.n_perturbations,
            self.n_genes,
            self.n_folds,
            align(&lines)
        );
        text += "Mean over perturbations [95 % interval, 2000 resamples]; * = the paired difference to the mean baseline is not 0.\n";
        if self.ceiling.is_some() {
            text +=
                "ceiling: one half of the cells and controls against the other half, not corrected to full length.\n";
        }
        let nested = self.nested.as_ref().map(Nested::text);
        let pairs = self.compare.as_ref().map(|reference| pairs::text(&self.pairs, reference));
        let curve = (!self.curve.is_empty()).then(|| curve::text(&self.curve));
        for part in [nested, pairs, curve].into_iter().flatten() {
            text += &format!("\n{part}\n\n");
        }
        text + &format!("Written to {}", self.outdir.display())
    }

    /// The table as one JSON object.
    pub(in crate::cli) fn json(&self) -> Value {
        let models = self.models.iter().map(|m| {
            json!({
                "model": m.name,
                "metrics": metrics_json(&m.rows),
                "n_fallback": m.predictions.n_fallback(),
                "seconds": m.seconds,
                "folds": m.predictions.summaries.iter().map(|(fold, s)| json!({
                    "fold": fold,
                    "values": s.values.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
                })).collect::<Vec<_>>(),
            })
        });
        json!({
            "n_perturbations": self.n_perturbations, "n_genes": self.n_genes, "n_folds": self.n_folds,
            "targets": self.coverage.1, "targets_in_graph": self.coverage.0,
            "models": models.collect::<Vec<_>>(),
            "ceiling": self.ceiling.as_deref().map(metrics_json),
            "paired": pairs::json(&self.pairs),
            "strata": strata::json(&self.strata),
            "nested": self.nested.as_ref().map(Nested::json),
            "curve": curve::json(&self.curve),
            "outdir": self.outdir,
        })
    }

    fn metrics(&self) -> Vec<CvMetric> {
        self.models.first().map(|m| m.rows.iter().map(|r| r.metric).collect()).unwrap_or_default()
    }
}

pub(super) fn heading(metric: CvMetric) -> String {
    let better = if metric.higher_is_better() { "higher" } else { "lower" };
    format!("{} ({better})", metric.name())
}

fn line(name: &str, rows: &[CvRow], metrics: &[CvMetric]) -> Vec<String> {
    let cell = |metric: &CvMetric| {
        let row = rows.iter().find(|r| r.metric == *metric);
        let Some(value) = row.and_then(|r| r.value) else { return "-".into() };
        let differs = row.and_then(|r| r.gain).is_some_and(|g| g.low > 0.0 || g.high < 0.0);
        format!("{:.3} [{:.3}, {:.3}]{}", value.mean, value.low, value.high, if differs { "*" } else { "" })
    };
    std::iter::once(name.to_owned()).chain(metrics.iter().map(cell)).collect()
}

fn metrics_json(rows: &[CvRow]) -> Value {
    let interval =
        |i: Option<Interval>| i.map(|i| json!({ "mean": i.mean, "low95": i.low, "high95": i.high, "n": i.n }));
    let entry = |r: &CvRow| {
        (r.metric.name().to_owned(), json!({ "value": interval(r.value), "gain_over_mean": interval(r.gain) }))
    };
    Value::Object(rows.iter().map(entry).collect())
}
