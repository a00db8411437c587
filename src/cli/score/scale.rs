//! `grn score scale`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, json};

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::{ExitStatus, Notice, some_of};
use crate::io::read_mean_row;
use crate::score::{ScaledScores, scale};

/// Arguments of `grn score scale`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn score scale scores/agg_results.csv baseline/agg_results.csv -o scaled.csv")]
pub(in crate::cli) struct ScaleArgs {
    /// Aggregated scores of a prediction (agg_results.csv)
    user: PathBuf,
    /// Aggregated scores of the baseline
    base: PathBuf,
    /// Table to write (default: stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: ScaleArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let scaled = scale(&read_mean_row(&args.user)?, &read_mean_row(&args.base)?)?;
    if scaled.reordered {
        let text = "the two files list their metrics in different orders; they are matched by name";
        session.printer.notice(&Notice::new(text));
    }
    if !scaled.skipped.is_empty() {
        let text = format!("metrics without a best value are left out: {}", some_of(&scaled.skipped, 5));
        session.printer.notice(&Notice::new(text));
    }
    let table = as_csv(&scaled);
    if let Some(path) = args.output.as_ref().filter(|_| !session.dry_run) {
        super::write(path, |out| out.write_all(table.as_bytes()))?;
    }
    let summary = || format!("mean of {} scaled metrics: {:.4}", scaled.metrics.len(), scaled.average());
    session
        .printer
        .result(|| as_json(&scaled), || if args.output.is_some() { summary() } else { table.trim_end().into() })?;
    Ok(ExitStatus::Done)
}

/// The table of cell-eval.
fn as_csv(scaled: &ScaledScores) -> String {
    let average = ("avg_score".to_owned(), scaled.average());
    let rows = scaled.metrics.iter().chain([&average]).map(|(name, value)| format!("{name},{value:?}\n"));
    std::iter::once("metric,from_baseline\n".to_owned()).chain(rows).collect()
}

fn as_json(scaled: &ScaledScores) -> serde_json::Value {
    let metrics: Map<String, serde_json::Value> =
        scaled.metrics.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({ "from_baseline": metrics, "avg_score": scaled.average(), "skipped": scaled.skipped })
}
