//! `grn predict`.

pub(super) mod cells;
mod gi;
mod output;
mod stream;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::error::CliError;
use super::fit::write_text;
use super::load::{LoadedRun, load_run};
use super::plan::{Plan, Work};
use super::session::Session;
use crate::data::Perturbation;
use crate::error::{ExitStatus, Notice};
use crate::io;
use crate::predict::{Basis, CalibrationMode, Estimate};

/// Arguments of `grn predict`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn predict --pert KDM1A
  grn predict --pert JAK2+STAT1 --gi --run runs/papalexi
  grn predict --perts genes.txt --format h5ad -o predictions.h5ad
  grn predict --pert KDM1A --cells 200 --controls screen.h5ad --with-controls -o cells.h5ad")]
pub(super) struct PredictArgs {
    /// Perturbation: a gene, or two joined by `+`; repeatable
    #[arg(long = "pert", value_name = "GENE[+GENE]", required_unless_present = "perts")]
    pert: Vec<String>,
    /// File with one perturbation per line
    #[arg(long, value_name = "FILE")]
    perts: Option<PathBuf>,
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// What to write (default: by the ending of `-o`, else a table)
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Genes per perturbation in the table, largest change first
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// What effects are scaled for: mae, balanced, rank, or none (default: as chosen with the fit)
    #[arg(long, value_name = "MODE")]
    calibrate: Option<CalibrationMode>,
    /// Level of the intervals
    #[arg(long, default_value = "0.9", value_parser = level, value_name = "SHARE")]
    level: f64,
    /// Scores of genetic interaction of pairs, with intervals
    #[arg(long)]
    gi: bool,
    /// Write this many cells per perturbation instead of mean changes
    #[arg(long, value_name = "N", requires = "output", conflicts_with = "gi")]
    cells: Option<usize>,
    /// Screen whose control cells are drawn (default: that of the run)
    #[arg(long, value_name = "FILE", requires = "cells")]
    controls: Option<PathBuf>,
    /// Write the control cells too (`.vcc` files always have them)
    #[arg(long, requires = "cells")]
    with_controls: bool,
}

fn level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if level > 0.0 && level < 1.0 => Ok(level),
        _ => Err(format!("expected a number between 0 and 1, got `{text}`")),
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The genes that change most, for reading
    Table,
    /// Every gene of every perturbation, one per line
    Tsv,
    /// The same as Parquet
    Parquet,
    /// AnnData: one obs per perturbation, the change in X; cells with `--cells`
    H5ad,
    /// Cells for the Virtual Cell Challenge, with `--cells`
    Vcc,
}

/// A perturbation with its prediction.
struct Predicted {
    perturbation: Perturbation,
    delta: Vec<f32>,
    basis: Basis,
    distance: Option<f32>,
    /// Ends of the interval, where the run has a calibration.
    interval: Option<[Vec<f32>; 2]>,
    /// Factor on the departure from the training mean, where it was scaled.
    factor: Option<f64>,
    /// Spread of the model's own ensemble.
    sd: Option<Vec<f32>>,
    /// Whether the screen has perturbations enough for intervals of the level.
    enough: bool,
}

/// How changes are calibrated.
#[derive(Debug, Clone, Copy)]
struct How {
    mode: CalibrationMode,
    /// Level of the intervals.
    level: f64,
}

pub(super) fn run(args: PredictArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = format(&args)?;
    let labels = labels(&args)?;
    let run = load_run(session, args.run.as_deref())?;
    let how = How { mode: mode(&args, &run)?, level: args.level };
    if session.plans() && dry_run(&args, session, &run, &labels)? {
        return Ok(ExitStatus::Done);
    }
    if let (Format::H5ad, Some(path), true) = (format, &args.output, streams(&args, session)) {
        let predicted = stream::write_h5ad(session, path, &run, &labels, how)?;
        notices(session, &run, &predicted, how.mode);
        session.printer.say(format!("{} predictions written to {}", predicted.len(), path.display()));
        return Ok(ExitStatus::Done);
    }
    let predicted = predict_all(session, &run, &labels, how)?;
    notices(session, &run, &predicted, how.mode);
    if let Some(n) = args.cells {
        return cells::write(session, &args, &run, &predicted, n, format);
    }
    let interactions = if args.gi { gi::scores(session, &run, &predicted, how.mode)? } else { Vec::new() };
    match (format, &args.output) {
        (Format::H5ad, Some(path)) => output::write_h5ad(path, &run, &predicted, args.level)?,
        (Format::Parquet, Some(path)) => output::write_parquet(path, &run, &predicted)?,
        (Format::H5ad | Format::Parquet, None) => {
            let hint = Some("add `-o predictions.h5ad` or `-o predictions.parquet`".to_owned());
            return Err(CliError::usage("--format", "a file to write", "no `-o`", hint));
        }
        (Format::Vcc, _) => {
            let hint = Some("say how many cells of each perturbation with `--cells N`".to_owned());
            return Err(CliError::usage("--format vcc", "cells", "mean changes", hint));
        }
        (Format::Table | Format::Tsv, path) => {
            let text = match format {
                Format::Tsv if args.gi => gi::tsv(&interactions),
                Format::Tsv => output::tsv(&run, &predicted),
                _ => output::tables(&run, &predicted, args.top, args.level) + &gi::tables(&interactions),
            };
            match path {
                Some(path) => write_text(path, &text)?,
                None if session.printer.json => {}
                None => session.printer.data(text.trim_end())?,
            }
        }
    }
    if session.printer.json {
        session.printer.data(format!("{:#}", output::json(&run, &predicted, &interactions, args.level)))?;
    }
    if let Some(path) = &args.output {
        session.printer.say(format!("{} predictions written to {}", predicted.len(), path.display()));
    }
    Ok(ExitStatus::Done)
}

/// Whether changes go straight to the file: nothing else needs all of them at once.
fn streams(args: &PredictArgs, session: &Session) -> bool {
    args.cells.is_none() && !args.gi && !session.printer.json
}

fn dry_run(args: &PredictArgs, session: &Session, run: &LoadedRun, labels: &[String]) -> Result<bool, CliError> {
    let work = Work::of_run(run);
    let plan = Plan::new(format!("predict with {}", run.dir.path().display()));
    let mut plan =
        plan.size("perturbations", labels.len()).size("genes", run.genes.len()).may_write(args.output.as_deref());
    if let Some(n) = args.cells {
        plan = plan.size("cells", n * labels.len()).costs(work.draw(n * labels.len()));
    } else {
        let streamed = streams(args, session) && matches!(format(args), Ok(Format::H5ad));
        let held = if streamed { stream::AT_ONCE.min(labels.len()) } else { labels.len() };
        plan = plan.costs(work.predict(labels.len(), held));
    }
    session.plan(&plan)
}

/// The format asked for, or the one the file name ends in.
fn format(args: &PredictArgs) -> Result<Format, CliError> {
    let ending = args.output.as_deref().and_then(Path::extension).and_then(|e| e.to_str());
    match (args.format, ending) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(Format::Table),
        (None, Some("h5ad")) => Ok(Format::H5ad),
        (None, Some("parquet")) => Ok(Format::Parquet),
        (None, Some("vcc")) => Ok(Format::Vcc),
        (None, Some("tsv" | "txt")) => Ok(Format::Tsv),
        (None, Some(other)) => {
            let hint = Some("name the format with `--format tsv` or `--format h5ad`".to_owned());
            let expected = "a file ending in .tsv, .parquet, .h5ad or .vcc";
            Err(CliError::usage("-o", expected, format!("`.{other}`"), hint))
        }
    }
}

fn labels(args: &PredictArgs) -> Result<Vec<String>, CliError> {
    let mut labels = args.pert.clone();
    if let Some(path) = &args.perts {
        let text = std::fs::read_to_string(path).map_err(|e| io::IoError::read(path, e))?;
        labels.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
        if labels.is_empty() {
            return Err(io::IoError::format(path, "", "one perturbation per line", "an empty file").into());
        }
    }
    Ok(labels)
}

/// The mode asked for, else that of the fit; a run without calibration has none.
fn mode(args: &PredictArgs, run: &LoadedRun) -> Result<CalibrationMode, CliError> {
    match (&run.calibration, args.calibrate) {
        (None, None | Some(CalibrationMode::None)) => Ok(CalibrationMode::None),
        (Some(calibration), asked) => Ok(asked.unwrap_or(calibration.mode())),
        (None, Some(_)) => {
            let hint = "fit it again without `--calibrate none` (a calibration needs four perturbations)";
            let run = format!("--calibrate with {}", run.dir.path().display());
            Err(CliError::usage(run, "a run with a calibration", "one without", Some(hint.into())))
        }
    }
}

/// Predictions of all labels, and whether the screen has perturbations enough for their intervals.
fn predict_all(session: &Session, run: &LoadedRun, labels: &[String], how: How) -> Result<Vec<Predicted>, CliError> {
    let bar = session.printer.bar("predicting", labels.len() as u64);
    let predicted = predict_some(run, labels, how, &|| bar.inc(1))?;
    bar.finish_and_clear();
    Ok(predicted)
}

/// The same without talk. Perturbations are shared out over the threads; the bits of each do not depend on that.
fn predict_some(
    run: &LoadedRun,
    labels: &[String],
    how: How,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Predicted>, CliError> {
    let one = |label: &String| -> Result<Predicted, CliError> {
        let perturbation = Perturbation::parse(label, &run.manifest.control_label)?;
        let predicted = match &run.calibration {
            None => {
                let raw = run.predictor.predict(&perturbation)?;
                let (delta, basis, distance, sd) = (raw.delta.mean, raw.basis, raw.distance, raw.delta.sd);
                let (interval, factor, enough) = (None, None, true);
                Predicted { perturbation, delta, basis, distance, interval, factor, sd, enough }
            }
            Some(calibration) => {
                let Estimate { delta, lower, upper, basis, distance, factor, sd, enough } =
                    calibration.estimate(&*run.predictor, &run.graph, &perturbation, how.mode, how.level)?;
                let interval = Some([lower, upper]);
                Predicted { perturbation, delta, basis, distance, interval, factor, sd, enough }
            }
        };
        done();
        Ok(predicted)
    };
    labels.par_iter().map(one).collect()
}

/// What a reader must know to read the numbers.
fn notices(session: &Session, run: &LoadedRun, predicted: &[Predicted], mode: CalibrationMode) {
    let named = |keep: &dyn Fn(&Predicted) -> bool| {
        let names: Vec<String> = predicted.iter().filter(|p| keep(p)).map(|p| p.perturbation.to_string()).collect();
        (!names.is_empty()).then(|| crate::error::some_of(names, 5))
    };
    let say = |text: String| session.printer.notice(&Notice::new(text));
    if let Some(names) = named(&|p| p.basis == Basis::Fallback) {
        say(format!("the graph does not know {names}: the mean of the training perturbations is shown"));
    }
    if let Some(names) = named(&|p| run.responses.perturbations.contains(&p.perturbation)) {
        say(format!("{names}: measured in the data this model was fitted on"));
    }
    let absent = run.calibration.as_ref().is_some_and(|c| c.signal().is_absent());
    if absent && mode != CalibrationMode::None {
        say("no effect can be told from noise in the screen of this run: no change is predicted \
             (`--calibrate none` shows what the model says)"
            .to_owned());
    } else if predicted.iter().any(|p| p.factor.is_some_and(|f| (f - 1.0).abs() > 1e-6)) {
        say(
            "the calibration changed only the length of predicted departures from the mean, not which genes they hold \
             or their signs"
                .to_owned(),
        );
    }
    if predicted.iter().any(|p| !p.enough) {
        let n = run.responses.len();
        say(format!("{n} perturbations are too few for intervals of this level: the widest there is is shown"));
    }
    if run.manifest.data.starts_with("the embedded") {
        say("this run was fitted on the embedded simulated screen, not on real cells".to_owned());
    }
}
