//! `grn score`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn score`.
#[derive(Debug, Args)]
pub(super) struct ScoreArgs {}

pub(super) fn run(_args: ScoreArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
