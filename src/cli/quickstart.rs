//! `grn quickstart`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn quickstart`.
#[derive(Debug, Args)]
pub(super) struct QuickstartArgs {}

pub(super) fn run(_args: QuickstartArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
