//! `grn score`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::args::ScreenArgs;
use super::error::CliError;
use super::session::Session;
use crate::error::{ExitStatus, Notice};
use crate::io::{self, IoError};
use crate::score::{self, Best, Controls, LogCells, Row, ScoreOptions, Scorecard};

/// Arguments of `grn score`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn score --pred predicted.h5ad --real measured.h5ad --outdir scores
  grn score --pred predicted.h5ad --real measured.h5ad --profile vcc2025 --json")]
pub(super) struct ScoreArgs {
    /// Predicted cells, with control cells
    #[arg(long, value_name = "FILE")]
    pred: PathBuf,
    /// Real cells, with control cells
    #[arg(long, value_name = "FILE")]
    real: PathBuf,
    /// Set of metrics: cell-eval (0.8.2, all; -minimal, -vcc, -de, -anndata, -pds), vcc2025 (-minimal, -full), course, extended
    #[arg(long, default_value = "cell-eval", value_name = "NAME")]
    profile: String,
    /// Also score random halves of the real cells against each other, stepped up to full size
    #[arg(long)]
    ceiling: bool,
    /// Only these metrics of the profile
    #[arg(long, value_delimiter = ',', value_name = "METRIC,...")]
    only: Vec<String>,
    /// All metrics of the profile but these
    #[arg(long, value_delimiter = ',', value_name = "METRIC,...")]
    skip: Vec<String>,
    /// Control cells that predicted perturbations are compared with (default: as the profile demands)
    #[arg(long, value_enum)]
    control: Option<ControlArg>,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// `--control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ControlArg {
    /// Those of the real file
    Real,
    /// Those of the predicted file
    Pred,
}

pub(super) fn run(args: ScoreArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let profile = score::profile(&args.profile)?;
    let real = read_cells(session, &args.real, &args.screen_options)?;
    let pred = read_cells(session, &args.pred, &args.screen_options)?;
    if session.dry_run {
        session.printer.say(format!("would score {} perturbations x {} genes", real.labels.len(), real.n_genes()));
        return Ok(ExitStatus::Done);
    }
    if let Some(dir) = &session.outdir {
        session.prepare_outdir(dir)?;
    }
    let options = ScoreOptions {
        only: args.only,
        skip: args.skip,
        controls: args.control.map(|c| if c == ControlArg::Real { Controls::Real } else { Controls::Pred }),
        ceiling_seed: args.ceiling.then_some(session.seed),
    };
    let card = score::score(&pred, &real, profile, &options)?;
    if let Some(dir) = &session.outdir {
        write(&dir.join("results.csv"), |out| score::write_results(&card, out))?;
        write(&dir.join("agg_results.csv"), |out| score::write_aggregate(&card, out))?;
        session.printer.say(format!("wrote results.csv and agg_results.csv to {}", dir.display()));
    }
    session.printer.result(|| as_json(&card), || as_text(&card))?;
    Ok(ExitStatus::Done)
}

/// Blocks read ahead of those that are sorted by gene.
const READ_AHEAD: usize = 1;

/// Reads cells by gene, in bounded memory; counts are scaled to the median total of their own file, then log1p.
pub(super) fn read_cells(session: &Session, path: &Path, options: &ScreenArgs) -> Result<LogCells, CliError> {
    if !matches!(options.target_sum.as_str(), "" | "median") {
        let hint = Some("leave `--target-sum` out, or normalise the cells before scoring".into());
        return Err(CliError::usage("--target-sum", "median, as the metrics define", &options.target_sum, hint));
    }
    let file = io::open_screen(path, &options.options()?)?;
    for notice in &file.notices {
        session.printer.notice(&Notice::new(format!("{}: {notice}", path.display())));
    }
    let bar = session.printer.bar("reading", file.n_cells() as u64);
    let blocks = file.blocks()?;
    let cells = std::thread::scope(|scope| {
        let (send, receive) = std::sync::mpsc::sync_channel(READ_AHEAD);
        scope.spawn(move || {
            for block in blocks {
                if send.send(block).is_err() {
                    break;
                }
            }
        });
        let blocks = receive.into_iter().map(|block| {
            let block = block.map_err(CliError::from)?;
            bar.inc(block.x.n_rows() as u64);
            Ok::<_, CliError>(block)
        });
        LogCells::read(Arc::clone(&file.genes), &file.cells, file.scale, blocks)
    });
    bar.finish_and_clear();
    let mut cells = cells?;
    if let Some(label) = &file.control_label {
        cells.control_label.clone_from(label);
    }
    Ok(cells)
}

/// Writes a file whole or not at all.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), CliError> {
    io::write_atomic(path, |out| fill(out).map_err(|e| CliError::from(IoError::write(path, e))))
}

/// JSON has no NaN: what is not finite is null.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

fn direction(best: Best) -> &'static str {
    match best {
        Best::One => "higher",
        Best::Zero => "lower",
        Best::None => "none",
    }
}

fn as_json(card: &Scorecard) -> Value {
    let metric = |r: &Row| {
        json!({
            "metric": r.metric.name,
            "about": r.metric.about,
            "unit": r.metric.unit,
            "better": direction(r.metric.best),
            "mean": number(r.summary.mean),
            "baseline": number(r.baseline),
            "ceiling": r.ceiling.map(number),
            "relative_to_baseline": r.relative.map(number),
            "n": r.summary.count,
            "n_missing": r.summary.null_count,
        })
    };
    json!({
        "profile": card.profile.name,
        "n_perturbations": card.labels.len(),
        "overall": number(card.overall()),
        "metrics": card.rows.iter().map(metric).collect::<Vec<_>>(),
    })
}

fn as_text(card: &Scorecard) -> String {
    let line = |name: &str, cells: [String; 4], better: &str| {
        let [mean, baseline, ceiling, relative] = cells;
        format!("{name:<28} {mean:>10} {baseline:>10} {ceiling:>10} {relative:>10}  {better}")
    };
    let of_row = |r: &Row| {
        let cell = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.4}"));
        let cells = [Some(r.summary.mean), Some(r.baseline), r.ceiling, r.relative].map(cell);
        line(r.metric.name, cells, direction(r.metric.best))
    };
    let head = [
        format!("profile {} over {} perturbations", card.profile.name, card.labels.len()),
        line("metric", ["mean", "baseline", "ceiling", "relative"].map(str::to_owned), "better"),
    ];
    let foot = [
        "baseline: the mean of all perturbation means, given to every perturbation".to_owned(),
        "relative: 0 = baseline or worse, 1 = perfect".to_owned(),
        format!("overall (mean of relative): {:.4}", card.overall()),
    ];
    head.into_iter().chain(card.rows.iter().map(of_row)).chain(foot).collect::<Vec<_>>().join("\n")
}
