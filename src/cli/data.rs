//! `grn data`.

mod check;
mod concat;
mod convert;
mod copying;
mod drugs;
mod engine;
mod fetch;
mod join;
mod knockdown;
mod presets;
mod pseudobulk;
mod split;
mod subset;

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Commands of `grn data`.
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Check a screen: shape, control, scale, on-target knockdown, coverage; exit code 1 on problems
    Check(check::CheckArgs),
    /// Reduce screens to one row per condition: mean, variance and third moment of log1p expression
    Pseudobulk(pseudobulk::PseudobulkArgs),
    /// Published data sets whose columns and control labels are known to `--preset`
    Presets(presets::PresetsArgs),
    /// Copy cells to another format: .h5ad, a 10x-style folder, or Parquet
    Convert(convert::ConvertArgs),
    /// Copy some of the cells and genes of a file
    Subset(subset::SubsetArgs),
    /// Split perturbations for training and test: by a TOML of cell-load, as GEARS does, or in folds
    Split(split::SplitArgs),
    /// Put several files of cells together, over the same or different genes
    Concat(concat::ConcatArgs),
    /// Drug screens in Parquet (Tahoe-100M): one signature per drug, dose and cell line, and treated cells beside controls
    Drugs(drugs::DrugsArgs),
    /// Fetch a published data set: STRING, CollecTRI, the Virtual Cell Challenge, Replogle 2022, those of GEARS; without a name, list them
    Fetch(fetch::FetchArgs),
}

pub(super) fn run(command: DataCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        DataCommand::Check(args) => check::run(args, session),
        DataCommand::Pseudobulk(args) => pseudobulk::run(args, session),
        DataCommand::Presets(args) => presets::run(&args, session),
        DataCommand::Convert(args) => convert::run(&args, session),
        DataCommand::Subset(args) => subset::run(&args, session),
        DataCommand::Split(args) => split::run(&args, session),
        DataCommand::Concat(args) => concat::run(&args, session),
        DataCommand::Drugs(args) => drugs::run(&args, session),
        DataCommand::Fetch(args) => fetch::run(&args, session),
    }
}
