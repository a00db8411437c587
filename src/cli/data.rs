//! `grn data`.

mod check;
mod drugs;
mod engine;
mod knockdown;
mod pseudobulk;

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
    /// Drug screens in Parquet (Tahoe-100M): one signature per drug, dose and cell line, and treated cells beside controls
    Drugs(drugs::DrugsArgs),
}

pub(super) fn run(command: DataCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        DataCommand::Check(args) => check::run(args, session),
        DataCommand::Pseudobulk(args) => pseudobulk::run(args, session),
        DataCommand::Drugs(args) => drugs::run(&args, session),
    }
}
