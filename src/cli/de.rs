//! `grn de`.

mod table;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::ScreenArgs;
use super::error::CliError;
use super::plan::{self, Plan, Work};
use super::score::{read_cells, watched};
use super::session::Session;
use crate::error::{ExitStatus, Notice};
use crate::score::{self, Against, DeOptions, DeRow, FdrScope, FoldChange, Keep, LogCells, Mean, Test};
use crate::stats::PMethod;

/// Arguments of `grn de`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn de screen.h5ad -o de.csv
  grn de screen.h5ad --against rest --test welch -o de.tsv
  grn de screen.h5ad --on-target")]
pub(super) struct DeArgs {
    /// Cells with perturbation labels and controls
    screen: PathBuf,
    /// Table to write: .csv, .tsv or .parquet (default: commas on stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What each perturbation is compared with
    #[arg(long, value_enum, default_value_t = AgainstArg::Control)]
    against: AgainstArg,
    /// Test only each perturbation's own target: did the knockdown work?
    #[arg(long)]
    on_target: bool,
    /// The test
    #[arg(long, value_enum, default_value_t = TestArg::Wilcoxon)]
    test: TestArg,
    /// Which mean is reported and turned into a fold change
    #[arg(long, value_enum, default_value_t = MeanArg::Geometric)]
    mean: MeanArg,
    /// Tests over which the false discovery rate is controlled
    #[arg(long, value_enum, default_value_t = Scope::Target)]
    fdr_scope: Scope,
    /// Leave out tests of genes with at most this many counts per million on both sides
    #[arg(long, value_name = "CPM", conflicts_with = "on_target")]
    cpm_filter: Option<f64>,
    /// Added to both means of a fold change; with 0, a gene seen on one side only has an infinite one
    #[arg(long, default_value_t = 0.0, value_name = "E")]
    epsilon: f64,
    #[command(flatten)]
    screen_options: ScreenArgs,
}

/// `--against`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AgainstArg {
    /// The control cells
    Control,
    /// All other cells, the control among them
    Rest,
}

/// `--test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TestArg {
    /// Mann-Whitney U: mid-ranks, tie and continuity correction
    Wilcoxon,
    /// Student's t, pooled variance
    TTest,
    /// Welch's t, a variance per group
    Welch,
}

/// `--mean`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MeanArg {
    /// expm1 of the mean of log1p values
    Geometric,
    /// Mean of expm1 of log1p values
    Arithmetic,
}

/// `--fdr-scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// The genes of one perturbation
    Target,
    /// All genes of all perturbations
    Table,
}

pub(super) fn run(args: DeArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let options = options(&args)?;
    if session.plans() {
        let work = Work::of(&plan::open(session, &args.screen, &args.screen_options)?);
        let plan =
            work.sizes(Plan::new(format!("test every gene of every perturbation of `{}`", args.screen.display())));
        if session.plan(&plan.may_write(args.output.as_deref()).costs(work.test()))? {
            return Ok(ExitStatus::Done);
        }
    }
    let cells = read_cells(session, &args.screen, &args.screen_options, false)?;
    if args.on_target {
        let table = score::on_target(&cells, &options)?;
        if !table.not_measured.is_empty() {
            let names = crate::error::some_of(&table.not_measured, 5);
            session.printer.notice(&Notice::new(format!("no target among the genes: {names}")));
        }
        return report(&args, session, &cells, || table.rows());
    }
    let bar = session.printer.bar("testing", cells.n_blocks() as u64);
    let cells = watched(cells, &bar);
    let table = score::differential_expression(&cells, &options)?;
    bar.finish_and_clear();
    report(&args, session, &cells, || table.rows())
}

fn options(args: &DeArgs) -> Result<DeOptions, CliError> {
    let at_least_zero = |name: &'static str, value: f64| {
        let good = value >= 0.0 && value.is_finite();
        if good { Ok(()) } else { Err(CliError::usage(name, "a number >= 0", value.to_string(), None)) }
    };
    at_least_zero("--epsilon", args.epsilon)?;
    at_least_zero("--cpm-filter", args.cpm_filter.unwrap_or(0.0))?;
    Ok(DeOptions {
        against: match args.against {
            AgainstArg::Control => Against::Control,
            AgainstArg::Rest => Against::Rest,
        },
        test: match args.test {
            TestArg::Wilcoxon => Test::MannWhitney(PMethod::Asymptotic),
            TestArg::TTest => Test::Student,
            TestArg::Welch => Test::Welch,
        },
        mean: match args.mean {
            MeanArg::Geometric => Mean::Geometric,
            MeanArg::Arithmetic => Mean::Arithmetic,
        },
        fold_change: FoldChange::Epsilon(args.epsilon),
        keep: args.cpm_filter.map_or(Keep::All, Keep::PooledCpm),
        fdr: match args.fdr_scope {
            Scope::Target => FdrScope::PerTarget,
            Scope::Table => FdrScope::Table,
        },
    })
}

/// Writes the table where asked, else prints it.
fn report<'a, I: Iterator<Item = DeRow<'a>>>(
    args: &DeArgs,
    session: &Session,
    cells: &LogCells,
    rows: impl Fn() -> I,
) -> Result<ExitStatus, CliError> {
    session.printer.table(|| table::in_memory(rows()));
    if let Some(path) = &args.output {
        table::write_table(path, rows())?;
        let text = || format!("{}; wrote {}", as_text(rows()), path.display());
        session.printer.result(|| as_json(cells, rows()), text)?;
    } else if session.printer.json {
        session.printer.result(|| as_json(cells, rows()), String::new)?;
    } else {
        let mut text = Vec::new();
        score::write_de(rows(), b',', &mut text)?;
        session.printer.data(String::from_utf8_lossy(&text).trim_end())?;
    }
    Ok(ExitStatus::Done)
}

fn as_json<'a>(cells: &LogCells, rows: impl Iterator<Item = DeRow<'a>>) -> serde_json::Value {
    let mut counts: serde_json::Map<String, serde_json::Value> =
        cells.labels.iter().map(|l| (l.clone(), json!(0))).collect();
    let mut n_tests = 0;
    for row in rows {
        n_tests += 1;
        let count = counts.entry(row.target).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + u64::from(row.fdr < 0.05));
    }
    json!({
        "n_perturbations": cells.labels.len(),
        "n_genes": cells.n_genes(),
        "n_control_cells": cells.n_controls(),
        "n_tests": n_tests,
        "n_significant": counts,
    })
}

fn as_text<'a>(rows: impl Iterator<Item = DeRow<'a>>) -> String {
    let (mut n_tests, mut significant) = (0usize, 0usize);
    for row in rows {
        n_tests += 1;
        significant += usize::from(row.fdr < 0.05);
    }
    format!("{significant} of {n_tests} tests with a false discovery rate below 0.05")
}
