//! Cells of a file by blocks of rows.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::IoError;
use super::h5ad::Rows;
use super::lent::LentRows;
use super::parquet_cells::ParquetRows;
use crate::data::{CellBlock, Csr, DataError, GeneIndex};

/// Cells of a file by blocks of rows.
#[derive(Debug, Clone)]
pub(super) struct CellRows {
    pub(super) source: Source,
    /// For each column the gene it belongs to, where not all columns are genes or genes were chosen.
    pub(super) genes_of_columns: Option<Arc<Vec<Option<u32>>>>,
    pub(super) genes: Arc<GeneIndex>,
    pub(super) path: PathBuf,
}

/// How blocks are got at.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Any block at any time.
    Stored(Arc<Rows>),
    /// The same, in borrowed memory.
    Lent(Arc<LentRows>),
    /// Blocks of a run one after the other.
    Parquet(ParquetRows),
}

impl Source {
    /// The rows of each block, in order.
    pub(super) fn plan(&self) -> &[Range<usize>] {
        match self {
            Self::Stored(rows) => rows.plan(),
            Self::Lent(rows) => rows.plan(),
            Self::Parquet(rows) => rows.plan(),
        }
    }

    /// One block as it is stored.
    pub(super) fn read(&self, block: usize) -> Result<Csr<f32>, IoError> {
        match self {
            Self::Stored(rows) => rows.read(block),
            Self::Lent(rows) => rows.read(block),
            Self::Parquet(rows) => Ok(rows.clone().read(block)?.x),
        }
    }
}

impl CellRows {
    /// The cells of each block, in order.
    pub(super) fn plan(&self) -> &[Range<usize>] {
        self.source.plan()
    }

    /// Blocks that are read one after the other by the same reader; several runs may be read at the same time.
    pub(super) fn runs(&self) -> Vec<Range<usize>> {
        match &self.source {
            Source::Parquet(rows) => rows.runs().to_vec(),
            Source::Stored(_) | Source::Lent(_) => (0..self.plan().len()).map(|block| block..block + 1).collect(),
        }
    }

    /// Runs that may be read at the same time.
    pub(super) fn at_once(&self) -> usize {
        match &self.source {
            Source::Stored(rows) => rows.at_once(),
            Source::Lent(rows) => rows.at_once(),
            Source::Parquet(_) => super::h5ad::MOST_AT_ONCE,
        }
    }

    /// Reads the blocks of a run until `each` returns false; values are finite, and not negative unless they are effects.
    pub(super) fn read_run(
        &mut self,
        run: Range<usize>,
        negative: bool,
        each: &mut dyn FnMut(Result<CellBlock, IoError>) -> bool,
    ) {
        let Source::Parquet(rows) = &mut self.source else {
            for block in run {
                let block = self.read(block, negative);
                let failed = block.is_err();
                if !each(block) || failed {
                    return;
                }
            }
            return;
        };
        // Values of Parquet files are checked as they are read.
        let (chosen, n_genes) = (&self.genes_of_columns, self.genes.len());
        let mut chosen = |block: CellBlock| match chosen {
            Some(genes) => each(Ok(CellBlock { x: select_columns(&block.x, genes, n_genes), ..block })),
            None => each(Ok(block)),
        };
        if let Err(error) = rows.read_run(run, &mut chosen) {
            each(Err(error));
        }
    }

    /// One block of cells, n x n_genes; values are finite, and not negative unless they are effects. Of Parquet files the
    /// blocks before it in its group of rows are read too.
    pub(super) fn read(&self, block: usize, negative: bool) -> Result<CellBlock, IoError> {
        let first_cell = self.plan()[block].start;
        let mut x = self.source.read(block)?;
        if let Some(genes) = &self.genes_of_columns {
            x = select_columns(&x, genes, self.genes.len());
        }
        match bad_value(&x, negative) {
            Some((row, gene, value)) => Err(IoError::data(&self.path)(DataError::BadValue {
                cell: (first_cell + row) as u64,
                gene: self.genes.names()[gene as usize].to_string(),
                value: value.to_string(),
            })),
            None => Ok(CellBlock { first_cell, x }),
        }
    }

    /// The sum of the values of each cell of a block, where that is less work than reading the block.
    pub(super) fn totals(&self, block: usize) -> Option<Result<Vec<f64>, IoError>> {
        match &self.source {
            Source::Stored(rows) if self.genes_of_columns.is_none() => Some(rows.totals(block)),
            Source::Lent(rows) if self.genes_of_columns.is_none() => Some(rows.totals(block)),
            _ => None,
        }
    }
}

fn bad_value(x: &Csr<f32>, negative: bool) -> Option<(usize, u32, f32)> {
    let good = |v: f32| v.is_finite() && (negative || v >= 0.0);
    // One cheap look at all values before the search for the culprit.
    if x.data().iter().all(|&v| good(v)) {
        return None;
    }
    (0..x.n_rows()).find_map(|row| {
        let (genes, values) = x.row(row);
        let at = values.iter().position(|&v| !good(v))?;
        Some((row, genes[at], values[at]))
    })
}

/// The columns that belong to genes, in the order of the genes.
fn select_columns(x: &Csr<f32>, genes: &[Option<u32>], n_genes: usize) -> Csr<f32> {
    let mut out = Csr::empty(n_genes);
    let mut cell: Vec<(u32, f32)> = Vec::new();
    for row in 0..x.n_rows() {
        let (columns, values) = x.row(row);
        cell.clear();
        cell.extend(columns.iter().zip(values).filter_map(|(&c, &v)| genes[c as usize].map(|gene| (gene, v))));
        if !cell.is_sorted_by_key(|entry| entry.0) {
            cell.sort_unstable_by_key(|entry| entry.0);
        }
        out.push_row(cell.iter().copied());
    }
    out
}
