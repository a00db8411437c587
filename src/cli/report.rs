//! `grn report`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {}

pub(super) fn run(_args: ReportArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
