//! `grn plot degs`.

use clap::Args;

use super::super::error::CliError;
use super::super::session::Session;
use super::cv::CvFolder;
use super::held_out::HeldOut;
use super::save;
use crate::error::ExitStatus;

/// What every model is drawn beside.
const BASELINE: &str = "mean";

/// Arguments of `grn plot degs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot degs --cv cv -o degs.svg
  grn plot degs --cv cv --model grn,graph-kernel -o degs.pdf")]
pub(in crate::cli) struct DegsArgs {
    #[command(flatten)]
    folder: CvFolder,
}

pub(super) fn run(args: &DegsArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let mut models = args.folder.models.clone();
    if models.is_empty() {
        models.push(args.folder.one_model()?);
    }
    models.retain(|m| m != BASELINE);
    let names: Vec<&str> = models.iter().map(String::as_str).chain([BASELINE]).collect();
    let figure = HeldOut::read(&args.folder.cv, &names)?.degs()?;
    save(session, &args.folder.output, &figure.scene())
}
