//! `grn run`: what earlier fits left behind.

mod diff;
mod export;
mod list;
mod remove;
mod show;

use std::path::Path;

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::run::{Manifest, RunDir};

/// Commands of `grn run`.
#[derive(Debug, Subcommand)]
pub(super) enum RunCommand {
    /// List the runs of a folder, newest first
    List(list::ListArgs),
    /// Show the manifest of a run
    Show(show::ShowArgs),
    /// Tell in which settings, inputs and numbers two runs differ
    Diff(diff::DiffArgs),
    /// Delete runs; `--dry-run` tells which
    Rm(remove::RemoveArgs),
    /// Write the metrics of a run as CSV or for TensorBoard
    Export(export::ExportArgs),
}

pub(super) fn run(command: RunCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        RunCommand::List(args) => list::run(&args, session),
        RunCommand::Show(args) => show::run(&args, session),
        RunCommand::Diff(args) => diff::run(&args, session),
        RunCommand::Rm(args) => remove::run(&args, session),
        RunCommand::Export(args) => export::run(&args, session),
    }
}

/// The run that was named, else the newest finished one under `runs/`.
fn named_or_newest(path: Option<&Path>) -> Result<RunDir, CliError> {
    Ok(path.map_or_else(|| RunDir::newest(Path::new(super::load::RUNS)), |path| Ok(RunDir::at(path)))?)
}

/// The number by which a run is best known, and its name: cross-validated accuracy where `grn cv` left it in the run, else
/// how far predictions left out by the calibration are from the truth, relative to the mean (below 1 is better).
fn headline(dir: &RunDir, manifest: &Manifest) -> Result<Option<(String, f64)>, CliError> {
    let path = dir.join("cv").join("cv.tsv");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|e| IoError::read(&path, e))?;
        let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let ours = rows.find(|r| r.len() > 2 && r[0] == manifest.model && r[1] == "centred_r");
        if let Some(value) = ours.and_then(|row| row[2].parse().ok()) {
            return Ok(Some(("centred_r".to_owned(), value)));
        }
    }
    let name = "held_out.l2_to_mean";
    Ok(manifest.value(name).map(|value| (name.to_owned(), value)))
}
