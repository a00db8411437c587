//! `grn plot`.

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Commands of `grn plot`.
#[derive(Debug, Subcommand)]
pub(super) enum PlotCommand {
    /// Network
    Network,
}

pub(super) fn run(_command: PlotCommand, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
