//! Cells in the memory of the calling program: borrowed, never copied, and found under a name as a file is under its path.
//!
//! [`lend`] registers them and returns a [`Loan`]; while it lives, [`super::open_cells_with`] finds the cells under
//! [`Loan::path`], so that whatever reads a file of cells by blocks of rows reads these the same way.

mod numbers;
mod rows;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

pub use self::numbers::{Lender, Numbers, Shared};
pub(super) use self::rows::LentRows;
use super::annotation::{Annotation, Listed};
use super::cells::{CellFile, ELSEWHERE, Matrix, Names, open_cells, read_elsewhere};
use super::genes::{GeneNames, build_index, gene_names};
use super::scale::{LOOKED_AT, guess};
use super::{Column, IoError};
use crate::data::Quantity;
use crate::error::Notice;

/// A matrix in borrowed memory, cells x genes.
#[derive(Debug, Clone)]
pub struct LentMatrix {
    /// Cells and genes.
    pub shape: [usize; 2],
    /// Where the values are.
    pub layout: LentLayout,
}

/// How the values of a borrowed matrix lie.
#[derive(Debug, Clone)]
pub enum LentLayout {
    /// Compressed sparse rows as SciPy has them; columns of a row in any order, repeated ones are added up.
    Csr {
        /// Where each row begins and the last one ends, n_cells + 1.
        indptr: Shared,
        /// Column of each value.
        indices: Shared,
        /// The values.
        data: Shared,
    },
    /// Compressed sparse columns, likewise.
    Csc {
        /// Where each column begins and the last one ends, n_genes + 1.
        indptr: Shared,
        /// Row of each value.
        indices: Shared,
        /// The values.
        data: Shared,
    },
    /// All values, zeros included.
    Dense {
        /// The values from the first to the last one in use.
        data: Shared,
        /// Elements from one row to the next, and from one column to the next.
        strides: [usize; 2],
    },
}

/// A table of columns with the names of its rows.
#[derive(Debug, Default)]
pub struct LentFrame {
    /// Names of the rows.
    pub index: Vec<String>,
    /// Columns by name, one value per row each.
    pub columns: Vec<(String, Column)>,
}

/// Cells that are lent.
#[derive(Debug)]
pub struct LentCells {
    /// Number of cells.
    pub n_cells: usize,
    /// Annotation of the cells by column name, n_cells values each.
    pub obs: Vec<(String, Column)>,
    /// The genes: their names and annotation.
    pub var: LentFrame,
    /// Those of `raw/X`, where that is lent.
    pub raw_var: Option<LentFrame>,
    /// Matrices by their place in an AnnData file: `X`, `layers/counts`, `raw/X`, ...
    pub matrices: Vec<(String, LentMatrix)>,
    /// Whether the cells say that they are a table of this project (`uns["grn"]`).
    pub is_ours: bool,
    /// The HDF5 file that holds the matrices of an AnnData backed by it; `matrices` is empty then.
    pub file: Option<PathBuf>,
    /// Quantity and control label of a table with one row per condition, where `uns["grn"]` gives them.
    pub table: Option<(Quantity, String)>,
}

/// Cells that are lent, with what is derived from them once.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) cells: LentCells,
    obs: Arc<Listed>,
    hash: OnceLock<String>,
}

/// Where everything that is lent is found: by name, and by loan where the same is lent several times at once.
static LENT: LazyLock<RwLock<HashMap<PathBuf, Loans>>> = LazyLock::new(RwLock::default);
/// The loans under one name, by their number.
type Loans = Vec<(u64, Arc<Lent>)>;
/// Numbers of loans.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Cells are found under [`Loan::path`] as long as this lives.
#[derive(Debug)]
pub struct Loan {
    path: PathBuf,
    number: u64,
}

impl Loan {
    /// The name under which the cells are found, in place of the path of a file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut lent = LENT.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(loans) = lent.get_mut(&self.path) {
            loans.retain(|(number, _)| *number != self.number);
            if loans.is_empty() {
                lent.remove(&self.path);
            }
        }
    }
}

/// Lends cells under a name. O(cells + genes); values are not looked at.
///
/// Runs remember the name of what they were fitted on: a name should never stand for two different sets of cells, and the
/// same cells may be lent under their name again, several times at once too.
///
/// # Errors
/// [`IoError::Format`] where shapes and lengths do not fit together.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use grn::io::{Column, LentCells, LentFrame, LentLayout, LentMatrix, lend, open_screen};
/// let data = Arc::new(vec![5f32, 0.0, 1.0, 2.0]);
/// let x = LentMatrix { shape: [2, 2], layout: LentLayout::Dense { data, strides: [2, 1] } };
/// let index = vec!["A".to_owned(), "B".to_owned()];
/// let labels = vec!["control".to_owned(), "A".to_owned()];
/// let loan = lend("cells", LentCells {
///     n_cells: 2,
///     obs: vec![("perturbation".into(), Column::Strings(labels))],
///     var: LentFrame { index, columns: Vec::new() },
///     raw_var: None,
///     matrices: vec![("X".into(), x)],
///     is_ours: false,
///     file: None,
///     table: None,
/// })?;
/// assert_eq!(open_screen(loan.path(), &Default::default())?.n_cells(), 2);
/// # Ok::<(), grn::io::IoError>(())
/// ```
pub fn lend(name: &str, cells: LentCells) -> Result<Loan, IoError> {
    let (path, number) = (PathBuf::from(name), NEXT.fetch_add(1, Ordering::Relaxed));
    check(&path, &cells)?;
    let LentCells { obs, .. } = cells;
    let cells = LentCells { obs: Vec::new(), ..cells };
    let lent = Arc::new(Lent { cells, obs: Arc::new(Listed::new(obs)), hash: OnceLock::new() });
    let mut all = LENT.write().unwrap_or_else(PoisonError::into_inner);
    all.entry(path.clone()).or_default().push((number, lent));
    Ok(Loan { path, number })
}

/// Whether cells are lent under this name.
pub fn is_lent(path: &Path) -> bool {
    find(path).is_some()
}

/// The file behind lent cells whose matrices lie in one.
pub fn lent_file(path: &Path) -> Option<PathBuf> {
    find(path)?.cells.file.clone()
}

/// Bytes of the lent matrices, or of the file behind them; `None` where nothing is lent under this name.
pub fn lent_bytes(path: &Path) -> Option<u64> {
    let lent = find(path)?;
    let in_memory = || lent.cells.matrices.iter().map(|(_, matrix)| matrix.bytes()).sum();
    let in_file = |file: &PathBuf| std::fs::metadata(file).map_or(0, |m| m.len());
    Some(lent.cells.file.as_ref().map_or_else(in_memory, in_file))
}

/// Bytes of the lent matrices, and a BLAKE3 hash of their arrays as they lie in memory and of the names of the genes and
/// the annotation of the cells: the same data give the same hash. `None` where nothing is lent under this name. The hash
/// is taken once, 1 s per few GB.
pub fn lent_summary(path: &Path) -> Option<(u64, String)> {
    let lent = find(path)?;
    Some((lent_bytes(path)?, lent.hash.get_or_init(|| lent.hashed()).clone()))
}

pub(super) fn find(path: &Path) -> Option<Arc<Lent>> {
    let lent = LENT.read().unwrap_or_else(PoisonError::into_inner);
    lent.get(path).and_then(|loans| loans.last()).map(|(_, lent)| Arc::clone(lent))
}

/// Opens what is lent as a file is opened: the same choice of matrix, of gene names, the same notices.
pub(super) fn open(lent: &Arc<Lent>, path: &Path, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    let cells = &lent.cells;
    if let Some(file) = &cells.file {
        return open_backed(lent, path, open_cells(file, aliases)?, aliases);
    }
    let mut notices = Vec::new();
    let found = lent.choose(&mut notices);
    let of_raw = found.is_some_and(|(at, _)| at == "raw/X");
    let frame = cells.raw_var.as_ref().filter(|_| of_raw).unwrap_or(&cells.var);
    let var = Annotation::Listed(Arc::new(Listed::new(frame.columns.iter().cloned())));
    let (names, more) = gene_names(frame.index.clone(), &var)?;
    notices.extend(more);
    let GeneNames { genes, repeated, notices: more } = build_index(&names, aliases)?;
    notices.extend(more);
    Ok(CellFile {
        path: path.to_owned(),
        format: "AnnData in memory",
        n_cells: cells.n_cells,
        genes,
        repeated_genes: repeated,
        notices,
        matrix_name: found.map(|(at, _)| at.clone()),
        obs: Some(Annotation::Listed(Arc::clone(&lent.obs))),
        var: Some(var),
        names: Names::Column(None),
        mapping: None,
        matrix: found.map(|(_, matrix)| Matrix::Lent(matrix.clone(), Arc::clone(lent))),
    })
}

/// A file with the annotation in memory in place of its own.
fn open_backed(lent: &Lent, path: &Path, file: CellFile, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    let n = lent.cells.n_cells;
    if file.n_cells != n {
        let element = file.path.display().to_string();
        return Err(IoError::format(path, element, format!("{n} cells, as in `obs`"), file.n_cells.to_string()));
    }
    let obs = Some(Annotation::Listed(Arc::clone(&lent.obs)));
    let file =
        CellFile { path: path.to_owned(), format: "AnnData backed by a file", obs, names: Names::Column(None), ..file };
    let of_raw = file.matrix_name.as_deref().is_some_and(|at| at.starts_with("raw"));
    if of_raw || lent.cells.var.index.len() != file.genes.len() {
        return Ok(file);
    }
    let var = Annotation::Listed(Arc::new(Listed::new(lent.cells.var.columns.iter().cloned())));
    let (names, _) = gene_names(lent.cells.var.index.clone(), &var)?;
    let GeneNames { genes, repeated, .. } = build_index(&names, aliases)?;
    Ok(CellFile { genes, repeated_genes: repeated, ..file })
}

impl Lent {
    /// The matrix of this name.
    pub(super) fn matrix(&self, at: &str) -> Option<&LentMatrix> {
        self.cells.matrices.iter().find(|(name, _)| name == at).map(|(_, matrix)| matrix)
    }

    /// `X`, or where it is missing or can be neither counts nor log1p, `layers/counts` or the raw matrix: as in a file.
    fn choose(&self, notices: &mut Vec<Notice>) -> Option<&(String, LentMatrix)> {
        let named = |at: &str| self.cells.matrices.iter().find(|(name, _)| name == at);
        let x = named("X");
        let unfit = x.is_some_and(|(_, x)| !self.cells.is_ours && guess(&x.sample(LOOKED_AT)).impossible);
        if x.is_some() && !unfit {
            return x;
        }
        let other = ELSEWHERE.into_iter().find_map(named);
        notices.extend(other.map(|(name, _)| read_elsewhere(unfit, name)));
        other.or(x)
    }

    fn hashed(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, matrix) in &self.cells.matrices {
            hasher.update(name.as_bytes());
            matrix.hash(&mut hasher);
        }
        let frames = std::iter::once(&self.cells.var).chain(&self.cells.raw_var);
        frames.flat_map(|f| &f.index).for_each(|name| {
            hasher.update(name.as_bytes()).update(&[0]);
        });
        self.obs.each_text(&mut |text| {
            hasher.update(text.as_bytes()).update(&[0]);
        });
        hasher.finalize().to_string()
    }
}

/// Whether the parts fit together.
fn check(path: &Path, cells: &LentCells) -> Result<(), IoError> {
    let wrong = |element: &str, expected: String, got: String| Err(IoError::format(path, element, expected, got));
    for (name, column) in &cells.obs {
        if column.len() != cells.n_cells {
            let element = format!("obs/{name}");
            return wrong(&element, format!("{} values, one per cell", cells.n_cells), column.len().to_string());
        }
    }
    for (at, matrix) in &cells.matrices {
        let frame = cells.raw_var.as_ref().filter(|_| at == "raw/X").unwrap_or(&cells.var);
        let [rows, columns] = matrix.shape;
        if (rows, columns) != (cells.n_cells, frame.index.len()) {
            let expected = format!("{} cells x {} genes, as in `obs` and `var`", cells.n_cells, frame.index.len());
            return wrong(at, expected, format!("{rows} x {columns}"));
        }
        matrix.check().or_else(|(expected, got)| wrong(at, expected, got))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
