//! `grn config`.

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Commands of `grn config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Show
    Show,
}

pub(super) fn run(_command: ConfigCommand, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
