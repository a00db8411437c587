//! `grn predict`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {}

pub(super) fn run(_args: PredictArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
