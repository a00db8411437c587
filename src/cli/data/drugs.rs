//! `grn data drugs`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::data::TargetSum;
use crate::error::ExitStatus;
use crate::io::{self, DrugExtraction, PairControl, PairOptions, TahoeOptions, TokenTable};

/// Arguments of `grn data drugs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn data drugs plate1.parquet --drug-targets drug_metadata.parquet --gene-metadata gene_metadata.parquet -o drugs
  grn data drugs *.parquet --drug-targets targets.tsv --gene-metadata gene_metadata.parquet --pairs -o drugs
  grn rank --signature drugs/signatures.h5ad --drug-targets targets.tsv -o ranking.tsv")]
pub(in crate::cli) struct DrugsArgs {
    /// Cells: Parquet files with the columns genes, expressions, drug, cell_line_id, plate, sample
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Drugs and their targets (TSV, CSV, JSON or Parquet); cells of other drugs are left out
    #[arg(long, value_name = "FILE")]
    drug_targets: PathBuf,
    /// Genes and their tokens: gene_symbol, ensembl_id, token_id (Parquet, TSV or CSV)
    #[arg(long, value_name = "FILE")]
    gene_metadata: PathBuf,
    /// Doses of samples: sample, drugname_drugconc (Parquet, TSV or CSV); without it a dose is read where a label says it
    #[arg(long, value_name = "FILE")]
    sample_metadata: Option<PathBuf>,
    /// Folder for signatures.h5ad, pairs-*.parquet and extraction.json
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Name of the control drug (default: every drug with DMSO in its name)
    #[arg(long, value_name = "LABEL")]
    control_pert: Option<String>,
    /// Fewest cells of a signature and of its control
    #[arg(long, default_value_t = 10, value_name = "N")]
    min_cells: u64,
    /// Genes of the signatures, one per line (default: all of the gene table)
    #[arg(long, value_name = "FILE")]
    genes: Option<PathBuf>,
    /// Total to which the counts of a cell are scaled before log1p: median, 1e4, any number, or none
    #[arg(long, default_value = "median", value_name = "SUM")]
    target_sum: String,
    /// Write every treated cell beside its control as well
    #[arg(long)]
    pairs: bool,
    /// What stands beside a treated cell: the mean of all control cells of its cell line and plate, or the first of them
    #[arg(long, value_enum, value_name = "KIND")]
    control: Option<ControlArg>,
    /// Drop pairs with a smaller share of the treated cell's genes in the control
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    min_overlap: f64,
    /// Rows per file of pairs
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    shard_rows: usize,
    /// Naive pairs: the first control cell, genes of the treated cell alone, one row per cell and target,
    /// at most 100,000 per target (says `--pairs`)
    #[arg(long)]
    report: bool,
}

/// `--control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ControlArg {
    /// Mean counts of all control cells
    Mean,
    /// The first control cell in the order of files and rows
    First,
}

pub(super) fn run(args: &DrugsArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let options = options(args)?;
    let Some(outdir) = args.output.clone().or_else(|| session.outdir.clone()) else {
        let hint = Some("add `-o drugs`".to_owned());
        return Err(CliError::usage("no folder for the results", "`-o DIR`", "none", hint));
    };
    let targets = io::read_drug_targets(&args.drug_targets)?;
    let tokens = TokenTable::read(&args.gene_metadata)?;
    targets.notices.iter().chain(&tokens.notices).for_each(|n| session.printer.notice(n));
    if session.dry_run {
        session.plan(&Plan::new("extract signatures of drugs").size("files", args.files.len()).writes(&outdir))?;
        return Ok(ExitStatus::Done);
    }
    session.prepare_outdir(&outdir)?;
    let bar = session.printer.bar("cells (two passes)", 1);
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let done = io::extract_tahoe(&args.files, &tokens, &targets.targets, &outdir, &options, &mut progress)?;
    bar.finish_and_clear();
    done.notices().iter().for_each(|n| session.printer.notice(n));
    session.printer.result(|| json!({ "output": outdir, "extraction": done }), || text(&outdir, &done))?;
    Ok(ExitStatus::Done)
}

fn options(args: &DrugsArgs) -> Result<TahoeOptions, CliError> {
    let target_sum = args.target_sum.parse::<TargetSum>().map_err(|expected| {
        let hint = Some("try `--target-sum median` or `--target-sum 1e4`".into());
        CliError::usage("--target-sum", expected, format!("`{}`", args.target_sum), hint)
    })?;
    if !(0.0..=1.0).contains(&args.min_overlap) {
        let hint = Some("try `--min-overlap 0.05`".into());
        return Err(CliError::usage("--min-overlap", "a share from 0 to 1", args.min_overlap.to_string(), hint));
    }
    let usual = if args.report { ControlArg::First } else { ControlArg::Mean };
    let control = match args.control.unwrap_or(usual) {
        ControlArg::Mean => PairControl::Mean,
        ControlArg::First => PairControl::First,
    };
    let (report, min_overlap, shard_rows) = (args.report, args.min_overlap, args.shard_rows);
    Ok(TahoeOptions {
        control: args.control_pert.clone(),
        target_sum,
        min_cells: args.min_cells,
        genes: args.genes.as_deref().map(io::read_gene_list).transpose()?,
        sample_metadata: args.sample_metadata.clone(),
        pairs: (args.pairs || report).then_some(PairOptions { control, min_overlap, report, shard_rows }),
    })
}

fn text(outdir: &std::path::Path, done: &DrugExtraction) -> String {
    let pairs = done.pairs.map_or(String::new(), |n| format!(", {n} pairs in {} files", done.pair_files));
    let (cells, control) = (done.cells, done.control_cells);
    format!("{}: {} signatures from {cells} cells ({control} of control){pairs}", outdir.display(), done.signatures)
}
