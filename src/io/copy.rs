//! Cells on their way from files to another file: what they are called, what is known of them, and a stream of blocks.
//!
//! Memory holds a few blocks of cells and the annotation (names, labels as codes, numbers), never the matrix.

mod concat;
mod genes;
mod joined_genes;
pub(super) mod ledger;
mod mtx;
mod select;
mod shards;
mod union;

use std::path::Path;
use std::sync::Arc;

pub use self::concat::Concat;
pub use self::joined_genes::Join;
pub(super) use self::joined_genes::JoinedGenes;
pub use self::ledger::Kept;
use super::annotation::Annotation;
use super::cells::{CellFile, GENE_IDS, Names};
use super::h5ad::{Frame, Labels};
use super::parquet_cells::CELL_NAMES;
use super::read_ahead::ReadAhead;
use super::{Column, IoError, StreamedCells, write_h5ad_stream};
use crate::data::{CellBlock, Csr, GeneIndex};
use crate::error::{Notice, some_of};

/// What is known of cells besides their expression.
#[derive(Debug, Clone)]
pub struct Cells {
    /// Names of the cells, n_cells.
    pub names: Vec<String>,
    /// Annotation of the cells by column name, n_cells values each.
    pub obs: Vec<(String, Column)>,
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Annotation of the genes by column name.
    pub var: Vec<(String, Column)>,
    /// What was left out.
    pub notices: Vec<Notice>,
}

/// Formats that cells are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellFormat {
    /// AnnData: one file, compressed sparse rows, gzip.
    H5ad,
    /// A 10x-style folder: matrix.mtx.gz, features.tsv.gz, barcodes.tsv.gz, and obs.tsv.gz with the annotation.
    Mtx,
    /// A folder of Parquet files as Tahoe-100M has them, with gene_metadata.parquet.
    Parquet,
}

/// How cells are written.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// The format.
    pub format: CellFormat,
    /// Cells per Parquet file.
    pub shard_rows: usize,
    /// What identifies the work (input, options): files of another work are never taken for parts of this one.
    pub work: String,
    /// Keep the finished files of the same work, interrupted; only folders have any.
    pub resume: bool,
}

/// Writes cells that come in blocks. A file appears whole or not at all; a folder fills with whole files, and
/// `conversion.json` says at any time which of them are done.
///
/// # Errors
/// The first error of `blocks`; [`IoError::Format`] where blocks and annotation do not fit together; [`IoError::System`]
/// where the folder cannot be written or the disk is full.
pub fn write_cells<E: From<IoError>>(
    path: &Path,
    cells: &Cells,
    options: &CopyOptions,
    blocks: impl Iterator<Item = Result<Csr<f32>, E>>,
) -> Result<Kept, E> {
    match options.format {
        CellFormat::H5ad => {
            let uns = serde_json::Map::new();
            let Cells { names, obs, genes, var, .. } = cells;
            let head = StreamedCells { obs_names: names, obs, genes, var, layers: &[], uns: &uns };
            write_h5ad_stream(path, &head, blocks.map(|block| block.map(|x| vec![x])))?;
            Ok(Kept::default())
        }
        CellFormat::Mtx => mtx::write(path, cells, options, blocks),
        CellFormat::Parquet => shards::write(path, cells, options, blocks),
    }
}

impl CellFile {
    /// Names and annotation of the cells and genes; columns that cannot be read are left out and said.
    ///
    /// # Errors
    /// Whatever reading the names says.
    pub fn annotation(&self) -> Result<Cells, IoError> {
        let (mut notices, names) = (Vec::new(), self.cell_names()?);
        let is_name = |c: &str| matches!(&self.names, Names::Column(Some(name)) if *name == c);
        let obs = self.obs.as_ref().map_or_else(Vec::new, |obs| readable(obs, &mut notices, is_name));
        let mut var = self.var.as_ref().map_or_else(Vec::new, |var| readable(var, &mut notices, |_| false));
        if let Some(Annotation::Frame(frame)) = &self.var {
            var.extend(self.identifiers(frame, &var)?);
        }
        notices.extend(self.not_copied());
        let var = self.in_order_of_genes(var);
        Ok(Cells { names, obs, genes: Arc::clone(&self.genes), var, notices })
    }

    /// Names of the cells; numbers where the file gives none.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn cell_names(&self) -> Result<Vec<String>, IoError> {
        let numbered = || (0..self.n_cells).map(|i| i.to_string()).collect();
        Ok(match (&self.names, &self.obs) {
            (Names::Index, Some(Annotation::Frame(frame))) => frame.index()?,
            (Names::Listed(names), _) => names.clone(),
            (Names::Stored(file, at), _) => file.values(at)?.into_text(),
            (Names::Column(Some(column)), Some(obs)) => obs.text(column)?,
            _ => numbered(),
        })
    }

    /// A column of annotation as labels.
    ///
    /// # Errors
    /// [`IoError::MissingColumn`], and whatever reading says.
    pub fn labels_of(&self, column: &str) -> Result<Labels, IoError> {
        let found = self.obs.as_ref().filter(|obs| obs.has(column)).ok_or_else(|| IoError::MissingColumn {
            path: self.path.clone(),
            column: column.to_owned(),
            expected: "a column of annotation".to_owned(),
            found: some_of(self.columns(), 12),
            hint: None,
        })?;
        found.labels(column)
    }

    /// The cells in order, a block at a time, in the scale of the file; values may be negative.
    ///
    /// # Errors
    /// Each block may fail: NaN and infinite values, and whatever reading says.
    pub fn blocks(&self) -> Result<impl Iterator<Item = Result<CellBlock, IoError>> + Send + use<>, IoError> {
        Ok(ReadAhead::with_negative(self.rows()?))
    }

    /// The names of the file's own index where genes are called otherwise.
    fn identifiers(&self, frame: &Frame, var: &[(String, Column)]) -> Result<Option<(String, Column)>, IoError> {
        let index = frame.index()?;
        let same = index.len() == self.genes.len() && index.iter().zip(self.genes.names()).all(|(a, b)| **a == **b);
        let known = self.mapping.is_some() || var.iter().any(|(name, _)| name == GENE_IDS);
        Ok((!same && !known).then(|| (GENE_IDS.to_owned(), Column::Strings(index))))
    }

    /// What an AnnData file holds that has no place in the copy.
    fn not_copied(&self) -> Option<Notice> {
        let Some(Annotation::Frame(obs)) = &self.obs else { return None };
        let parts = obs.other_parts(self.matrix_name.as_deref().unwrap_or_default());
        (!parts.is_empty()).then(|| Notice::new(format!("not copied: {}", some_of(&parts, 8))))
    }
}

/// The columns that can be read, but for those that hold the names.
fn readable(
    annotation: &Annotation,
    notices: &mut Vec<Notice>,
    is_name: impl Fn(&str) -> bool,
) -> Vec<(String, Column)> {
    let mut columns = Vec::new();
    for name in annotation.columns().iter().filter(|c| !is_name(c)) {
        match annotation.column(name) {
            Ok(column) => columns.push((name.clone(), column)),
            Err(error) => notices.push(Notice::new(format!("a column is left out: {error}"))),
        }
    }
    columns
}

/// A name for the column of cell names that no other column has.
fn name_column(obs: &[(String, Column)]) -> String {
    let taken = |name: &str| obs.iter().any(|(other, _)| other == name);
    let mut name = CELL_NAMES[0].to_owned();
    while taken(&name) {
        name.push('_');
    }
    name
}

/// Every block must have all genes, and all blocks together all cells.
fn check_rows(path: &Path, cells: &Cells, got: usize) -> Result<(), IoError> {
    let expected = cells.names.len();
    if got == expected {
        return Ok(());
    }
    Err(IoError::format(path, "", format!("{expected} cells"), got.to_string()))
}

#[cfg(test)]
mod tests;
