//! `grn fit`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::args::{FeatureArgs, PriorArgs, ScreenArgs};
use super::error::CliError;
use super::inputs::{self, Inputs};
use super::load::RUNS;
use super::observer::Watcher;
use super::plan::{Plan, Survey};
use super::session::Session;
use crate::data::{Condition, Perturbation, Pseudobulk, Responses, Split};
use crate::error::{ExitStatus, Notice};
use crate::io;
use crate::nn::{Device, device_name, parse_device};
use crate::predict::{self, Calibration, CalibrationMode, FitSummary, PredictError, Predictor, Spec, Task, Validation};
use crate::run::{Manifest, Recorder, RunDir, RunError, Status};

/// Arguments of `grn fit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn fit --prior networks/hesc.string.protein.links.txt
  grn fit screen.h5ad --prior string.tsv --prior collectri.tsv --outdir runs/mine
  grn fit screen.h5ad --prior string.tsv --hold-out STAT1,STAT2")]
pub(super) struct FitArgs {
    /// Screen: cells, a pseudobulk or an effect table (default: `data.screen`, else the embedded simulated screen)
    screen: Option<PathBuf>,
    /// Model to fit (default: the setting `model`)
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Fold table (TSV: target_gene, fold, or that of `grn data split`); perturbations whose fold is `test`, `val` or `out` are
    /// not learned from
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// Perturbations not to learn from, separated by commas; repeatable
    #[arg(long, value_delimiter = ',', value_name = "LABEL")]
    hold_out: Vec<String>,
    /// What predicted effects are scaled for: mae, balanced, rank, or none (no calibration and no intervals)
    #[arg(long, default_value = "balanced", value_name = "MODE")]
    calibrate: CalibrationMode,
    #[command(flatten)]
    priors: PriorArgs,
    #[command(flatten)]
    features: FeatureArgs,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// Words of a fold table for what is not learned from.
const HELD_OUT: [&str; 3] = ["test", "val", "out"];

/// What a model does not learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldOut {
    perturbation: Perturbation,
    /// In this cell type alone; `None`: in all of them.
    cell_type: Option<String>,
}

impl HeldOut {
    fn holds(&self, condition: &Condition) -> bool {
        let in_type = self.cell_type.as_deref().is_none_or(|t| condition.cell_type.as_deref() == Some(t));
        in_type && self.perturbation == condition.perturbation
    }
}

/// How a fit ended.
pub(super) enum Outcome {
    /// Finished; the manifest says with what.
    Complete(Box<Manifest>),
    /// Stopped by the user after so many steps, with a checkpoint.
    Interrupted { step: u64, of: u64 },
}

pub(super) fn run(args: FitArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let model = args.model.clone().unwrap_or_else(|| session.settings.model.clone());
    let spec = predict::spec(&model)?;
    // Wrong settings are told before a long read, not after it.
    (spec.build)(&inputs::model_settings(session, spec.name))?;
    parse_device(&session.device)?;
    if session.plans() && dry_run(&args, session, spec.name)? {
        return Ok(ExitStatus::Done);
    }
    let inputs =
        inputs::read(session, args.screen.as_deref(), &args.screen_options, &args.priors, &args.features, true)?;
    let held_out = held_out(&args, &inputs.table.conditions, &inputs.table.control_label)?;
    let dir =
        session.outdir.clone().map_or_else(|| RunDir::fresh(Path::new(RUNS), spec.name, session.seed), RunDir::at);
    match fit_into(session, &dir, spec, &inputs, &held_out, args.calibrate)? {
        Outcome::Complete(record) => finished(session, &dir, &record),
        Outcome::Interrupted { step, of } => {
            interrupted(session, &dir, step, of);
            Ok(ExitStatus::Interrupted)
        }
    }
}

/// Fits a model on the perturbations that are not held out, and writes its run directory.
pub(super) fn fit_into(
    session: &Session,
    dir: &RunDir,
    spec: &Spec,
    inputs: &Inputs,
    held_out: &[HeldOut],
    mode: CalibrationMode,
) -> Result<Outcome, CliError> {
    let device = parse_device(&session.device)?;
    let settings = inputs::model_settings(session, spec.name);
    let mut predictor = (spec.build)(&settings)?;
    let (table, responses) = training_part(&inputs.table, held_out)?;
    inputs::check_coverage(&inputs.graph, &responses)?;
    session.printer.say(describe(spec.name, &responses, inputs));
    let checkpoints = dir.checkpoints();
    let task = Task {
        responses: &responses,
        graph: &inputs.graph,
        features: &inputs.features,
        seed: session.seed,
        device: &device,
        checkpoint: Some(&checkpoints),
        resume: session.resume,
    };
    predictor.check(&task)?;
    let used = if predictor.uses_device() { device_name(&device) } else { device_name(&Device::Cpu) };
    let mut record = begin(session, dir, spec.name, used, inputs, &responses)?;
    save_inputs(session, dir, spec.name, inputs, &table, held_out)?;
    let recorder = Recorder::open(&dir.metrics(), !session.resume)?;
    let mut watcher = Watcher::new(session, "fitting", Some(recorder));
    let mut fitted = predictor.fit(&task, &mut watcher).map(|summary| (summary, None));
    record.notices.extend(watcher.finish());
    if mode != CalibrationMode::None
        && let Ok((summary, _)) = fitted
    {
        fitted = calibrate(session, spec, &settings, &task, predictor.as_ref(), mode).map(|(calibration, found)| {
            let values = summary.values.into_iter().chain(found.values).collect();
            let notices = summary.notices.into_iter().chain(found.notices).collect();
            (FitSummary { values, notices }, calibration)
        });
    }
    match fitted {
        Ok((summary, calibration)) => {
            let record = finish(session, dir, record, predictor.as_ref(), calibration.as_ref(), summary)?;
            Ok(Outcome::Complete(Box::new(record)))
        }
        Err(PredictError::Interrupted { step, of }) => {
            record.finish(Status::Interrupted);
            record.write(&dir.join("manifest.json"))?;
            Ok(Outcome::Interrupted { step, of })
        }
        Err(error) => Err(error.into()),
    }
}

/// Calibrates the fitted model on what it was fitted on.
fn calibrate(
    session: &Session,
    spec: &Spec,
    settings: &toml::Table,
    task: &Task<'_>,
    predictor: &dyn Predictor,
    mode: CalibrationMode,
) -> Result<(Option<Calibration>, FitSummary), PredictError> {
    let (responses, graph, features, seed, device) =
        (task.responses, task.graph, task.features, task.seed, task.device);
    // The calibration makes its own split.
    let split = &Split { n: responses.len(), folds: Vec::new() };
    let validation = Validation { spec, settings, responses, graph, features, split, seed, device };
    let mut watcher = Watcher::new(session, "calibrating", None);
    let calibrated = Calibration::fit(predictor, &validation, mode, &mut watcher);
    watcher.finish();
    calibrated
}

/// Perturbations that the user keeps back.
fn held_out(args: &FitArgs, conditions: &[Condition], control_label: &str) -> Result<Vec<HeldOut>, CliError> {
    let mut labels: Vec<(String, Option<String>)> = args.hold_out.iter().map(|label| (label.clone(), None)).collect();
    if let Some(path) = &args.split {
        let rows = io::read_fold_rows(path)?.into_iter().filter(|row| HELD_OUT.contains(&row.fold.as_str()));
        labels.extend(rows.map(|row| (row.label, row.cell_type)));
    }
    // Where cells of all types are one condition, what is held out in one type is held out altogether.
    let by_type = conditions.iter().any(|c| c.cell_type.is_some());
    let known: Vec<&Perturbation> = conditions.iter().map(|c| &c.perturbation).collect();
    let parse = |(label, cell_type): &(String, Option<String>)| {
        let perturbation = Perturbation::parse(label, control_label)?;
        if known.contains(&&perturbation) {
            let cell_type = cell_type.clone().filter(|_| by_type);
            return Ok(HeldOut { perturbation, cell_type });
        }
        let names: Vec<String> = known.iter().map(ToString::to_string).collect();
        let suggestions = crate::data::suggest(label, names.iter().map(String::as_str));
        Err(crate::data::DataError::UnknownPerturbation { label: label.clone(), suggestions }.into())
    };
    labels.iter().map(parse).collect()
}

/// The table without the held-out perturbations, and what it says per perturbation.
fn training_part(table: &Pseudobulk, held_out: &[HeldOut]) -> Result<(Pseudobulk, Responses), CliError> {
    let keep: Vec<usize> =
        (0..table.conditions.len()).filter(|&i| !held_out.iter().any(|h| h.holds(&table.conditions[i]))).collect();
    let table = table.select(&keep);
    let responses = Responses::from_pseudobulk(&table)?;
    Ok((table, responses))
}

fn describe(model: &str, responses: &Responses, inputs: &Inputs) -> String {
    format!(
        "fitting `{model}` on {} perturbations x {} genes with a graph of {} genes and {} edges",
        responses.len(),
        responses.genes.len(),
        inputs.graph.n_genes(),
        inputs.graph.n_edges()
    )
}

/// Reads labels and priors, no expression.
fn dry_run(args: &FitArgs, session: &Session, model: &str) -> Result<bool, CliError> {
    let survey = Survey::of(session, args.screen.as_deref(), &args.screen_options, &args.priors)?;
    let held_out = held_out(args, &survey.conditions, &survey.control_label)?;
    let trained = survey.conditions.iter().filter(|c| !c.perturbation.is_control());
    let trained = trained.filter(|c| !held_out.iter().any(|h| h.holds(c))).map(|c| &c.perturbation);
    let n = trained.collect::<std::collections::BTreeSet<_>>().len();
    let dir =
        session.outdir.clone().unwrap_or_else(|| RunDir::fresh(Path::new(RUNS), model, session.seed).path().into());
    let plan = Plan::new(format!("fit `{model}` on {n} perturbations of {}", survey.source));
    session.plan(&survey.sizes(plan).writes(dir).costs(survey.work.fit(model)))
}

/// Opens the run directory and writes its first manifest.
fn begin(
    session: &Session,
    dir: &RunDir,
    model: &str,
    device: &str,
    inputs: &Inputs,
    responses: &Responses,
) -> Result<Manifest, CliError> {
    if session.resume {
        if dir.join("manifest.json").exists() {
            check_same_run(session, dir, model)?;
        } else {
            let text = format!("`{}` holds no run yet: it begins at the first step", dir.path().display());
            session.printer.notice(&Notice::new(text));
        }
        for folder in [dir.path().to_owned(), dir.checkpoints(), dir.model()] {
            io::remove_stale(&folder)?;
        }
    }
    session.prepare_outdir(dir.path())?;
    let mut record = Manifest::new(model, session.seed);
    record.argv.clone_from(&session.command);
    record.threads = session.threads;
    device.clone_into(&mut record.device);
    inputs.describe(responses, &mut record)?;
    record.write(&dir.join("manifest.json"))?;
    Ok(record)
}

/// A run is continued only by the same model and seed.
fn check_same_run(session: &Session, dir: &RunDir, model: &str) -> Result<(), CliError> {
    let earlier = dir.manifest()?;
    if earlier.model == model && earlier.seed == session.seed {
        return Ok(());
    }
    let expected = format!("model `{}` and seed {}", earlier.model, earlier.seed);
    let got = format!("model `{model}` and seed {}", session.seed);
    Err(RunError::Format { path: dir.path().to_owned(), expected, got }.into())
}

/// Everything that predicting and ranking need besides the model.
fn save_inputs(
    session: &Session,
    dir: &RunDir,
    model: &str,
    inputs: &Inputs,
    table: &Pseudobulk,
    held_out: &[HeldOut],
) -> Result<(), CliError> {
    io::write_graph(&dir.graph(), &inputs.graph)?;
    io::write_pseudobulk(&dir.responses(), table)?;
    // Those of an earlier run in this folder are none of this one's.
    let _ = std::fs::remove_dir_all(dir.features());
    io::write_feature_tables(&dir.features(), &inputs.features)?;
    let genes: String = table.genes.names().iter().map(|g| format!("{g}\n")).collect();
    write_text(&dir.join("genes.tsv"), &format!("gene\n{genes}"))?;
    let trained = table.conditions.iter().map(|c| &c.perturbation).filter(|p| !p.is_control());
    let mut rows: Vec<String> = trained.map(|p| format!("{p}\ttrain\n")).collect();
    let trained: std::collections::HashSet<String> = rows.iter().cloned().collect();
    // What is learned from in another cell type is not new to the model.
    let new = held_out.iter().map(|h| &h.perturbation).filter(|p| !trained.contains(&format!("{p}\ttrain\n")));
    rows.extend(new.map(|p| format!("{p}\ttest\n")));
    rows.sort();
    rows.dedup();
    write_text(&dir.join("split.tsv"), &format!("target_gene\tfold\n{}", rows.concat()))?;
    let settings = inputs::effective_settings(session, model, inputs);
    write_text(&dir.config(), &toml::to_string(&settings).unwrap_or_default())
}

pub(super) fn write_text(path: &Path, text: &str) -> Result<(), CliError> {
    io::write_atomic(path, |w| w.write_all(text.as_bytes()).map_err(|e| io::IoError::write(path, e).into()))
}

fn finish(
    session: &Session,
    dir: &RunDir,
    mut record: Manifest,
    predictor: &dyn Predictor,
    calibration: Option<&Calibration>,
    summary: FitSummary,
) -> Result<Manifest, CliError> {
    predictor.save(&dir.model())?;
    match calibration {
        Some(calibration) => calibration.save(&dir.model())?,
        // One of an earlier fit in this folder does not belong to this model.
        None => Calibration::remove(&dir.model())?,
    }
    let _ = std::fs::remove_dir_all(dir.checkpoints());
    summary.notices.iter().for_each(|n| session.printer.notice(n));
    record.notices.extend(summary.notices);
    record.summary = summary.values;
    record.finish(Status::Complete);
    record.write(&dir.join("manifest.json"))?;
    Ok(record)
}

fn finished(session: &Session, dir: &RunDir, record: &Manifest) -> Result<ExitStatus, CliError> {
    session.printer.result(
        || json!({ "run": dir.path(), "model": record.model, "seconds": record.wall_secs, "summary": record.summary }),
        || finished_text(dir, record),
    )?;
    session.printer.say("next: `grn predict --pert GENE`, `grn rank --signature FILE`, `grn report`");
    Ok(ExitStatus::Done)
}

fn finished_text(dir: &RunDir, record: &Manifest) -> String {
    let values: String = record.summary.iter().map(|(name, value)| format!("  {name:<28} {value:.4}\n")).collect();
    format!("{values}run written to {} in {:.1} s", dir.path().display(), record.wall_secs)
}

fn interrupted(session: &Session, dir: &RunDir, step: u64, of: u64) {
    let kept = |a: &String| a != "--overwrite" && a != "--resume";
    let again = session.command.iter().skip(1).filter(|a| kept(a)).cloned().collect::<Vec<_>>().join(" ");
    let outdir = if session.outdir.is_some() { String::new() } else { format!(" --outdir {}", dir.path().display()) };
    session.printer.notice(&Notice::new(format!("interrupted after {step} of {of} steps; the state is saved")));
    session.printer.say(format!("continue with `grn {again}{outdir} --resume`"));
}
