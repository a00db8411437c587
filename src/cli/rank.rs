//! `grn rank`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn rank`.
#[derive(Debug, Args)]
pub(super) struct RankArgs {}

pub(super) fn run(_args: RankArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
