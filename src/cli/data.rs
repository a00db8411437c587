//! `grn data`.

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Commands of `grn data`.
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Check a screen
    Check,
}

pub(super) fn run(_command: DataCommand, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
