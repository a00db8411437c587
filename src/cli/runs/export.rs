//! `grn run export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::named_or_newest;
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::score::write;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::IoError;
use crate::run::{Manifest, MetricRow, read_metrics, write_events};

/// Arguments of `grn run export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn run export runs/mine --to csv -o metrics.csv
  grn run export runs/mine --to tensorboard -o events
  tensorboard --logdir events")]
pub(in crate::cli) struct ExportArgs {
    /// The run (default: the newest finished one under `runs/`)
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
    /// File to write (csv), or folder for the event file (tensorboard) (default: in the run)
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// `--to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns t, step, split, name, value
    Csv,
    /// An event file
    Tensorboard,
}

pub(super) fn run(args: &ExportArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let dir = named_or_newest(args.run.as_deref())?;
    let manifest = dir.manifest()?;
    let rows = read_metrics(&dir.metrics())?;
    let output = match (&args.output, args.to) {
        (Some(path), Format::Csv) => path.clone(),
        (None, Format::Csv) => dir.join("metrics.csv"),
        (folder, Format::Tensorboard) => {
            let folder = folder.clone().unwrap_or_else(|| dir.join("tensorboard"));
            // TensorBoard knows event files by the middle of their name.
            folder.join(format!("events.out.tfevents.{}.grn", manifest.started.as_second()))
        }
    };
    if session.dry_run {
        session.plan(&Plan::new(format!("export {} values", rows.len())).size("values", rows.len()).writes(&output))?;
        return Ok(ExitStatus::Done);
    }
    match args.to {
        Format::Csv => write(&output, |out| write_csv(&rows, out))?,
        Format::Tensorboard => write_event_file(&output, &rows, &manifest)?,
    }
    session.printer.result(
        || json!({ "output": output, "values": rows.len() }),
        || format!("{}: {} values", output.display(), rows.len()),
    )?;
    Ok(ExitStatus::Done)
}

fn write_event_file(path: &Path, rows: &[MetricRow], manifest: &Manifest) -> Result<(), CliError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
    }
    let started = manifest.started.as_millisecond() as f64 / 1e3;
    write(path, |out| write_events(rows, started, out))
}

fn write_csv(rows: &[MetricRow], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    rows.iter().try_for_each(|row| csv.serialize(row))?;
    if rows.is_empty() {
        csv.write_record(["t", "step", "split", "name", "value"])?;
    }
    csv.flush()
}
