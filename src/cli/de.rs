//! `grn de`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::ScreenArgs;
use super::error::CliError;
use super::score::{read_cells, write};
use super::session::Session;
use crate::error::ExitStatus;
use crate::score::{DeOptions, DeTable, FdrScope, FoldChange, differential_expression, write_de};
use crate::stats::PMethod;

/// Arguments of `grn de`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn de screen.h5ad -o de.csv
  grn de screen.h5ad --fdr-scope table --epsilon 1e-9 -o de.tsv")]
pub(super) struct DeArgs {
    /// Cells with perturbation labels and controls
    screen: PathBuf,
    /// Table to write, separated by tabs if its name ends in .tsv, else by commas (default: stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Tests over which the false discovery rate is controlled
    #[arg(long, value_enum, default_value_t = Scope::Target)]
    fdr_scope: Scope,
    /// Added to both means of a fold change; with 0, a gene seen on one side only has an infinite one
    #[arg(long, default_value_t = 0.0, value_name = "E")]
    epsilon: f64,
    #[command(flatten)]
    screen_options: ScreenArgs,
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
    if !(args.epsilon >= 0.0 && args.epsilon.is_finite()) {
        return Err(CliError::usage("--epsilon", "a number >= 0", args.epsilon.to_string(), None));
    }
    let cells = read_cells(session, &args.screen, &args.screen_options)?;
    if session.dry_run {
        session.printer.say(format!("would test {} perturbations x {} genes", cells.labels.len(), cells.n_genes()));
        return Ok(ExitStatus::Done);
    }
    let fdr = match args.fdr_scope {
        Scope::Target => FdrScope::PerTarget,
        Scope::Table => FdrScope::Table,
    };
    let options = DeOptions { fdr, p: PMethod::Asymptotic, fold_change: FoldChange::Epsilon(args.epsilon) };
    let table = differential_expression(&cells, &options);
    if let Some(path) = &args.output {
        write(path, |out| write_de(&table, delimiter(path), out))?;
        session.printer.result(|| as_json(&table), || format!("{}; wrote {}", as_text(&table), path.display()))?;
    } else if session.printer.json {
        session.printer.result(|| as_json(&table), String::new)?;
    } else {
        let mut text = Vec::new();
        write_de(&table, b',', &mut text)?;
        session.printer.data(String::from_utf8_lossy(&text).trim_end())?;
    }
    Ok(ExitStatus::Done)
}

fn delimiter(path: &Path) -> u8 {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv")) { b'\t' } else { b',' }
}

/// Number of significant genes per perturbation.
fn n_significant(table: &DeTable) -> Vec<usize> {
    table.fdr.outer_iter().map(|row| row.iter().filter(|&&q| q < 0.05).count()).collect()
}

fn as_json(table: &DeTable) -> serde_json::Value {
    let counts: serde_json::Map<String, serde_json::Value> =
        table.labels.iter().cloned().zip(n_significant(table).into_iter().map(|n| json!(n))).collect();
    json!({
        "n_perturbations": table.labels.len(),
        "n_genes": table.genes.len(),
        "n_control_cells": table.n_reference,
        "n_significant": counts,
    })
}

fn as_text(table: &DeTable) -> String {
    let total: usize = n_significant(table).iter().sum();
    format!(
        "{total} of {} tests ({} perturbations x {} genes) with a false discovery rate below 0.05",
        table.fdr.len(),
        table.labels.len(),
        table.genes.len()
    )
}
