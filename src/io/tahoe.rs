//! Drug screens as Tahoe-100M stores them: Parquet with one row per cell, lists of gene tokens and counts.
//!
//! The cells are read twice. The first pass says which drug, dose, cell line and plate each cell has and what the control
//! cells of every (cell line, plate) express; the second adds the cells up and, where asked, writes treated cells beside
//! their control. Naive pairs (one control cell, the genes of the treated cell alone, one row per target) are made on
//! request only.

mod cell;
mod control;
mod extraction;
mod pair;
mod plan;
mod shards;
mod signatures;
mod stream;
mod tokens;

use std::path::{Path, PathBuf};

use self::cell::Reader;
pub(super) use self::cell::without_marker;
use self::control::Controls;
pub use self::extraction::{Dropped, DrugExtraction};
use self::pair::Pairs;
use self::plan::Plan;
use self::signatures::Signatures;
use self::stream::{Source, stream};
pub use self::tokens::TokenTable;
use super::IoError;
use crate::data::{DrugTargets, Normalisation, Scale, TargetSum, median};

/// How cells become signatures and pairs.
#[derive(Debug, Clone)]
pub struct TahoeOptions {
    /// The drug that is the control; `None`: every drug whose name contains `DMSO`.
    pub control: Option<String>,
    /// The total to which the counts of a cell are scaled before log1p.
    pub target_sum: TargetSum,
    /// Fewest cells of a signature and of its control.
    pub min_cells: u64,
    /// Genes of the signatures; `None`: all of the gene table.
    pub genes: Option<Vec<String>>,
    /// Table of `sample` and `drugname_drugconc`, for the doses.
    pub sample_metadata: Option<PathBuf>,
    /// Whether and how pairs are written.
    pub pairs: Option<PairOptions>,
}

impl Default for TahoeOptions {
    fn default() -> Self {
        let target_sum = TargetSum::default();
        Self { control: None, target_sum, min_cells: 10, genes: None, sample_metadata: None, pairs: None }
    }
}

/// What stands beside a treated cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairControl {
    /// Mean counts of all control cells of the cell line and plate.
    #[default]
    Mean,
    /// The first control cell of the cell line and plate, in the order of the files and rows.
    First,
}

/// How pairs of treated and control expression are written.
#[derive(Debug, Clone, Copy)]
pub struct PairOptions {
    /// What stands beside a treated cell.
    pub control: PairControl,
    /// Pairs with a smaller share of the treated cell's genes in the control are dropped.
    pub min_overlap: f64,
    /// Naive pairs: genes of the treated cell alone, and one row per cell and target, at most
    /// [`PairOptions::CAP`] per target. Otherwise the union of genes, and one row per cell with all its targets.
    pub report: bool,
    /// Rows per file.
    pub shard_rows: usize,
}

impl PairOptions {
    /// Most rows of one target in naive pairs.
    pub const CAP: u64 = 100_000;
}

impl Default for PairOptions {
    fn default() -> Self {
        Self { control: PairControl::Mean, min_overlap: 0.05, report: false, shard_rows: 50_000 }
    }
}

/// Reads the cells of `files` and writes `signatures.h5ad` (and `pairs-00000.parquet`, ...) and `extraction.json` to a
/// folder that exists.
///
/// A signature is the change of mean log1p expression against all control cells of the same cell line and plate, one per
/// drug, dose (else sample), cell line and plate; its `var` is that of the change times its cells, so that
/// [`crate::data::Responses::squared_error`] gives var / n of treated plus var / n of control cells. Only drugs with a
/// target among the genes of the table are kept.
///
/// `progress` is told cells done and cells in all, both passes counted. The result depends on the order of the files, not
/// on threads.
///
/// # Errors
/// [`IoError`]: a missing column, lists of different lengths, a count that is negative or not finite, a gene twice in a
/// cell (each with file and row), no control cell, no drug with a target, a folder that cannot be written.
///
/// # Complexity
/// O(stored counts) time. Memory: 32 bytes per signature and gene, 16 per cell, and for pairs beside mean controls 16 per
/// cell line, plate and gene; the lists themselves are never held.
pub fn extract_tahoe(
    files: &[PathBuf],
    tokens: &TokenTable,
    targets: &DrugTargets,
    outdir: &Path,
    options: &TahoeOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<DrugExtraction, IoError> {
    let (known, lost) = targets.resolve(|gene| tokens.symbol(gene));
    let sources = files.iter().map(|f| Source::open(f)).collect::<Result<Vec<Source>, _>>()?;
    let all: u64 = 2 * sources.iter().map(Source::n_rows).sum::<u64>();
    let mut done = 0;
    let mut report = |cells: usize| {
        done += cells as u64;
        progress(done, all);
    };
    let reader = Reader::new(tokens);
    let mut plan = Plan::new(targets, &known, options)?;
    let mut controls = Controls::new(options, tokens);
    let counted = options.target_sum == TargetSum::Median;
    stream(&sources, counted || options.pairs.is_some(), |batch| {
        report(batch.len());
        plan.read(batch, &reader, &mut controls, counted)
    })?;
    let median_total = median(&mut plan.totals()).unwrap_or(1.0);
    let normalisation = Normalisation::of(Scale::Counts, options.target_sum, median_total);
    let plan = plan.finish(&files[0], options)?;
    let mut signatures = Signatures::new(&plan, tokens, normalisation, options)?;
    let mut pairs = options.pairs.as_ref().map(|how| Pairs::new(outdir, how, &plan, &controls)).transpose()?;
    let mut seen = cell::Seen::default();
    stream(&sources, true, |batch| {
        report(batch.len());
        let cells = reader.read(batch, &plan, &mut seen)?;
        if let Some(pairs) = &mut pairs {
            pairs.write(batch, &cells)?;
        }
        signatures.add(batch, &cells);
        Ok(())
    })?;
    let written = pairs.map(Pairs::finish).transpose()?;
    let n_signatures = signatures.write(&outdir.join("signatures.h5ad"), &plan)?;
    let extraction =
        DrugExtraction::new(files, &plan, &seen, written, &lost, options).with(n_signatures, normalisation);
    extraction.write(&outdir.join("extraction.json"))?;
    Ok(extraction)
}
