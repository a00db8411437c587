//! `grn run list`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::headline;
use crate::cli::cv::align;
use crate::cli::error::CliError;
use crate::cli::load::RUNS;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::run::{Manifest, RunDir};

/// Arguments of `grn run list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Folder that holds runs
    #[arg(value_name = "DIR", default_value = RUNS)]
    folder: PathBuf,
}

struct Listed {
    dir: RunDir,
    manifest: Manifest,
    headline: Option<(String, f64)>,
}

pub(super) fn run(args: &ListArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let runs = runs(args)?;
    if runs.is_empty() {
        session.printer.say(format!("no runs under `{}`; make one with `grn fit`", args.folder.display()));
    }
    session.printer.result(
        || Value::Object([("runs".to_owned(), runs.iter().map(as_json).collect())].into_iter().collect()),
        || text(&runs),
    )?;
    Ok(ExitStatus::Done)
}

/// Folders with a manifest, newest first; others are passed over.
fn runs(args: &ListArgs) -> Result<Vec<Listed>, CliError> {
    let entries = match std::fs::read_dir(&args.folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && args.folder == Path::new(RUNS) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(IoError::read(&args.folder, e).into()),
    };
    let mut runs = Vec::new();
    for entry in entries.flatten() {
        let dir = RunDir::at(entry.path());
        let Ok(manifest) = dir.manifest() else { continue };
        let headline = headline(&dir, &manifest)?;
        runs.push(Listed { dir, manifest, headline });
    }
    runs.sort_by(|a, b| b.manifest.started.cmp(&a.manifest.started).then_with(|| a.dir.path().cmp(b.dir.path())));
    Ok(runs)
}

fn as_json(run: &Listed) -> Value {
    let m = &run.manifest;
    let accuracy = run.headline.as_ref().map(|(name, value)| json!({ "name": name, "value": value }));
    json!({
        "run": run.dir.path(), "started": m.started, "model": m.model, "data": m.data, "status": m.status,
        "n_perturbations": m.n_perturbations, "seed": m.seed, "seconds": m.wall_secs, "accuracy": accuracy,
    })
}

fn text(runs: &[Listed]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let head =
        ["run", "started", "model", "data", "perturbations", "seed", "status", "accuracy"].map(str::to_owned).to_vec();
    let line = |run: &Listed| {
        let m = &run.manifest;
        let accuracy =
            run.headline.as_ref().map_or_else(|| "-".to_owned(), |(name, value)| format!("{name} {value:.3}"));
        let data = m.data.strip_suffix(" (no screen was given)").unwrap_or(&m.data);
        vec![
            run.dir.path().display().to_string(),
            m.started.strftime("%F %H:%M").to_string(),
            m.model.clone(),
            data.to_owned(),
            m.n_perturbations.to_string(),
            m.seed.to_string(),
            m.status.to_string(),
            accuracy,
        ]
    };
    align(&std::iter::once(head).chain(runs.iter().map(line)).collect::<Vec<_>>())
}
