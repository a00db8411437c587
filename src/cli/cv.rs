//! `grn cv`.

mod files;
mod table;

pub(super) use self::table::Report;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;

use self::table::ScoredModel;
use super::args::{FeatureArgs, PriorArgs, ScreenArgs};
use super::error::CliError;
use super::inputs::{self, Inputs};
use super::observer::Watcher;
use super::session::Session;
use crate::data::{Perturbation, Responses, Split};
use crate::error::{ExitStatus, Notice};
use crate::graph::GeneGraph;
use crate::io;
use crate::nn::parse_device;
use crate::predict::{
    CALIBRATED, CalibrationMode, FitSummary, OutOfFold, PredictError, Spec, Validation, calibrated_settings,
    cross_validate, spec,
};
use crate::score::{Bootstrap, ceiling_scores, cv_row, cv_scores};

/// Models that are in every table, so that no number stands alone.
const BASELINES: [&str; 2] = ["mean", "linear"];
/// Resamples behind each interval.
const RESAMPLES: usize = 2000;

/// Arguments of `grn cv`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn cv screen.h5ad --prior string.tsv --model graph-kernel --outdir cv
  grn cv effects.h5ad --prior string.tsv --folds folds.tsv --permuted --outdir cv --json")]
pub(super) struct CvArgs {
    /// Screen: cells, a pseudobulk or an effect table (default: `data.screen`, else the embedded simulated screen)
    screen: Option<PathBuf>,
    /// Models, separated by commas; repeatable; `mean` and `linear` are always added (default: the setting `model`)
    #[arg(long = "model", value_delimiter = ',', value_name = "NAME")]
    models: Vec<String>,
    /// Fold table (TSV: target_gene, fold)
    #[arg(long, value_name = "FILE", conflicts_with = "k")]
    folds: Option<PathBuf>,
    /// Number of folds drawn by the seed, where no fold table is given
    #[arg(long, default_value_t = 5, value_name = "N")]
    k: usize,
    /// Run every model on the graph with its gene names shuffled too: what is left then does not come from the graph
    #[arg(long)]
    permuted: bool,
    /// Calibrate every model inside its folds, as `grn fit` does, and scale for: mae, balanced, or rank
    #[arg(long, default_value = "none", hide_default_value = true, value_name = "MODE")]
    calibrate: CalibrationMode,
    #[command(flatten)]
    priors: PriorArgs,
    #[command(flatten)]
    features: FeatureArgs,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

pub(super) fn run(args: CvArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let specs = specs(&args, session)?;
    let inputs =
        inputs::read(session, args.screen.as_deref(), &args.screen_options, &args.priors, &args.features, true)?;
    let responses = Responses::from_pseudobulk(&inputs.table)?;
    inputs::check_coverage(&inputs.graph, &responses)?;
    let split = split(&args, session, &inputs, &responses)?;
    let names: Vec<&str> = specs.iter().map(|s| s.name).collect();
    let what = format!("{} perturbations in {} folds with {}", responses.len(), split.folds.len(), names.join(", "));
    session.printer.say(format!("cross-validating {what}"));
    if session.dry_run {
        return Ok(ExitStatus::Done);
    }
    let outdir = session.outdir.clone().unwrap_or_else(|| PathBuf::from("cv"));
    session.prepare_outdir(&outdir)?;
    let mode = args.calibrate;
    let job = Job { session, inputs: &inputs, responses: &responses, split: &split, mode };
    let mut report = Report::new(&responses, &split, &inputs.graph, outdir);
    match job.validate_all(&specs, args.permuted, &mut report) {
        Err(CliError::Predict(PredictError::Interrupted { .. })) => {
            session.printer.notice(&Notice::new("interrupted: only the models that were done have been written"));
            return Ok(ExitStatus::Interrupted);
        }
        other => other?,
    }
    files::write_tables(&report, &job.labels(), &split)?;
    session.printer.result(|| report.json(), || report.text())?;
    Ok(ExitStatus::Done)
}

/// Cross-validates models beside the baselines in five folds, and writes predictions and tables to `outdir`.
pub(super) fn validate(session: &Session, inputs: &Inputs, models: &[&str], outdir: &Path) -> Result<Report, CliError> {
    let responses = Responses::from_pseudobulk(&inputs.table)?;
    let split = Split::seeded(responses.len(), 5, session.seed)?;
    let specs = BASELINES.iter().chain(models).map(|name| spec(name)).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(outdir).map_err(|e| io::IoError::write(outdir, e))?;
    let mode = CalibrationMode::None;
    let job = Job { session, inputs, responses: &responses, split: &split, mode };
    let mut report = Report::new(&responses, &split, &inputs.graph, outdir.to_owned());
    job.validate_all(&specs, false, &mut report)?;
    files::write_tables(&report, &job.labels(), &split)?;
    Ok(report)
}

/// The baselines, then the models asked for, each once.
fn specs(args: &CvArgs, session: &Session) -> Result<Vec<&'static Spec>, CliError> {
    let asked = if args.models.is_empty() { vec![session.settings.model.clone()] } else { args.models.clone() };
    let mut names: Vec<&str> = BASELINES.to_vec();
    for name in asked.iter().map(|n| n.trim()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names.into_iter().map(spec).collect::<Result<_, _>>()?)
}

/// The folds of the table, its labels read as the screen's own; else drawn by the seed.
fn split(args: &CvArgs, session: &Session, inputs: &Inputs, responses: &Responses) -> Result<Split, CliError> {
    let Some(path) = &args.folds else { return Ok(Split::seeded(responses.len(), args.k, session.seed)?) };
    let canonical: HashMap<&str, String> =
        inputs.labels.iter().map(|(perturbation, label)| (label.as_str(), perturbation.to_string())).collect();
    let rows = io::read_folds(path)?.into_iter().filter(|(label, _)| *label != inputs.table.control_label);
    let rows: Vec<(String, String)> =
        rows.map(|(label, fold)| (canonical.get(label.as_str()).cloned().unwrap_or(label), fold)).collect();
    Ok(Split::from_labels(&responses.perturbations, &rows)?)
}

/// Everything that is the same for all models.
struct Job<'a> {
    session: &'a Session,
    inputs: &'a Inputs,
    responses: &'a Responses,
    split: &'a Split,
    /// Calibration of the models that are not baselines.
    mode: CalibrationMode,
}

impl Job<'_> {
    /// Runs the models, writes the predictions of each when it is done, and fills the report.
    fn validate_all(&self, specs: &[&Spec], permuted: bool, report: &mut Report) -> Result<(), CliError> {
        let bootstrap = Bootstrap::new(self.responses.len(), RESAMPLES, self.session.seed);
        for spec in specs {
            self.validate(spec, &self.inputs.graph, spec.name, report, &bootstrap)?;
        }
        let shuffled = permuted.then(|| self.inputs.graph.permuted(self.session.seed));
        if let Some(graph) = &shuffled {
            for spec in specs.iter().filter(|s| !BASELINES.contains(&s.name)) {
                self.validate(spec, graph, &format!("{}.permuted", spec.name), report, &bootstrap)?;
            }
        }
        if let Some(scores) = ceiling_scores(self.responses, self.split) {
            report.ceiling = Some(cv_row(&scores, None, &bootstrap));
        }
        Ok(())
    }

    fn validate(
        &self,
        spec: &Spec,
        graph: &GeneGraph,
        name: &str,
        report: &mut Report,
        bootstrap: &Bootstrap,
    ) -> Result<(), CliError> {
        let started = std::time::Instant::now();
        let mut predictions = self.predict(spec, graph)?;
        name.clone_into(&mut predictions.model);
        let seconds = started.elapsed().as_secs_f64();
        files::write_predictions(&report.outdir, &predictions, &self.labels(), &self.responses.genes)?;
        let scores = cv_scores(self.responses, self.split, &predictions.delta);
        let rows = cv_row(&scores, report.baseline(), bootstrap);
        report.models.push(ScoredModel { name: name.to_owned(), predictions, scores, rows, seconds });
        Ok(())
    }

    fn predict(&self, spec: &Spec, graph: &GeneGraph) -> Result<OutOfFold, CliError> {
        let settings = inputs::model_settings(self.session, spec.name);
        let device = parse_device(&self.session.device)?;
        let (responses, split, seed) = (self.responses, self.split, self.session.seed);
        let features = &self.inputs.features;
        let calibrated = self.mode != CalibrationMode::None && !BASELINES.contains(&spec.name);
        let (spec, settings) = if calibrated {
            (&CALIBRATED, calibrated_settings(spec.name, self.mode, &settings))
        } else {
            (spec, settings)
        };
        let validation =
            Validation { spec, settings: &settings, responses, graph, features, split, seed, device: &device };
        let mut watcher = Watcher::new(self.session, "folds", None);
        let predicted = cross_validate(&validation, &mut watcher);
        let mut notices = watcher.finish();
        let predicted = predicted?;
        notices.extend(predicted.summaries.iter().flat_map(|(_, summary)| summary.notices.clone()));
        if calibrated {
            self.say_coverage(&predicted);
        }
        // Every fold says the same.
        let mut said = std::collections::HashSet::new();
        notices.iter().filter(|n| said.insert(n.0.as_str())).for_each(|n| self.session.printer.notice(n));
        Ok(predicted)
    }

    /// Coverage of the intervals, each fold's own cross-validation inside its training part.
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
    fn labels(&self) -> Vec<String> {
        let label = |p: &Perturbation| self.inputs.labels.get(p).cloned().unwrap_or_else(|| p.to_string());
        self.responses.perturbations.iter().map(label).collect()
    }
}
