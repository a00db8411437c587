//! Cells on disk, whatever the format: shape, genes, cell annotation, and a matrix that can be read by rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::annotation::Annotation;
use super::cell_rows::{CellRows, Source};
use super::genes::{GeneNames, build_index, gene_names};
use super::h5ad::{Frame, H5File, StoredMatrix};
use super::lent::{self, Lent, LentMatrix};
use super::mtx::MtxMatrix;
use super::parquet_cells::{self, ParquetMatrix};
use super::read_ahead::ReadAhead;
use super::scale::{LOOKED_AT, ScaleGuess, guess};
use super::{IoError, mtx, tenx, vcc};
use crate::data::{Csr, Expression, GeneIndex, Scale};
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
    pub(super) obs: Option<Annotation>,
    /// Annotation of the genes as the file has them.
    pub(super) var: Option<Annotation>,
    pub(super) names: Names,
    /// For each gene of the file its place among `genes`, where these were chosen by [`CellFile::with_genes`].
    pub(super) mapping: Option<Arc<Vec<Option<u32>>>>,
    pub(super) matrix: Option<Matrix>,
}

/// Column of gene identifiers where genes are called by symbols.
pub(super) const GENE_IDS: &str = "gene_ids";

/// Where the names of cells are.
#[derive(Debug)]
pub(super) enum Names {
    /// In the index of `obs`.
    Index,
    /// In memory.
    Listed(Vec<String>),
    /// In a dataset.
    Stored(H5File, String),
    /// In a column of the annotation; `None`: cells have no names.
    Column(Option<&'static str>),
}

/// A matrix of cells by genes in one of the formats.
#[derive(Debug)]
pub(super) enum Matrix {
    /// In an HDF5 file; for each column the gene it belongs to, where not all columns are genes.
    Hdf5(StoredMatrix, Option<Vec<Option<u32>>>),
    /// In a Matrix Market file.
    Mtx(MtxMatrix),
    /// In Parquet files.
    Parquet(ParquetMatrix),
    /// In memory that is borrowed.
    Lent(LentMatrix, Arc<Lent>),
}

/// Opens `.h5ad`, `.vcc`, 10x `.h5`, a 10x folder, a `matrix.mtx[.gz]` file, or Parquet in the layout of Tahoe-100M (a file
/// or a folder of them), or what is lent under this name ([`super::lend`]); `aliases` is a table of other gene names.
///
/// # Errors
/// [`IoError`] that names the file, the element, and what was expected.
pub fn open_cells(path: &Path, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    open_cells_with(path, aliases, None)
}

/// The same with a table of the genes that the tokens of Parquet files stand for.
///
/// # Errors
/// As [`open_cells`].
pub fn open_cells_with(path: &Path, aliases: Option<&Path>, gene_metadata: Option<&Path>) -> Result<CellFile, IoError> {
    if let Some(lent) = lent::find(path) {
        return lent::open(&lent, path, aliases);
    }
    if path.is_dir() && path.join(".zattrs").exists() || path.extension().is_some_and(|e| e == "zarr" || e == "zip") {
        let expected = "an .h5ad file, a 10x .h5 file or a 10x folder (convert zarr with `anndata.read_zarr(...).write_h5ad(...)`)";
        return Err(IoError::format(path, "", expected, "a zarr store"));
    }
    if parquet_cells::is_cells(path) {
        return parquet_cells::open(path, gene_metadata, aliases);
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
    let (names, more) = gene_names(var.index()?, &Annotation::Frame(var.clone()))?;
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
        obs: Some(Annotation::Frame(obs)),
        var: Some(Annotation::Frame(var)),
        names: Names::Index,
        mapping: None,
        matrix: found.map(|m| Matrix::Hdf5(m, None)),
    })
}

/// Where expression is looked for when `X` is missing or can be neither counts nor log1p.
pub(super) const ELSEWHERE: [&str; 3] = ["layers/counts", "raw/X", "raw.X"];

/// Says that another matrix than `X` is read, and why.
pub(super) fn read_elsewhere(unfit: bool, name: &str) -> Notice {
    let why = if unfit { "`X` holds negative values" } else { "there is no `X`" };
    Notice::new(format!("{why}; expression is read from `{name}`"))
}

/// `X`, or one of [`ELSEWHERE`].
fn find_matrix(file: &H5File, notices: &mut Vec<Notice>) -> Result<Option<StoredMatrix>, IoError> {
    let x = StoredMatrix::find(file, "X")?;
    let unfit = match &x {
        Some(x) if !is_table(file) => guess(&x.sample(LOOKED_AT)?).impossible,
        _ => false,
    };
    if x.is_some() && !unfit {
        return Ok(x);
    }
    for name in ELSEWHERE {
        if let Some(matrix) = StoredMatrix::find(file, name)? {
            notices.push(read_elsewhere(unfit, name));
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
        self.obs.as_ref().map_or(&[], Annotation::columns)
    }

    /// Number of values in the file; of a sparse matrix those that are stored, as far as that is known without reading.
    pub fn stored_values(&self) -> u64 {
        match &self.matrix {
            Some(Matrix::Hdf5(matrix, _)) => matrix.stored_values(),
            Some(Matrix::Parquet(matrix)) => matrix.stored_values(),
            Some(Matrix::Lent(matrix, _)) => matrix.stored_values(),
            Some(Matrix::Mtx(_)) | None => self.n_cells as u64 * self.genes.len() as u64,
        }
    }

    /// The guess of the scale from up to 50,000 stored values.
    pub fn guess_scale(&self) -> Result<ScaleGuess, IoError> {
        Ok(guess(&match self.matrix()? {
            Matrix::Hdf5(matrix, _) => matrix.sample(LOOKED_AT)?,
            Matrix::Mtx(matrix) => matrix.sample(LOOKED_AT)?,
            Matrix::Parquet(matrix) => matrix.sample(LOOKED_AT)?,
            Matrix::Lent(matrix, _) => matrix.sample(LOOKED_AT),
        }))
    }

    /// All cells in memory, n_cells x n_genes, in the scale given: small files only.
    ///
    /// # Errors
    /// [`crate::data::DataError::BadValue`] for a value that is not finite or negative, and whatever reading says.
    pub fn read(&self, scale: Scale) -> Result<Expression, IoError> {
        let mut x = Csr::empty(self.genes.len());
        for block in ReadAhead::start(self.rows()?) {
            let block = block?.x;
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
        let (source, genes_of_columns) = match self.matrix()? {
            Matrix::Hdf5(matrix, genes_of_columns) => {
                (Source::Stored(Arc::new(matrix.rows()?)), genes_of_columns.clone())
            }
            Matrix::Mtx(matrix) => (Source::Stored(Arc::new(matrix.rows()?)), None),
            Matrix::Parquet(matrix) => (Source::Parquet(matrix.rows()), None),
            Matrix::Lent(matrix, _) => (Source::Lent(Arc::new(matrix.rows(&self.path)?)), None),
        };
        let genes_of_columns = match (&self.mapping, genes_of_columns) {
            (None, own) => own.map(Arc::new),
            (Some(mapping), None) => Some(Arc::clone(mapping)),
            (Some(mapping), Some(own)) => {
                Some(Arc::new(own.iter().map(|gene| gene.and_then(|g| mapping[g as usize])).collect()))
            }
        };
        Ok(CellRows { source, genes_of_columns, genes: Arc::clone(&self.genes), path: self.path.clone() })
    }
}
