//! `grn data convert`.

use std::path::PathBuf;

use clap::Args;

use super::copying::{self, OutputArgs, SourceArgs};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn data convert`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn data convert filtered_feature_bc_matrix -o cells.h5ad
  grn data convert screen.h5ad --to mtx -o screen_mtx
  grn data convert screen.h5ad --to parquet --shard-rows 20000 -o shards --resume

Expression, names, annotation of cells and genes are kept; layers, embeddings and `uns` are not, which is said. Folders fill
with whole files: after an interruption `--resume` keeps those that are done and ends in the same bits.")]
pub(in crate::cli) struct ConvertArgs {
    /// Cells: .h5ad, 10x .h5, a 10x folder, .mtx, .vcc or Parquet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: &ConvertArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = args.output.check(std::slice::from_ref(&args.file), session)?;
    let file = args.source.open(&args.file)?;
    file.notices.iter().for_each(|n| session.printer.notice(n));
    if session.dry_run {
        let what = format!("convert `{}` ({})", args.file.display(), file.format);
        let (genes, values) = (file.genes.len(), file.stored_values());
        session.plan(&copying::plan(what, &args.output.output, file.n_cells, genes, values))?;
        return Ok(ExitStatus::Done);
    }
    let cells = file.annotation()?;
    let blocks = file.blocks()?.map(|block| Ok(block?.x));
    let work = copying::work(&format!("convert {:?}", args.source), std::slice::from_ref(&args.file));
    args.output.write(session, format, &cells, work, blocks)
}
