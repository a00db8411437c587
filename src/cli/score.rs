//! `grn score`.

mod baseline;
mod card;
mod ceiling;
mod limits;
mod prep;
mod scale;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use self::limits::{Limit, missed};
use super::args::ScreenArgs;
use super::error::CliError;
use super::plan::{self, Plan, Work};
use super::progress::Bar;
use super::session::Session;
use crate::error::{ExitStatus, Notice};
use crate::io::{self, IoError};
use crate::score::{self, Controls, LogCells, Metric, ScoreOptions, Stored};

/// Arguments of `grn score`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn score --pred predicted.h5ad --real measured.h5ad --outdir scores
  grn score --pred predicted.h5ad --real measured.h5ad --profile vcc2025 --json")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ScoreArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Predicted cells, with control cells
    #[arg(long, required = true, value_name = "FILE")]
    pred: Option<PathBuf>,
    /// Real cells, with control cells
    #[arg(long, required = true, value_name = "FILE")]
    real: Option<PathBuf>,
    /// Set of metrics: cell-eval (0.8.2) or cell-eval-{minimal,vcc,de,anndata,pds}, vcc2025 or vcc2025-{minimal,full},
    /// vcc2026 (raw counts, one context per file), course, extended
    #[arg(long, default_value = "cell-eval", value_name = "NAME")]
    profile: String,
    /// Also score random halves of the real cells against each other, stepped up to full size; vcc2026: five pairs of halves
    /// as they are, scores relative to them included
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
    /// Take whole counts as they are: neither scaled nor log1p
    #[arg(long)]
    allow_discrete: bool,
    /// Exit with 1 where the mean of a metric is worse than this; repeatable
    #[arg(long, value_delimiter = ',', value_name = "METRIC=X")]
    fail_under: Vec<Limit>,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// The files around scoring.
#[derive(Debug, Subcommand)]
enum Action {
    /// Check predicted cells and write them as a challenge file (.vcc)
    Prep(prep::PrepArgs),
    /// Read aggregated scores against those of a baseline
    Scale(scale::ScaleArgs),
    /// Write the cells of the mean baseline
    Baseline(baseline::BaselineArgs),
    /// Score random halves of the real cells against each other
    Ceiling(ceiling::CeilingArgs),
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
    match args.action {
        Some(Action::Prep(args)) => return prep::run(args, session),
        Some(Action::Scale(args)) => return scale::run(args, session),
        Some(Action::Baseline(args)) => return baseline::run(args, session),
        Some(Action::Ceiling(args)) => return ceiling::run(args, session),
        None => {}
    }
    let (Some(pred), Some(real)) = (&args.pred, &args.real) else {
        return Err(CliError::usage("`grn score`", "--pred FILE and --real FILE", "neither or one", None));
    };
    let profile = score::profile(&args.profile)?;
    let metrics = profile.select(&args.only, &args.skip)?;
    limits::check(&metrics, &args.fail_under)?;
    if session.plans() && dry_run(&args, session, [pred, real], &metrics)? {
        return Ok(ExitStatus::Done);
    }
    let real = read_cells(session, real, &args.screen_options, args.allow_discrete)?;
    let pred = read_cells(session, pred, &args.screen_options, args.allow_discrete)?;
    if let Some(dir) = &session.outdir {
        session.prepare_outdir(dir)?;
    }
    let options = ScoreOptions {
        only: args.only,
        skip: args.skip,
        controls: args.control.map(|c| if c == ControlArg::Real { Controls::Real } else { Controls::Pred }),
        ceiling_seed: args.ceiling.then_some(session.seed),
    };
    let passes = if args.ceiling { 4 } else { 2 };
    let bar = session.printer.bar("scoring", passes * real.n_blocks() as u64);
    let card = score::score(&watched(pred, &bar), &watched(real, &bar), profile, &options)?;
    bar.finish_and_clear();
    if let Some(dir) = &session.outdir {
        write(&dir.join("results.csv"), |out| score::write_results(&card, out))?;
        write(&dir.join("agg_results.csv"), |out| score::write_aggregate(&card, out))?;
        let json = format!("{:#}\n", card::as_json(&card));
        write(&dir.join("scorecard.json"), |out| out.write_all(json.as_bytes()))?;
        session.printer.say(format!("wrote results.csv, agg_results.csv and scorecard.json to {}", dir.display()));
    }
    card.notices.iter().for_each(|notice| session.printer.notice(notice));
    session.printer.result(|| card::as_json(&card), || card::as_text(&card))?;
    let missed = missed(&card, &args.fail_under);
    missed.iter().for_each(|text| session.printer.notice(&Notice::new(text.clone())));
    Ok(if missed.is_empty() { ExitStatus::Done } else { ExitStatus::CheckFailed })
}

/// Reads labels, no expression.
fn dry_run(args: &ScoreArgs, session: &Session, files: [&PathBuf; 2], metrics: &[&Metric]) -> Result<bool, CliError> {
    let [pred, real] = files.map(|path| plan::open(session, path, &args.screen_options).map(|file| Work::of(&file)));
    let (pred, real) = (pred?, real?);
    let [pred_path, real_path] = files.map(|path| path.display());
    let plan = Plan::new(format!("score `{pred_path}` against `{real_path}` by profile {}", args.profile));
    let plan = real.sizes(plan.size("predicted cells", pred.cells)).may_write(session.outdir.as_deref());
    session.plan(&plan.costs(real.score(&pred, args.ceiling, metrics.iter().any(|m| m.of_cells))))
}

/// Blocks read ahead of those that are sorted by gene.
const READ_AHEAD: usize = 1;

/// Reads cells by gene, in bounded memory; counts are scaled to the median total of their own file, then log1p.
/// With `as_is`, whatever is not negative is scored as it is.
pub(super) fn read_cells(
    session: &Session,
    path: &Path,
    options: &ScreenArgs,
    as_is: bool,
) -> Result<LogCells, CliError> {
    if !matches!(options.target_sum.as_str(), "" | "median") {
        let hint = Some("leave `--target-sum` out, or normalise the cells before scoring".into());
        return Err(CliError::usage("--target-sum", "median, as the metrics define", &options.target_sum, hint));
    }
    let file = io::open_screen(path, &options.options()?)?;
    for notice in &file.notices {
        session.printer.notice(&Notice::new(format!("{}: {notice}", path.display())));
    }
    let stored = if as_is { Stored::AsIs } else { Stored::Checked(file.scale) };
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
        LogCells::read(Arc::clone(&file.genes), &file.cells, stored, blocks)
    });
    bar.finish_and_clear();
    let mut cells = cells?;
    if let Some(label) = &file.control_label {
        cells.control_label.clone_from(label);
    }
    Ok(cells)
}

/// Cells that move a bar by a block whenever one was worked through.
pub(super) fn watched(cells: LogCells, bar: &Bar) -> LogCells {
    let (bar, pass) = (bar.clone(), cells.n_blocks() as u64);
    cells.watched(move || {
        // How many passes are taken is a matter of the metrics.
        if bar.position() >= bar.length() {
            bar.inc_length(pass);
        }
        bar.inc(1);
    })
}

/// An output that exists is replaced only where asked for.
fn new_output(session: &Session, path: &Path) -> Result<(), CliError> {
    if !path.exists() || session.overwrite {
        return Ok(());
    }
    let hint = Some("replace it with `--overwrite`".into());
    Err(CliError::usage("--output", "a new file", format!("`{}`, which exists", path.display()), hint))
}

/// Writes a file whole or not at all.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), CliError> {
    io::write_atomic(path, |out| fill(out).map_err(|e| CliError::from(IoError::write(path, e))))
}
