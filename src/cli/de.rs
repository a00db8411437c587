//! `grn de`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn de`.
#[derive(Debug, Args)]
pub(super) struct DeArgs {}

pub(super) fn run(_args: DeArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
