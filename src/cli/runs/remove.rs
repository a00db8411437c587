//! `grn run rm`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::run::RunDir;

/// Arguments of `grn run rm`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn run rm runs/2026-01-31_grn_0 --dry-run
  grn run rm runs/2026-01-31_grn_0 runs/2026-01-31_mean_0")]
pub(in crate::cli) struct RemoveArgs {
    /// Run directories; a folder without a manifest is refused
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(super) fn run(args: &RemoveArgs, session: &Session) -> Result<ExitStatus, CliError> {
    // All are looked at before any is deleted.
    args.runs.iter().try_for_each(|path| RunDir::at(path).manifest().map(drop))?;
    if !session.dry_run {
        for path in &args.runs {
            std::fs::remove_dir_all(path).map_err(|e| IoError::write(path, e))?;
        }
    }
    let done = if session.dry_run { "would delete" } else { "deleted" };
    session.printer.result(
        || json!({ "dry_run": session.dry_run, "deleted": args.runs }),
        || args.runs.iter().map(|path| format!("{done} {}", path.display())).collect::<Vec<_>>().join("\n"),
    )?;
    Ok(ExitStatus::Done)
}
