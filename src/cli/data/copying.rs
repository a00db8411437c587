//! What the commands that copy cells share: where to, in which format, what it costs, what is said at the end.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::plan::{Cost, Plan};
use crate::cli::session::Session;
use crate::data::Csr;
use crate::error::{ExitStatus, Notice};
use crate::io::{CellFormat, Cells, CopyOptions, IoError, open_cells_with, remove_stale, write_cells};

/// Where copied cells go.
#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// File (.h5ad) or folder to write
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: PathBuf,
    /// Format (default: as the name of the output says, `.h5ad`, `.parquet` or `.mtx`)
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Option<FormatArg>,
    /// Cells per Parquet file
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    shard_rows: usize,
}

/// How the cells that are read are opened.
#[derive(Debug, Clone, Args)]
pub(super) struct SourceArgs {
    /// Table of other gene names: TSV of alias and gene
    #[arg(long, value_name = "FILE")]
    pub(super) aliases: Option<PathBuf>,
    /// The genes that the tokens of Parquet files stand for (default: gene_metadata.parquet beside the cells)
    #[arg(long, value_name = "FILE")]
    pub(super) gene_metadata: Option<PathBuf>,
}

impl SourceArgs {
    pub(super) fn open(&self, path: &Path) -> Result<crate::io::CellFile, IoError> {
        open_cells_with(path, self.aliases.as_deref(), self.gene_metadata.as_deref())
    }
}

/// `--to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// AnnData, compressed sparse rows
    H5ad,
    /// A 10x-style folder: matrix.mtx.gz, features, barcodes and obs
    Mtx,
    /// A folder of Parquet files in the layout of Tahoe-100M
    Parquet,
}

impl OutputArgs {
    fn format(&self) -> Result<CellFormat, CliError> {
        let ending = self.output.extension().map(|e| e.to_string_lossy().to_lowercase());
        match (self.to, ending.as_deref()) {
            (Some(FormatArg::H5ad), _) | (None, Some("h5ad" | "h5")) => Ok(CellFormat::H5ad),
            (Some(FormatArg::Mtx), _) | (None, Some("mtx")) => Ok(CellFormat::Mtx),
            (Some(FormatArg::Parquet), _) | (None, Some("parquet")) => Ok(CellFormat::Parquet),
            (None, _) => Err(CliError::usage(
                format!("format of `{}`", self.output.display()),
                "a name that ends in .h5ad, .mtx or .parquet, or `--to`",
                "neither",
                Some("say it with `--to h5ad`, `--to mtx` or `--to parquet`".into()),
            )),
        }
    }

    /// Checks that the output may be written, before anything long is read.
    pub(super) fn check(&self, sources: &[PathBuf], session: &Session) -> Result<CellFormat, CliError> {
        let format = self.format()?;
        let same =
            |source: &PathBuf| matches!((source.canonicalize(), self.output.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if let Some(source) = sources.iter().find(|s| same(s)) {
            return Err(CliError::usage(
                "--output",
                "another place than the input",
                format!("`{}`", source.display()),
                None,
            ));
        }
        let (exists, folder) = (self.output.exists(), self.output.is_dir());
        if exists && folder == (format == CellFormat::H5ad) {
            let expected = if folder { "a file to write" } else { "a folder to write to" };
            return Err(CliError::usage("--output", expected, format!("`{}`", self.output.display()), None));
        }
        let filled = std::fs::read_dir(&self.output).is_ok_and(|mut entries| entries.next().is_some());
        if exists && !session.overwrite && !session.resume {
            if folder && filled {
                return Err(CliError::OutdirNotEmpty { path: self.output.clone() });
            }
            if !folder {
                let got = format!("`{}`, which exists", self.output.display());
                let hint = Some("replace it with `--overwrite`".into());
                return Err(CliError::usage("--output", "a new file", got, hint));
            }
        }
        Ok(format)
    }

    /// Writes the cells; Ctrl-C leaves finished files alone.
    pub(super) fn write(
        &self,
        session: &mut Session,
        format: CellFormat,
        cells: &Cells,
        work: String,
        blocks: impl Iterator<Item = Result<Csr<f32>, IoError>>,
    ) -> Result<ExitStatus, CliError> {
        cells.notices.iter().for_each(|n| session.printer.notice(n));
        let folder = self.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_stale(folder)?;
        let interrupted = session.interrupt_flag();
        let bar = session.printer.bar("cells", cells.names.len() as u64);
        let mut stored = 0;
        let blocks = blocks.map(|block| {
            if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Stopped::Interrupted);
            }
            let x = block?;
            bar.inc(x.n_rows() as u64);
            stored += x.nnz();
            Ok(x)
        });
        // Files of another format or size are no parts of this work.
        let work = format!("{work} {} {}", name(format), self.shard_rows);
        let options = CopyOptions { format, shard_rows: self.shard_rows, work, resume: session.resume };
        let written = write_cells(&self.output, cells, &options, blocks);
        bar.finish_and_clear();
        let kept = match written {
            Ok(kept) => kept,
            Err(Stopped::Interrupted) => {
                let rest = if format == CellFormat::H5ad { "nothing was written" } else { "finished files are kept" };
                session.printer.notice(&Notice::new(format!("interrupted: {rest}; go on with `--resume`")));
                return Ok(ExitStatus::Interrupted);
            }
            Err(Stopped::Failed(error)) => return Err((*error).into()),
        };
        let (n, genes) = (cells.names.len(), cells.genes.len());
        session.printer.result(
            || -> Value {
                json!({
                    "output": self.output, "format": name(format), "cells": n, "genes": genes,
                    "obs": cells.obs.iter().map(|(name, column)| json!({ "name": name, "kind": column.kind() })).collect::<Vec<_>>(),
                    "files": kept.files.max(1), "kept_files": kept.kept, "notices": cells.notices,
                })
            },
            || {
                let more = if kept.kept > 0 { format!("; {} finished files kept", kept.kept) } else { String::new() };
                let columns = cells.obs.len();
                format!("{}: {n} cells x {genes} genes, {columns} columns of annotation{more}", self.output.display())
            },
        )?;
        Ok(ExitStatus::Done)
    }
}

fn name(format: CellFormat) -> &'static str {
    match format {
        CellFormat::H5ad => "h5ad",
        CellFormat::Mtx => "mtx",
        CellFormat::Parquet => "parquet",
    }
}

/// Why writing stopped.
enum Stopped {
    Interrupted,
    Failed(Box<IoError>),
}

impl From<IoError> for Stopped {
    fn from(error: IoError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// What identifies a work: its options, and its inputs by place, size and time of change.
pub(super) fn work(what: &str, inputs: &[PathBuf]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(what.as_bytes());
    for input in inputs {
        let path = input.canonicalize().unwrap_or_else(|_| input.clone());
        hasher.update(path.to_string_lossy().as_bytes());
        if let Ok(metadata) = path.metadata() {
            let changed = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
            hasher.update(&metadata.len().to_le_bytes());
            hasher.update(&changed.map_or(0, |t| t.as_nanos()).to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// The plan of a copy of so many cells and stored values.
pub(super) fn plan(what: String, output: &Path, cells: usize, genes: usize, values: u64) -> Plan {
    Plan::new(what).size("cells", cells).size("genes", genes).writes(output).costs(Cost::of_copy(cells, values))
}
