//! `grn plot curve`.

use std::path::PathBuf;

use clap::Args;

use super::super::error::CliError;
use super::super::load::RUNS;
use super::super::session::Session;
use super::save;
use crate::error::ExitStatus;
use crate::report::{Curve, CurveFigure, ReportError};
use crate::run::{MetricRow, RunDir, read_metrics};

/// Arguments of `grn plot curve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CurveArgs {
    /// Run directory, finished or not (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// File to write (.svg, .png or .pdf)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: CurveArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let dir = args.run.map_or_else(|| RunDir::newest(RUNS.as_ref()), |path| Ok(RunDir::at(path)))?;
    let manifest = dir.manifest()?;
    let rows = read_metrics(&dir.metrics())?;
    let figure = curve_figure(&manifest.model, &rows)?.caption(format!("Run {}.", dir.path().display()));
    save(session, &args.output, &figure.scene())
}

/// The metrics of a fit: one panel per metric, one line per split.
pub(in crate::cli) fn curve_figure(model: &str, rows: &[MetricRow]) -> Result<CurveFigure, ReportError> {
    let mut curves: Vec<Curve> = Vec::new();
    for row in rows {
        let point = (row.step as f64, row.value);
        match curves.iter_mut().find(|c| c.metric == row.name && c.split == row.split) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { metric: row.name.clone(), split: row.split.clone(), points: vec![point] }),
        }
    }
    CurveFigure::new(&format!("Fit of {model}"), "Training step", curves)
}
