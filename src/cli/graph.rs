//! `grn graph`.

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Commands of `grn graph`.
#[derive(Debug, Subcommand)]
pub(super) enum GraphCommand {
    /// Build
    Build,
}

pub(super) fn run(_command: GraphCommand, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
