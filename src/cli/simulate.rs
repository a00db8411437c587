//! `grn simulate`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn simulate`.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {}

pub(super) fn run(_args: SimulateArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
