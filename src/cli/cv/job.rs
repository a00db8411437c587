//! Running the models of a cross-validation.

use super::curve::CurvePoint;
use super::entry::Entry;
use super::nested::Nested;
use super::table::{Report, ScoredModel};
use super::{BASELINES, files};
use crate::cli::error::CliError;
use crate::cli::inputs::Inputs;
use crate::cli::observer::Watcher;
use crate::cli::session::Session;
use crate::data::{Perturbation, Responses, Split};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::nn::Device;
use crate::predict::{
    Candidate, FitSummary, OutOfFold, PredictError, TrainingSize, Validation, cross_validate, cross_validate_at,
    select_nested,
};
use crate::score::{Bootstrap, CvMetric, ceiling_scores, cv_row, cv_scores};
use crate::train::Observer;

/// Everything that is the same for all models.
pub(super) struct Job<'a> {
    pub(super) session: &'a Session,
    pub(super) inputs: &'a Inputs,
    pub(super) responses: &'a Responses,
    pub(super) split: &'a Split,
    pub(super) device: &'a Device,
    pub(super) bootstrap: &'a Bootstrap,
}

impl Job<'_> {
    /// Runs the models, writes the predictions of each when it is done, and fills the report.
    pub(super) fn validate_all(&self, entries: &[Entry], permuted: bool, report: &mut Report) -> Result<(), CliError> {
        for entry in entries {
            self.validate(entry, &self.inputs.graph, &entry.name, report)?;
        }
        if permuted {
            let graph = self.inputs.graph.permuted(self.session.seed);
            for entry in entries.iter().filter(|e| !BASELINES.contains(&e.spec.name)) {
                self.validate(entry, &graph, &format!("{}.permuted", entry.name), report)?;
            }
        }
        if let Some(scores) = ceiling_scores(self.responses, self.split) {
            report.ceiling = Some(cv_row(&scores, None, self.bootstrap));
        }
        Ok(())
    }

    fn validate(&self, entry: &Entry, graph: &GeneGraph, name: &str, report: &mut Report) -> Result<(), CliError> {
        let started = std::time::Instant::now();
        let validation = self.validation(entry, graph);
        let mut predictions = self.watched(|watcher| cross_validate(&validation, watcher))?;
        name.clone_into(&mut predictions.model);
        self.say_coverage(&predictions);
        self.add(predictions, started.elapsed().as_secs_f64(), report)
    }

    /// Scores predictions and puts them into report and folder.
    fn add(&self, predictions: OutOfFold, seconds: f64, report: &mut Report) -> Result<(), CliError> {
        files::write_predictions(&report.outdir, &predictions, &self.labels(), &self.responses.genes)?;
        let scores = cv_scores(self.responses, self.split, &predictions.delta);
        let rows = cv_row(&scores, report.baseline(), self.bootstrap);
        report.models.push(ScoredModel { name: predictions.model.clone(), predictions, scores, rows, seconds });
        Ok(())
    }

    /// The row whose model is chosen anew in each fold, by `metric` in `k` inner folds.
    pub(super) fn nested(
        &self,
        entries: &[Entry],
        k: usize,
        metric: CvMetric,
        report: &mut Report,
    ) -> Result<(), CliError> {
        let started = std::time::Instant::now();
        let candidates: Vec<Candidate<'_>> = entries
            .iter()
            .filter_map(|entry| {
                let out_of_fold = report.predictions(&entry.name)?;
                Some(Candidate { validation: self.validation(entry, &self.inputs.graph), out_of_fold })
            })
            .collect();
        let judge = |truth: &Responses, split: &Split, predicted: &ndarray::Array2<f32>| {
            let scores = cv_scores(truth, split, predicted);
            let values: Vec<f64> = scores.of(metric)?.iter().flatten().copied().collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            Some(if metric.higher_is_better() { mean } else { -mean })
        };
        let Some((out, choices)) = self.watched(|watcher| select_nested(&candidates, k, &judge, watcher))? else {
            return Ok(());
        };
        let names = entries.iter().map(|e| e.name.clone()).collect();
        self.add(out, started.elapsed().as_secs_f64(), report)?;
        report.nested = Some(Nested { metric, names, choices });
        Ok(())
    }

    /// Accuracy of every model at every training size.
    pub(super) fn curve(&self, entries: &[Entry], sizes: &[TrainingSize]) -> Result<Vec<CurvePoint>, CliError> {
        let mut points = Vec::new();
        for entry in entries {
            let validation = self.validation(entry, &self.inputs.graph);
            for &size in sizes {
                let predicted = self.watched(|watcher| cross_validate_at(&validation, size, watcher))?;
                let scores = cv_scores(self.responses, self.split, &predicted.delta);
                let trained = self.split.folds.iter().map(|f| size.of(self.split.n - f.held_out.len()));
                points.push(CurvePoint {
                    model: entry.name.clone(),
                    n_train: trained.sum::<usize>() as f64 / self.split.folds.len() as f64,
                    rows: cv_row(&scores, None, self.bootstrap),
                });
            }
        }
        Ok(points)
    }

    fn validation<'b>(&'b self, entry: &'b Entry, graph: &'b GeneGraph) -> Validation<'b> {
        Validation {
            spec: entry.spec,
            settings: &entry.settings,
            responses: self.responses,
            graph,
            features: &self.inputs.features,
            split: self.split,
            seed: self.session.seed,
            device: self.device,
        }
    }

    /// Runs with a bar, and passes on what was noticed, each once: every fold says the same.
    fn watched<T>(&self, run: impl FnOnce(&mut dyn Observer) -> Result<T, PredictError>) -> Result<T, CliError>
    where
        T: Noticed,
    {
        let mut watcher = Watcher::new(self.session, "folds", None);
        let out = run(&mut watcher);
        let mut notices = watcher.finish();
        let out = out?;
        notices.extend(out.notices());
        let mut said = std::collections::HashSet::new();
        notices.iter().filter(|n| said.insert(n.0.as_str())).for_each(|n| self.session.printer.notice(n));
        Ok(out)
    }

    /// Coverage of the intervals of a calibrated model, each fold's own cross-validation inside its training part.
    fn say_coverage(&self, predicted: &OutOfFold) {
        let of = |(_, summary): &(String, FitSummary)| {
            summary.values.iter().find(|(name, _)| name == "coverage.0.9").map(|(_, value)| *value)
        };
        let shares: Vec<f64> = predicted.summaries.iter().filter_map(of).collect();
        if !shares.is_empty() {
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            self.session.printer.say(format!("intervals of level 0.9 hold {mean:.3} of the held-out changes"));
        }
    }

    /// How the input file writes each perturbation.
    pub(super) fn labels(&self) -> Vec<String> {
        let label = |p: &Perturbation| self.inputs.labels.get(p).cloned().unwrap_or_else(|| p.to_string());
        self.responses.perturbations.iter().map(label).collect()
    }
}

/// Results that carry notices of their fits.
trait Noticed {
    fn notices(&self) -> Vec<Notice>;
}

impl Noticed for OutOfFold {
    fn notices(&self) -> Vec<Notice> {
        self.summaries.iter().flat_map(|(_, summary)| summary.notices.clone()).collect()
    }
}

impl<C> Noticed for Option<(OutOfFold, C)> {
    fn notices(&self) -> Vec<Notice> {
        self.as_ref().map(|(out, _)| out.notices()).unwrap_or_default()
    }
}
