//! `grn score ceiling`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::card::{direction, number};
use super::{read_cells, watched, write};
use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::plan::{self, Plan, Work};
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::score::{self, Ceiling, CeilingRow, ScoreOptions};

/// Arguments of `grn score ceiling`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn score ceiling measured.h5ad --profile vcc2025 --outdir ceiling")]
pub(super) struct CeilingArgs {
    /// Real cells, with control cells
    real: PathBuf,
    /// Set of metrics
    #[arg(long, default_value = "cell-eval", value_name = "NAME")]
    profile: String,
    /// Only these metrics of the profile
    #[arg(long, value_delimiter = ',', value_name = "METRIC,...")]
    only: Vec<String>,
    /// All metrics of the profile but these
    #[arg(long, value_delimiter = ',', value_name = "METRIC,...")]
    skip: Vec<String>,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// Scores halves of the real cells against each other; writes `ceiling_results.csv` and `agg_ceiling_results.csv`.
pub(super) fn run(args: CeilingArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let profile = score::profile(&args.profile)?;
    if session.plans() {
        let work = Work::of(&plan::open(session, &args.real, &args.screen_options)?);
        let plan = work.sizes(Plan::new(format!("score halves of the cells of `{}`", args.real.display())));
        let of_cells = profile.select(&args.only, &args.skip)?.iter().any(|m| m.of_cells);
        if session.plan(&plan.may_write(session.outdir.as_deref()).costs(work.score(&work, true, of_cells)))? {
            return Ok(ExitStatus::Done);
        }
    }
    let real = read_cells(session, &args.real, &args.screen_options, false)?;
    if let Some(dir) = &session.outdir {
        session.prepare_outdir(dir)?;
    }
    let (only, skip) = (args.only, args.skip);
    let options = ScoreOptions { only, skip, ceiling_seed: Some(session.seed), ..ScoreOptions::default() };
    let bar = session.printer.bar("scoring halves", 4 * real.n_blocks() as u64);
    let ceiling = score::ceiling(&watched(real, &bar), profile, &options)?;
    bar.finish_and_clear();
    if let Some(dir) = &session.outdir {
        write(&dir.join("ceiling_results.csv"), |out| score::write_ceiling_results(&ceiling, out))?;
        write(&dir.join("agg_ceiling_results.csv"), |out| score::write_ceiling(&ceiling, out))?;
        session.printer.say(format!("wrote ceiling_results.csv and agg_ceiling_results.csv to {}", dir.display()));
    }
    session.printer.result(|| as_json(profile.name, &ceiling), || as_text(profile.name, &ceiling))?;
    Ok(ExitStatus::Done)
}

fn as_json(profile: &str, ceiling: &Ceiling) -> serde_json::Value {
    let metric = |r: &CeilingRow| {
        json!({
            "metric": r.metric.name,
            "better": direction(r.metric.best),
            "agreement": number(r.agreement),
            "ceiling": r.ceiling.map(number),
        })
    };
    let metrics: Vec<_> = ceiling.rows.iter().map(metric).collect();
    json!({ "profile": profile, "n_perturbations": ceiling.labels.len(), "metrics": metrics })
}

fn as_text(profile: &str, ceiling: &Ceiling) -> String {
    let width = ceiling.rows.iter().map(|r| r.metric.name.len()).max().unwrap_or(0).max(28);
    let row = |r: &CeilingRow| {
        let stepped_up = r.ceiling.map_or("-".into(), |v| format!("{v:.4}"));
        format!("{:<width$} {:>10.4} {stepped_up:>10}  {}", r.metric.name, r.agreement, direction(r.metric.best))
    };
    let head = [
        format!("profile {profile}: halves of the cells of {} perturbations", ceiling.labels.len()),
        format!("{:<width$} {:>10} {:>10}  better", "metric", "agreement", "ceiling"),
    ];
    let foot = "ceiling: the agreement stepped up to all cells by Spearman and Brown, where 1 is best".to_owned();
    head.into_iter().chain(ceiling.rows.iter().map(row)).chain([foot]).collect::<Vec<_>>().join("\n")
}
