//! `grn report`.

mod accuracy;
mod cross_validation;
mod predictions;
mod sections;
mod tables;

pub(super) use self::tables::{Tsv, read_tsv};

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use self::accuracy::Cv;
use super::error::CliError;
use super::fit::write_text;
use super::load::{LoadedRun, load_run};
use super::plot::coverage_of_run;
use super::session::Session;
use crate::error::ExitStatus;
use crate::report::{Fact, FigureView, ReportData, Section, html, multiqc};

/// Arguments of `grn report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn report
  grn report --run runs/mine --pert KDM1A --pert SOX2
  grn cv screen.h5ad --prior string.tsv --outdir cv && grn report --run cv")]
pub(super) struct ReportArgs {
    /// Run directory, or a folder that `grn cv` wrote (default: the newest finished run under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Perturbation to show; repeatable (default: two that were never measured and change most; of a cross-validation the
    /// best and the middle one)
    #[arg(long = "pert", value_name = "GENE[+GENE]")]
    perts: Vec<String>,
    /// File to write (default: `report.html` in the run directory)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: ReportArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let folder = args.run.as_deref().filter(|dir| !dir.join("manifest.json").exists() && dir.join("cv.tsv").exists());
    let (path, missing) = if let Some(folder) = folder {
        let path = args.output.unwrap_or_else(|| folder.join("report.html"));
        if session.dry_run {
            return plan(session, folder, &path);
        }
        let made = cross_validation::build(folder, &args.perts)?;
        let missing = publish(&made, folder, &path)?;
        (path, missing)
    } else {
        let run = load_run(session, args.run.as_deref())?;
        let path = args.output.unwrap_or_else(|| run.dir.join("report.html"));
        if session.dry_run {
            return plan(session, run.dir.path(), &path);
        }
        let missing = write(&run, &args.perts, &path)?;
        (path, missing)
    };
    session.printer.result(|| json!({ "report": path, "missing_sections": missing }), || path.display().to_string())?;
    Ok(ExitStatus::Done)
}

/// What would be written, for `--dry-run`.
fn plan(session: &Session, folder: &Path, path: &Path) -> Result<ExitStatus, CliError> {
    let plan = super::plan::Plan::new(format!("report on {}", folder.display()));
    session.plan(&plan.writes(path).writes(folder.join("grn_mqc.json")))?;
    Ok(ExitStatus::Done)
}

/// A report and its numbers for MultiQC.
struct Made {
    report: ReportData,
    numbers: Vec<(String, f64)>,
}

/// Writes the report of a run and its summary for MultiQC; returns the sections that the run directory cannot fill.
pub(super) fn write(run: &LoadedRun, perts: &[String], path: &Path) -> Result<Vec<&'static str>, CliError> {
    publish(&build(run, perts)?, run.dir.path(), path)
}

fn publish(made: &Made, folder: &Path, path: &Path) -> Result<Vec<&'static str>, CliError> {
    write_text(path, &html(&made.report))?;
    let summary = multiqc(&made.report.run, &made.numbers);
    write_text(&folder.join("grn_mqc.json"), &format!("{summary:#}\n"))?;
    Ok(missing(&made.report))
}

/// Everything the run directory has to say.
fn build(run: &LoadedRun, perts: &[String]) -> Result<Made, CliError> {
    let m = &run.manifest;
    let root = run.dir.path();
    let cv = Cv::find(&[run.dir.join("cv"), root.to_owned()], Some(&m.model))?;
    let coverage = coverage_of_run(run);
    let accuracy = if let Some(cv) = &cv {
        Some(cv.section(coverage, root)?)
    } else {
        let scene = accuracy::calibration(root, coverage, root)?;
        let figure = scene.map(|s| FigureView::of(&s, "")).transpose()?;
        figure.map(|figure| Section {
            intro: "The model has not been cross-validated in this folder; its intervals were checked when it was \
                        fitted."
                .into(),
            figures: vec![figure],
            commands: vec![format!(
                "grn cv SCREEN.h5ad --prior string.tsv --model {} --outdir {}/cv",
                m.model,
                root.display()
            )],
            ..Section::default()
        })
    };
    let mut highlights = vec![
        Fact::new("Model", &m.model),
        Fact::new("Perturbations learned from", m.n_perturbations),
        Fact::new("Measured genes", m.n_genes),
        Fact::new("Edges of the graph", run.graph.n_edges()).note(format!("between {} genes", run.graph.n_genes())),
    ];
    highlights.extend(cv.as_ref().and_then(Cv::highlight));
    let mut numbers = m.summary.clone();
    numbers.extend(cv.iter().flat_map(Cv::numbers));
    let config = Some(run.dir.config()).filter(|c| c.exists());
    let report = ReportData {
        title: format!("Report of a run of {}", m.model),
        subtitle: format!("{} · {} · grn {}", root.display(), m.data, m.grn),
        run: root.display().to_string(),
        highlights,
        data: Some(sections::data(m, &run.responses)),
        graph: Some(sections::graph(&run.graph, &run.responses)),
        training: sections::training(run)?,
        accuracy,
        predictions: predictions::section(run, perts)?,
        targets: sections::targets(run)?,
        notices: sections::notices(m),
        reproduce: Some(sections::reproduce(m, config.as_deref())),
    };
    Ok(Made { report, numbers })
}

fn missing(report: &ReportData) -> Vec<&'static str> {
    let parts = [
        ("training", report.training.is_none()),
        ("accuracy", report.accuracy.is_none()),
        ("predictions", report.predictions.is_none()),
        ("targets", report.targets.is_none()),
    ];
    parts.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
}
