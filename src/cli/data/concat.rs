//! `grn data concat`.

use std::path::PathBuf;

use clap::Args;

use super::copying::{self, OutputArgs, SourceArgs};
use super::join::JoinArg;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::io::Concat;

/// Arguments of `grn data concat`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn data concat plate1.h5ad plate2.h5ad plate3.h5ad -o screen.h5ad
  grn data concat *.h5ad --join inner --label plate -o screen.h5ad

Columns that some files lack are empty there. Files are opened one at a time, however many there are.")]
pub(in crate::cli) struct ConcatArgs {
    /// Cells, in the formats of `grn data convert`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Genes of the result: those of all files, which must be the same (exact), those in all files (inner), or those in any
    /// (outer; zero where a file lacks one)
    #[arg(long, value_enum, default_value = "exact", value_name = "HOW")]
    join: JoinArg,
    /// Add a column of this name that holds the name of the file
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: &ConcatArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = args.output.check(&args.files, session)?;
    let join = args.join.into();
    let bar = session.printer.bar("reading annotation", args.files.len() as u64);
    let open = |path: &PathBuf| args.source.open(path);
    let concat = Concat::survey(&args.files, join, args.label.as_deref(), &open, &mut || bar.inc(1))?;
    bar.finish_and_clear();
    if session.dry_run {
        let what = format!("put {} files together", args.files.len());
        let (cells, genes) = (concat.cells.names.len(), concat.cells.genes.len());
        session.plan(&copying::plan(what, &args.output.output, cells, genes, concat.values))?;
        return Ok(ExitStatus::Done);
    }
    let work = copying::work(&format!("concat {:?} {:?} {:?}", args.join, args.label, args.source), &args.files);
    args.output.write(session, format, &concat.cells, work, concat.blocks(&open))
}
