//! `grn fit`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn fit`.
#[derive(Debug, Args)]
pub(super) struct FitArgs {}

pub(super) fn run(_args: FitArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
