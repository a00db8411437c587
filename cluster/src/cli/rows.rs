//! `grn-cluster make-rows`.

use std::path::PathBuf;

use clap::Args;
use grn::io::IoError;
use grn_cluster::ClusterError;
use grn_cluster::rows::{GENES, RowsOptions, write_rows};

use super::print;

/// Arguments of `grn-cluster make-rows`.
#[derive(Debug, Args)]
pub(super) struct RowsArgs {
    /// Where the files go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of cells
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rows: u64,
    /// Cells per file
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    shard_rows: u64,
    /// Number of genes
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    n_genes: u32,
    /// Genes with a count in a cell, on average (Tahoe-100M: about 1,500)
    #[arg(long, value_name = "N", default_value_t = 200)]
    genes_per_cell: u32,
    /// Number of drugs, the control among them
    #[arg(long, value_name = "N", default_value_t = 40)]
    drugs: u32,
    /// Number of cell lines
    #[arg(long, value_name = "N", default_value_t = 10)]
    lines: u32,
    /// Seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(args: &RowsArgs) -> Result<(), ClusterError> {
    if args.n_genes == 0 || args.genes_per_cell == 0 || args.genes_per_cell > args.n_genes || args.shard_rows == 0 {
        let got = format!("{} of {} genes, {} rows a file", args.genes_per_cell, args.n_genes, args.shard_rows);
        return Err(ClusterError::usage("make-rows", "at least one gene per cell, row and file", got));
    }
    std::fs::create_dir_all(&args.out).map_err(|e| IoError::write(&args.out, e))?;
    let options = RowsOptions {
        rows: args.rows,
        shard_rows: args.shard_rows,
        genes: args.n_genes,
        genes_per_cell: args.genes_per_cell,
        drugs: args.drugs,
        lines: args.lines,
        seed: args.seed,
    };
    let files = write_rows(&args.out, &options)?;
    print(format!("{}: {} cells in {} files, and {GENES}", args.out.display(), args.rows, files.len()))
}
