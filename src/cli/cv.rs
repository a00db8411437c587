//! `grn cv`.

mod covariates;
mod curve;
mod entry;
mod files;
mod job;
mod nested;
mod pairs;
mod strata;
mod table;
mod text;

pub(super) use self::table::Report;
pub(super) use self::text::align;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use clap::Args;

use self::entry::{Entry, entries};
use self::job::Job;
use super::args::{FeatureArgs, PriorArgs, ScreenArgs};
use super::error::CliError;
use super::inputs::{self, Inputs};
use super::plan::{self, Survey};
use super::session::Session;
use crate::data::{Responses, Split};
use crate::error::{ExitStatus, Notice};
use crate::io;
use crate::nn::parse_device;
use crate::predict::{CalibrationMode, PredictError};
use crate::run::{Manifest, Status};
use crate::score::{Bootstrap, CvMetric};

/// Models that are in every table, so that no number stands alone.
const BASELINES: [&str; 2] = ["mean", "linear"];
/// Resamples behind each interval.
const RESAMPLES: usize = 2000;

/// Arguments of `grn cv`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn cv screen.h5ad --prior string.tsv --model graph-kernel --outdir cv
  grn cv effects.h5ad --prior string.tsv --folds folds.tsv --permuted --outdir cv --json
  grn cv screen.h5ad --prior string.tsv --model mean,linear,graph-kernel --nested --compare graph-kernel --outdir cv
  grn cv screen.h5ad --prior string.tsv --curve 0.25,0.5,1 --without-channel string.coexpression --outdir cv")]
pub(super) struct CvArgs {
    /// Screen: cells, a pseudobulk or an effect table (default: `data.screen`, else the embedded simulated screen)
    screen: Option<PathBuf>,
    /// Models, separated by commas; repeatable; `mean` and `linear` are always added (default: the setting `model`)
    #[arg(long = "model", value_delimiter = ',', value_name = "NAME")]
    models: Vec<String>,
    /// Fold table (TSV: target_gene, fold); rows of the fold `train` are never held out, rows of `out` are left out
    #[arg(long, value_name = "FILE", conflicts_with = "k")]
    folds: Option<PathBuf>,
    /// Number of folds drawn by the seed, where no fold table is given
    #[arg(long, default_value_t = 5, value_name = "N")]
    k: usize,
    /// Run every model on the graph with its gene names shuffled too: what is left then does not come from the graph
    #[arg(long)]
    permuted: bool,
    /// One more row for a model with other settings, `no-trees:models.grn.trees=false`; repeatable
    #[arg(long = "variant", value_name = "NAME:KEY=VALUE[,KEY=VALUE]")]
    variants: Vec<String>,
    /// One more row for each value of a setting, and for each combination where repeated: `models.linear.rank=5,10`
    #[arg(long, value_name = "KEY=VALUE,VALUE")]
    grid: Vec<String>,
    /// Add a row `nested`: the models and settings asked for compete in inner folds of each training part, and the fold judges
    /// the winner (also the setting `cv.nested`)
    #[arg(long)]
    nested: bool,
    /// Metric by which `--nested` chooses (default: the setting `cv.criterion`)
    #[arg(long, value_name = "METRIC")]
    criterion: Option<String>,
    /// Print the paired differences to this row; with variants, to the model they vary unless another is named
    #[arg(long, value_name = "MODEL")]
    compare: Option<String>,
    /// Accuracy with fewer training perturbations: shares such as 0.25,0.5,0.75,1 or numbers such as 20,40,80
    #[arg(long, value_delimiter = ',', value_name = "SIZES")]
    curve: Vec<String>,
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
    let entries: Vec<Entry> = entries(&args, session)?.into_iter().map(|e| e.calibrated(args.calibrate)).collect();
    let plan = Plan::new(&args, session, &entries)?;
    let outdir = session.outdir.clone().unwrap_or_else(|| PathBuf::from("cv"));
    if session.plans() && dry_run(&args, session, &entries, &outdir)? {
        return Ok(ExitStatus::Done);
    }
    let mut inputs =
        inputs::read(session, args.screen.as_deref(), &args.screen_options, &args.priors, &args.features, true)?;
    if let Some(path) = &args.folds {
        leave_out(path, session, &mut inputs)?;
    }
    let responses = Responses::from_pseudobulk(&inputs.table)?;
    inputs::check_coverage(&inputs.graph, &responses)?;
    let split = split(&args, session, &inputs, &responses)?;
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let what = format!("{} perturbations in {} folds with {}", responses.len(), split.folds.len(), names.join(", "));
    session.printer.say(format!("cross-validating {what}"));
    session.prepare_outdir(&outdir)?;
    let report = Report::new(&responses, &split, &inputs.graph, outdir);
    let Some(report) = judge(session, &inputs, &responses, &split, &entries, &plan, report)? else {
        session.printer.notice(&Notice::new("interrupted: only the models that were done have been written"));
        return Ok(ExitStatus::Interrupted);
    };
    session.printer.detail(strata::text(&report.strata));
    session.printer.result(|| report.json(), || report.text())?;
    Ok(ExitStatus::Done)
}

/// Reads labels and priors, no expression.
fn dry_run(args: &CvArgs, session: &Session, entries: &[Entry], outdir: &Path) -> Result<bool, CliError> {
    let survey = Survey::of(session, args.screen.as_deref(), &args.screen_options, &args.priors)?;
    let n_folds = match &args.folds {
        None => args.k,
        Some(path) => {
            let folds = io::read_folds(path)?.into_iter().map(|(_, fold)| fold);
            folds.filter(|fold| fold != "train" && fold != "out").collect::<BTreeSet<_>>().len()
        }
    };
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let rounds = if args.permuted { 2 } else { 1 };
    let cost = survey.work.cross_validate(entries.iter().map(|e| e.spec.name), rounds * n_folds);
    let n = survey.perturbations().len();
    let what =
        format!("cross-validate {} on {n} perturbations of {} in {n_folds} folds", names.join(", "), survey.source);
    session.plan(&survey.sizes(plan::Plan::new(what)).writes(outdir).costs(cost))
}

/// Cross-validates models beside the baselines in five folds, and writes predictions and tables to `outdir`.
pub(super) fn validate(session: &Session, inputs: &Inputs, models: &[&str], outdir: &Path) -> Result<Report, CliError> {
    let responses = Responses::from_pseudobulk(&inputs.table)?;
    let split = Split::seeded(responses.len(), 5, session.seed)?;
    let names = BASELINES.iter().chain(models);
    let entries = names.map(|name| Entry::plain(name, session, true)).collect::<Result<Vec<_>, _>>()?;
    std::fs::create_dir_all(outdir).map_err(|e| io::IoError::write(outdir, e))?;
    let report = Report::new(&responses, &split, &inputs.graph, outdir.to_owned());
    let plan = Plan::default();
    let done = judge(session, inputs, &responses, &split, &entries, &plan, report)?;
    done.ok_or_else(|| PredictError::Interrupted { step: 0, of: entries.len() as u64 }.into())
}

/// What is done besides one row per model.
#[derive(Default)]
struct Plan {
    permuted: bool,
    /// Inner folds and metric of the row `nested`.
    nested: Option<(usize, CvMetric)>,
    compare: Option<String>,
    curve: Vec<crate::predict::TrainingSize>,
}

impl Plan {
    /// From arguments, else settings; checked before anything is read.
    fn new(args: &CvArgs, session: &Session, entries: &[Entry]) -> Result<Self, CliError> {
        let settings = &session.settings.cv;
        let criterion = args.criterion.as_ref().unwrap_or(&settings.criterion);
        let known = CvMetric::ALL.map(CvMetric::name).join(", ");
        let metric = CvMetric::named(criterion)
            .ok_or_else(|| CliError::usage("--criterion", known, format!("`{criterion}`"), None))?;
        let nested = (args.nested || settings.nested).then_some((settings.inner, metric));
        let varied = entries.iter().find_map(|e| e.variant_of).map(str::to_owned);
        let compare = args.compare.clone().or(varied);
        let mut rows: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
        rows.extend(nested.map(|_| "nested"));
        if let Some(reference) = compare.as_ref().filter(|c| !rows.contains(&c.as_str())) {
            return Err(CliError::usage("--compare", rows.join(", "), format!("`{reference}`"), None));
        }
        Ok(Self { permuted: args.permuted, nested, compare, curve: curve::sizes(&args.curve)? })
    }
}

/// Runs everything and writes it; `None` where it was interrupted (what was done by then is written).
fn judge(
    session: &Session,
    inputs: &Inputs,
    responses: &Responses,
    split: &Split,
    entries: &[Entry],
    plan: &Plan,
    mut report: Report,
) -> Result<Option<Report>, CliError> {
    let started = jiff::Timestamp::now();
    let device = parse_device(&session.device)?;
    let bootstrap = Bootstrap::new(responses.len(), RESAMPLES, session.seed);
    let job = Job { session, inputs, responses, split, device: &device, bootstrap: &bootstrap };
    match run_all(&job, entries, plan, &mut report) {
        Err(CliError::Predict(PredictError::Interrupted { .. })) => return Ok(None),
        other => other?,
    }
    report.compare.clone_from(&plan.compare);
    report.pairs = pairs::pairs(&report, &bootstrap);
    report.strata = strata::strata(&report, &report.covariates, &bootstrap);
    files::write_tables(&report, &job.labels(), split)?;
    let record = record(session, inputs, responses, entries, started)?;
    files::write_about(&report, inputs, &record)?;
    Ok(Some(report))
}

/// What the cross-validation was, as a fit records it.
fn record(
    session: &Session,
    inputs: &Inputs,
    responses: &Responses,
    entries: &[Entry],
    started: jiff::Timestamp,
) -> Result<Manifest, CliError> {
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let mut record = Manifest::new(&names.join(", "), session.seed);
    record.started = started;
    record.argv.clone_from(&session.command);
    record.threads = session.threads;
    inputs.describe(responses, &mut record)?;
    record.finish(Status::Complete);
    Ok(record)
}

fn run_all(job: &Job<'_>, entries: &[Entry], plan: &Plan, report: &mut Report) -> Result<(), CliError> {
    job.validate_all(entries, plan.permuted, report)?;
    if let Some((k, metric)) = plan.nested {
        let asked: Vec<Entry> = entries.iter().filter(|e| e.asked).cloned().collect();
        job.nested(&asked, k, metric, report)?;
    }
    report.curve = job.curve(entries, &plan.curve)?;
    Ok(())
}

/// Takes the perturbations of the fold `out` out of the table.
fn leave_out(path: &Path, session: &Session, inputs: &mut Inputs) -> Result<(), CliError> {
    let out: BTreeSet<String> =
        labelled(path, inputs)?.into_iter().filter(|(_, fold)| fold == "out").map(|r| r.0).collect();
    if out.is_empty() {
        return Ok(());
    }
    let stays = |i: &usize| !out.contains(&inputs.table.conditions[*i].perturbation.to_string());
    let kept: Vec<usize> = (0..inputs.table.conditions.len()).filter(stays).collect();
    inputs.table = inputs.table.select(&kept);
    session.printer.notice(&Notice::new(format!("{} perturbations of the fold `out` are left out", out.len())));
    Ok(())
}

/// Rows of a fold table, labels of the screen turned into names of perturbations, without the control.
fn labelled(path: &Path, inputs: &Inputs) -> Result<Vec<(String, String)>, CliError> {
    let canonical: HashMap<&str, String> =
        inputs.labels.iter().map(|(perturbation, label)| (label.as_str(), perturbation.to_string())).collect();
    let rows = io::read_folds(path)?.into_iter().filter(|(label, _)| *label != inputs.table.control_label);
    Ok(rows.map(|(label, fold)| (canonical.get(label.as_str()).cloned().unwrap_or(label), fold)).collect())
}

/// The folds of the table, its labels read as the screen's own; else drawn by the seed.
fn split(args: &CvArgs, session: &Session, inputs: &Inputs, responses: &Responses) -> Result<Split, CliError> {
    let Some(path) = &args.folds else { return Ok(Split::seeded(responses.len(), args.k, session.seed)?) };
    let rows: Vec<(String, String)> = labelled(path, inputs)?.into_iter().filter(|(_, fold)| fold != "out").collect();
    Ok(Split::from_labels(&responses.perturbations, &rows)?)
}
