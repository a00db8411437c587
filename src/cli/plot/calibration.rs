//! `grn plot calibration`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::error::CliError;
use super::super::load::{LoadedRun, load_run};
use super::super::session::Session;
use super::save;
use super::table::Table;
use crate::error::ExitStatus;
use crate::report::{CalibrationFigure, Coverage, Reliability};

/// Arguments of `grn plot calibration`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot calibration --run runs/mine -o calibration.svg
  grn cv screen.h5ad --prior string.tsv --calibrate balanced --outdir cv && grn plot calibration --cv cv -o coverage.svg
  grn plot calibration --rank-cv ranks -o reliability.pdf")]
pub(in crate::cli) struct CalibrationArgs {
    /// Run directory: coverage of its intervals on training perturbations left out (default without `--cv` and `--rank-cv`:
    /// the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Folder of `grn cv --calibrate`: coverage of the intervals on held-out perturbations
    #[arg(long, value_name = "DIR")]
    cv: Option<PathBuf>,
    /// Folder of `grn rank-cv`: how often the first candidate is right at its probability
    #[arg(long, value_name = "DIR")]
    rank_cv: Option<PathBuf>,
    /// What was known of the candidates' own expression in `--rank-cv`: excluded, used or global
    #[arg(long, default_value = "excluded", value_name = "MODE")]
    own: String,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: &CalibrationArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let (mut coverage, mut reliability, mut caption) = (Vec::new(), Vec::new(), Vec::new());
    if args.run.is_some() || args.cv.is_none() && args.rank_cv.is_none() {
        let run = load_run(session, args.run.as_deref())?;
        coverage.push(of_run(&run).ok_or_else(|| uncalibrated(run.dir.path()))?);
        caption.push(format!("Run {}: training perturbations, each left out.", run.dir.path().display()));
    }
    if let Some(folder) = &args.cv {
        coverage.extend(of_cv(folder)?);
        caption.push(format!("Cross-validation {}: held-out perturbations.", folder.display()));
    }
    if let Some(folder) = &args.rank_cv {
        reliability = of_rank_cv(folder, &args.own)?;
        let own = &args.own;
        caption.push(format!("Rankings of {}, own reading {own}, in groups of equal size.", folder.display()));
    }
    let figure = CalibrationFigure::new("Calibration", coverage, reliability)?;
    if args.cv.is_some() || args.rank_cv.is_some() {
        caption.push("Bands and lines: 95 % intervals.".into());
    }
    let caption = caption.join(" ");
    save(session, &args.output, &figure.caption(caption).scene())
}

/// Coverage of the intervals of a run; `None` where its fit did not measure it.
pub(in crate::cli) fn of_run(run: &LoadedRun) -> Option<Coverage> {
    let coverages = run.calibration.as_ref()?.coverages();
    let points: Vec<(f64, f64, f64)> = coverages.into_iter().map(|(level, share)| (level, share, 0.0)).collect();
    (!points.is_empty()).then(|| Coverage { name: run.manifest.model.clone(), points, n: run.responses.len() })
}

/// Coverage of every calibrated model of a cross-validation, mean and standard error over perturbations.
pub(in crate::cli) fn of_cv(folder: &Path) -> Result<Vec<Coverage>, CliError> {
    let hint = "`grn cv --calibrate balanced --outdir DIR` writes it";
    let table = Table::read(&folder.join("coverage.tsv"), hint)?;
    let mut values: Vec<(String, f64, Vec<f64>)> = Vec::new();
    for row in &table.tsv.rows {
        let (model, level) = (table.text(row, "model")?, table.number(row, "level")?);
        let inside = table.number(row, "inside")?;
        match values.iter_mut().find(|(m, l, _)| m == model && *l == level) {
            Some((_, _, all)) => all.push(inside),
            None => values.push((model.to_owned(), level, vec![inside])),
        }
    }
    let of_model = |group: &[(String, f64, Vec<f64>)]| Coverage {
        name: group[0].0.clone(),
        points: group.iter().map(|(_, level, all)| mean_and_error(*level, all)).collect(),
        n: group[0].2.len(),
    };
    values.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    Ok(values.chunk_by(|a, b| a.0 == b.0).map(of_model).collect())
}

fn mean_and_error(level: f64, all: &[f64]) -> (f64, f64, f64) {
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let square = all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (level, mean, (square / n).sqrt())
}

/// First candidates of every candidate set.
pub(in crate::cli) fn of_rank_cv(folder: &Path, own: &str) -> Result<Vec<Reliability>, CliError> {
    let table = Table::read(&folder.join("firsts.tsv"), "`grn rank-cv --outdir DIR` writes it")?;
    let mut out: Vec<Reliability> = Vec::new();
    let mut modes: Vec<&str> = Vec::new();
    for row in &table.tsv.rows {
        let mode = table.text(row, "own")?;
        if !modes.contains(&mode) {
            modes.push(mode);
        }
        if mode != own {
            continue;
        }
        let first = (table.number(row, "probability")?, table.text(row, "right")? == "1");
        let name = table.text(row, "candidates")?;
        match out.iter_mut().find(|r| r.name == name) {
            Some(set) => set.firsts.push(first),
            None => out.push(Reliability { name: name.to_owned(), firsts: vec![first] }),
        }
    }
    if out.is_empty() {
        return Err(CliError::usage("--own", format!("one of {}", modes.join(", ")), format!("`{own}`"), None));
    }
    Ok(out)
}

fn uncalibrated(run: &Path) -> CliError {
    let hint = "fit it again without `--calibrate none` (a calibration needs four perturbations)";
    let what = format!("no intervals in `{}`", run.display());
    CliError::usage(what, "a run whose fit measured the coverage of its intervals", "none", Some(hint.into()))
}
