//! Cells on disk, whatever the format: shape, genes, cell annotation, and a matrix that can be read by rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::genes::{GeneNames, build_index, gene_names};
use super::h5ad::{Frame, H5File, Rows, StoredMatrix};
use super::mtx::MtxMatrix;
use super::scale::{LOOKED_AT, ScaleGuess, guess};
use super::{IoError, mtx, tenx, vcc};
use crate::data::{CellBlock, Csr, DataError, Expression, GeneIndex, Scale};
use crate::error::Notice;

/// Cells on disk: opened, not read.
#[derive(Debug)]
pub struct CellFile {
    /// Where the cells are.
    pub path: PathBuf,
    /// The format in words.
    pub format: &'static str,
    /// Number of cells.
    pub n_cells: usize,
    /// The genes, repeated names made unique.
    pub genes: Arc<GeneIndex>,
    /// Gene names that the file gives more than once.
    pub repeated_genes: Vec<String>,
    /// What was decided while opening.
    pub notices: Vec<Notice>,
    /// Where in the file the expression is (`X`, `layers/counts`, ...); `None` where the file holds none.
    pub matrix_name: Option<String>,
    pub(super) obs: Option<Frame>,
    pub(super) matrix: Option<Matrix>,
}

/// A matrix of cells by genes in one of the formats.
#[derive(Debug)]
pub(super) enum Matrix {
    /// In an HDF5 file; for each column the gene it belongs to, where not all columns are genes.
    Hdf5(StoredMatrix, Option<Vec<Option<u32>>>),
    /// In a Matrix Market file.
    Mtx(MtxMatrix),
}

/// Opens `.h5ad`, `.vcc`, 10x `.h5`, a 10x folder or a `matrix.mtx[.gz]` file; `aliases` is a table of other gene names.
///
/// # Errors
/// [`IoError`] that names the file, the element, and what was expected.
pub fn open_cells(path: &Path, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    if path.is_dir() && path.join(".zattrs").exists() || path.extension().is_some_and(|e| e == "zarr" || e == "zip") {
        let expected = "an .h5ad file, a 10x .h5 file or a 10x folder (convert zarr with `anndata.read_zarr(...).write_h5ad(...)`)";
        return Err(IoError::format(path, "", expected, "a zarr store"));
    }
    if path.is_dir() || mtx::is_matrix_file(path) {
        return mtx::open(path, aliases);
    }
    if vcc::is_vcc(path) {
        return Ok(CellFile { format: "challenge file", ..open_h5ad(&vcc::open(path)?, aliases)? });
    }
    let file = H5File::open(path)?;
    if tenx::is_tenx(&file) { tenx::open(&file, aliases) } else { open_h5ad(&file, aliases) }
}

fn open_h5ad(file: &H5File, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    if !file.exists("obs") || !file.exists("var") {
        let got = crate::error::some_of(file.members(""), 8);
        return Err(file.layout("/", "the groups `obs` and `var` of AnnData, or a 10x matrix", got));
    }
    let obs = Frame::open(file, "obs")?;
    let mut notices = Vec::new();
    let found = find_matrix(file, &mut notices)?;
    let var_name = match &found {
        Some(matrix) if matrix.at == "raw/X" => "raw/var",
        Some(matrix) if matrix.at == "raw.X" => "raw.var",
        _ => "var",
    };
    let var = Frame::open(file, var_name)?;
    let (names, more) = gene_names(&var)?;
    notices.extend(more);
    let GeneNames { genes, repeated, notices: more } = build_index(&names, aliases)?;
    notices.extend(more);
    if let Some(matrix) = &found
        && (matrix.n_rows, matrix.n_cols) != (obs.len, genes.len())
    {
        let expected = format!("{} cells x {} genes, as in `obs` and `{var_name}`", obs.len, genes.len());
        return Err(file.layout(&matrix.at, expected, format!("{} x {}", matrix.n_rows, matrix.n_cols)));
    }
    Ok(CellFile {
        path: file.path.clone(),
        format: "AnnData h5ad",
        n_cells: obs.len,
        genes,
        repeated_genes: repeated,
        notices,
        matrix_name: found.as_ref().map(|m| m.at.clone()),
        obs: Some(obs),
        matrix: found.map(|m| Matrix::Hdf5(m, None)),
    })
}

/// `X`, or where it is missing or can be neither counts nor log1p, `layers/counts` or the raw matrix.
fn find_matrix(file: &H5File, notices: &mut Vec<Notice>) -> Result<Option<StoredMatrix>, IoError> {
    let x = StoredMatrix::find(file, "X")?;
    let unfit = match &x {
        Some(x) if !is_table(file) => guess(&x.sample(LOOKED_AT)?).impossible,
        _ => false,
    };
    if x.is_some() && !unfit {
        return Ok(x);
    }
    for name in ["layers/counts", "raw/X", "raw.X"] {
        if let Some(matrix) = StoredMatrix::find(file, name)? {
            let why = if unfit { "`X` holds negative values" } else { "there is no `X`" };
            notices.push(Notice::new(format!("{why}; expression is read from `{name}`")));
            return Ok(Some(matrix));
        }
    }
    Ok(x)
}

/// Whether the file says that it is a table of this project.
fn is_table(file: &H5File) -> bool {
    file.exists("uns/grn")
}

impl CellFile {
    /// Names of the annotation columns of the cells.
    pub fn columns(&self) -> &[String] {
        self.obs.as_ref().map_or(&[], |obs| &obs.columns)
    }

    /// Number of values in the file; of a sparse matrix those that are stored, as far as that is known without reading.
    pub fn stored_values(&self) -> u64 {
        match &self.matrix {
            Some(Matrix::Hdf5(matrix, _)) => matrix.stored_values(),
            Some(Matrix::Mtx(_)) | None => self.n_cells as u64 * self.genes.len() as u64,
        }
    }

    /// The guess of the scale from up to 50,000 stored values.
    pub fn guess_scale(&self) -> Result<ScaleGuess, IoError> {
        Ok(guess(&match self.matrix()? {
            Matrix::Hdf5(matrix, _) => matrix.sample(LOOKED_AT)?,
            Matrix::Mtx(matrix) => matrix.sample(LOOKED_AT)?,
        }))
    }

    /// All cells in memory, n_cells x n_genes, in the scale given: small files only.
    ///
    /// # Errors
    /// [`DataError::BadValue`] for a value that is not finite or negative, and whatever reading says.
    pub fn read(&self, scale: Scale) -> Result<Expression, IoError> {
        let rows = self.rows()?;
        let mut x = Csr::empty(self.genes.len());
        for block in 0..rows.n_blocks() {
            let block = rows.read(block, false)?.x;
            for row in 0..block.n_rows() {
                let (genes, values) = block.row(row);
                x.push_row(genes.iter().copied().zip(values.iter().copied()));
            }
        }
        Expression::new(Arc::clone(&self.genes), x, scale).map_err(IoError::data(&self.path))
    }

    pub(super) fn matrix(&self) -> Result<&Matrix, IoError> {
        self.matrix.as_ref().ok_or_else(|| {
            IoError::format(&self.path, "", "expression in `X`, `layers/counts` or `raw/X`", "a file without a matrix")
        })
    }

    /// Access to the cells by blocks of rows.
    pub(super) fn rows(&self) -> Result<CellRows, IoError> {
        let (rows, genes_of_columns) = match self.matrix()? {
            Matrix::Hdf5(matrix, genes_of_columns) => (matrix.rows()?, genes_of_columns.clone()),
            Matrix::Mtx(matrix) => (matrix.rows()?, None),
        };
        Ok(CellRows { rows, genes_of_columns, genes: Arc::clone(&self.genes), path: self.path.clone() })
    }
}

/// Cells of a file by blocks of rows.
#[derive(Debug)]
pub(super) struct CellRows {
    rows: Rows,
    genes_of_columns: Option<Vec<Option<u32>>>,
    genes: Arc<GeneIndex>,
    path: PathBuf,
}

impl CellRows {
    /// Number of blocks.
    pub(super) fn n_blocks(&self) -> usize {
        self.rows.plan().len()
    }

    /// Blocks that may be read at the same time.
    pub(super) fn at_once(&self) -> usize {
        self.rows.at_once()
    }

    /// Number of cells in a block.
    pub(super) fn n_cells(&self, block: usize) -> usize {
        self.rows.plan()[block].len()
    }

    /// One block of cells, n x n_genes; values are finite, and not negative unless they are effects.
    pub(super) fn read(&self, block: usize, negative: bool) -> Result<CellBlock, IoError> {
        let mut x = self.rows.read(block)?;
        if let Some(genes) = &self.genes_of_columns {
            x = select_columns(&x, genes, self.genes.len());
        }
        let first_cell = self.rows.plan()[block].start;
        match bad_value(&x, negative) {
            Some((row, gene, value)) => Err(IoError::data(&self.path)(DataError::BadValue {
                cell: (first_cell + row) as u64,
                gene: self.genes.names()[gene as usize].to_string(),
                value: value.to_string(),
            })),
            None => Ok(CellBlock { first_cell, x }),
        }
    }

    /// First cell of a block and the sum of the values of each of its cells.
    pub(super) fn totals(&self, block: usize) -> Result<(usize, Vec<f64>), IoError> {
        let first = self.rows.plan()[block].start;
        if self.genes_of_columns.is_none() {
            return Ok((first, self.rows.totals(block)?));
        }
        let x = self.read(block, true)?.x;
        Ok((first, (0..x.n_rows()).map(|i| x.row(i).1.iter().map(|&v| f64::from(v)).sum()).collect()))
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
    for row in 0..x.n_rows() {
        let (columns, values) = x.row(row);
        let kept = columns.iter().zip(values).filter_map(|(&c, &v)| genes[c as usize].map(|gene| (gene, v)));
        out.push_row(kept);
    }
    out
}
