//! `grn report`.

mod accuracy;
mod predictions;
mod sections;
mod tables;

pub(super) use self::tables::{Tsv, read_tsv};

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::fit::write_text;
use super::load::{LoadedRun, load_run};
use super::session::Session;
use crate::error::ExitStatus;
use crate::report::{Fact, ReportData, html, multiqc};

/// Arguments of `grn report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn report
  grn report --run runs/mine --pert KDM1A --pert SOX2")]
pub(super) struct ReportArgs {
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Perturbation to show; repeatable (default: two that were never measured and change most)
    #[arg(long = "pert", value_name = "GENE[+GENE]")]
    perts: Vec<String>,
    /// File to write (default: `report.html` in the run directory)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: ReportArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let run = load_run(session, args.run.as_deref())?;
    let path = args.output.unwrap_or_else(|| run.dir.join("report.html"));
    if session.dry_run {
        let plan = super::plan::Plan::new(format!("report on {}", run.dir.path().display()));
        session.plan(&plan.writes(&path).writes(run.dir.join("grn_mqc.json")))?;
        return Ok(ExitStatus::Done);
    }
    let missing = write(&run, &args.perts, &path)?;
    session.printer.result(|| json!({ "report": path, "missing_sections": missing }), || path.display().to_string())?;
    Ok(ExitStatus::Done)
}

/// Writes the report and its summary for MultiQC; returns the sections that the run directory cannot fill.
pub(super) fn write(run: &LoadedRun, perts: &[String], path: &Path) -> Result<Vec<&'static str>, CliError> {
    let report = build(run, perts)?;
    write_text(path, &html(&report))?;
    let summary = multiqc(&report.run, &run.manifest.summary);
    write_text(&run.dir.join("grn_mqc.json"), &format!("{summary:#}\n"))?;
    Ok(missing(&report))
}

/// Everything the run directory has to say.
fn build(run: &LoadedRun, perts: &[String]) -> Result<ReportData, CliError> {
    let m = &run.manifest;
    let accuracy = accuracy::section(run)?;
    let mut highlights = vec![
        Fact::new("Model", &m.model),
        Fact::new("Perturbations learned from", m.n_perturbations),
        Fact::new("Measured genes", m.n_genes),
        Fact::new("Edges of the graph", run.graph.n_edges()).note(format!("between {} genes", run.graph.n_genes())),
    ];
    highlights.extend(accuracy.as_ref().map(|a| a.highlight.clone()));
    Ok(ReportData {
        title: format!("Report of a run of {}", m.model),
        subtitle: format!("{} · {} · grn {}", run.dir.path().display(), m.data, m.grn),
        run: run.dir.path().display().to_string(),
        highlights,
        data: Some(sections::data(run)),
        graph: Some(sections::graph(run)),
        training: sections::training(run)?,
        accuracy: accuracy.map(|a| a.section),
        predictions: predictions::section(run, perts)?,
        targets: sections::targets(run)?,
        notices: sections::notices(run),
        reproduce: Some(sections::reproduce(run)),
    })
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
