//! `grn plot discrimination`.

use clap::Args;

use super::super::error::CliError;
use super::super::session::Session;
use super::cv::CvFolder;
use super::held_out::HeldOut;
use super::save;
use crate::error::ExitStatus;

/// Arguments of `grn plot discrimination`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot discrimination --cv cv -o discrimination.svg
  grn plot discrimination --cv cv --model graph-kernel -o discrimination.pdf")]
pub(in crate::cli) struct DiscriminationArgs {
    #[command(flatten)]
    folder: CvFolder,
}

pub(super) fn run(args: &DiscriminationArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let model = args.folder.one_model()?;
    let figure = HeldOut::read(&args.folder.cv, &[&model])?.discrimination()?;
    save(session, &args.folder.output, &figure.scene())
}
