//! `grn cv`.

use clap::Args;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn cv`.
#[derive(Debug, Args)]
pub(super) struct CvArgs {}

pub(super) fn run(_args: CvArgs, _session: &mut Session) -> Result<ExitStatus, CliError> {
    Ok(ExitStatus::Done)
}
