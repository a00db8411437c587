//! `grn rank-cv`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn rank-cv`.
#[derive(Debug, Args)]
pub(super) struct RankCvArgs {}

pub(super) fn run(_args: RankCvArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
