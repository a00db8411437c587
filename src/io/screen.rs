//! A screen on disk: cells with their conditions, streamed by blocks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accumulate::{pseudobulk_of, totals};
use super::cells::{CellFile, open_cells_with};
use super::detect::{COLUMNS, Detected, detect, expected_columns};
use super::h5ad::Labels;
use super::perturbations::{perturbations, whole};
use super::read_ahead::ReadAhead;
use super::table::Written;
use super::{IoError, Preset, ScaleGuess};
use crate::data::{
    CellBlock, CellTable, Condition, DataError, GeneIndex, Perturbation, Pseudobulk, PseudobulkOptions, Scale, Screen,
    Totals,
};
use crate::error::Notice;

/// How cells are labelled and scaled; what is not given is detected and reported.
#[derive(Debug, Clone, Default)]
pub struct ScreenOptions {
    /// Column of the perturbation.
    pub pert_col: Option<String>,
    /// Label of the control.
    pub control: Option<String>,
    /// Column of the cell type.
    pub celltype_col: Option<String>,
    /// Column of the batch.
    pub batch_col: Option<String>,
    /// Scale of the values.
    pub scale: Option<Scale>,
    /// Table of other gene names: TSV of alias and gene.
    pub aliases: Option<PathBuf>,
    /// Labels are names of drugs and the like: `+` and `_` in them do not join genes.
    pub whole_labels: bool,
    /// The genes that the tokens of Parquet files stand for.
    pub gene_metadata: Option<PathBuf>,
    /// The data set, where it is one that is known.
    pub preset: Option<&'static Preset>,
}

/// Cells on disk with their conditions.
#[derive(Debug)]
pub struct ScreenFile {
    /// Where the cells are.
    pub path: PathBuf,
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The conditions of the cells.
    pub cells: CellTable,
    /// How the file writes each perturbation (the first label, where it has several for one).
    pub labels: HashMap<Perturbation, String>,
    /// The column of perturbations.
    pub pert_col: String,
    /// The control label as the file writes it, where there is one.
    pub control_label: Option<String>,
    /// The scale of the values, guessed or stated.
    pub scale: Scale,
    /// Why this scale.
    pub evidence: String,
    /// Whether the rows are conditions, not cells: the file says so, or every perturbation occurs exactly once.
    pub is_table: bool,
    /// What was decided while opening.
    pub notices: Vec<Notice>,
    pub(super) file: CellFile,
    pub(super) written: Option<Written>,
}

/// Opens a screen: annotation is read, expression is not (but for a sample of values).
///
/// # Errors
/// [`IoError::MissingColumn`] without a column of perturbations, and whatever is wrong with the file. A screen without
/// control opens: see [`CellTable::controls`].
pub fn open_screen(path: &Path, options: &ScreenOptions) -> Result<ScreenFile, IoError> {
    label_cells(open_cells_with(path, options.aliases.as_deref(), options.gene_metadata.as_deref())?, options)
}

/// Finds out what was done to the cells of an open file.
///
/// # Errors
/// As [`open_screen`].
pub fn label_cells(file: CellFile, options: &ScreenOptions) -> Result<ScreenFile, IoError> {
    let written = Written::read(&file)?;
    let known = options.preset.filter(|_| written.is_none());
    let options = known.map_or_else(|| options.clone(), |p| p.fill(options, |c| file.columns().iter().any(|o| o == c)));
    let options = &written.as_ref().map_or_else(|| options.clone(), |w| w.options(&options, &file));
    let obs = file.obs.as_ref().ok_or_else(|| no_annotation(&file, options))?;
    let Detected { column, control, labels, notices: detected } = detect(&file.path, obs, options)?;
    let guess = stated_or_guessed(&file, options)?;
    let (parsed, renamed) = if options.whole_labels {
        (whole(&labels.names, control.as_deref()), Vec::new())
    } else {
        perturbations(&labels.names, control.as_deref(), &file.genes)
    };
    let (cells, by_type) = conditions(&file, &labels, &parsed, options)?;
    let is_table = written.is_some() || is_one_row_each(&cells);
    let mut notices: Vec<Notice> = file.notices.iter().cloned().chain(detected).chain(renamed).chain(by_type).collect();
    if options.scale.is_none() && !is_table {
        notices.push(Notice::new(format!("values are read as {}: {}", guess.scale, guess.evidence)));
        notices.extend(guess.notice);
    }
    Ok(ScreenFile {
        path: file.path.clone(),
        genes: Arc::clone(&file.genes),
        cells,
        labels: written_as(&labels.names, &parsed),
        pert_col: column,
        control_label: control,
        scale: guess.scale,
        evidence: guess.evidence,
        is_table,
        notices,
        file,
        written,
    })
}

/// The condition of each cell. Where no cell type is asked for but each perturbation occurs once per `cell_type`, the
/// file is a table by cell type and read as such, with a notice.
fn conditions(
    file: &CellFile,
    labels: &Labels,
    parsed: &[Option<Perturbation>],
    options: &ScreenOptions,
) -> Result<(CellTable, Option<Notice>), IoError> {
    let batches = options.batch_col.as_ref().map(|column| context(file, column)).transpose()?;
    let of = |cell_types: Option<&Context>| {
        let part = |context: Option<&Context>, i: usize| context.and_then(|c| c[i].clone());
        CellTable::new(labels.of_cell.iter().enumerate().map(|(i, label)| {
            let perturbation = parsed[(*label)? as usize].clone()?;
            Some(Condition { perturbation, cell_type: part(cell_types, i), batch: part(batches.as_ref(), i) })
        }))
    };
    if let Some(column) = &options.celltype_col {
        return Ok((of(Some(&context(file, column)?)), None));
    }
    let plain = of(None);
    if !is_one_row_each(&plain) && file.columns().iter().any(|c| c == "cell_type") {
        let by_type = of(Some(&context(file, "cell_type")?));
        if is_one_row_each(&by_type) {
            let text = "every perturbation has one row per `cell_type`: the file is read as a table by cell type";
            return Ok((by_type, Some(Notice::new(text))));
        }
    }
    Ok((plain, None))
}

/// Cell type or batch of each cell.
type Context = Vec<Option<Arc<str>>>;

fn no_annotation(file: &CellFile, options: &ScreenOptions) -> IoError {
    IoError::MissingColumn {
        path: file.path.clone(),
        column: options.pert_col.clone().unwrap_or_else(|| COLUMNS[1].into()),
        expected: expected_columns(),
        found: format!("no column: {} has no annotation of cells", file.format),
        hint: Some("write the cells as .h5ad with a column of perturbations in `obs`".into()),
    }
}

/// The first label of each perturbation.
fn written_as(labels: &[String], parsed: &[Option<Perturbation>]) -> HashMap<Perturbation, String> {
    let mut first = HashMap::new();
    for (label, perturbation) in labels.iter().zip(parsed) {
        if let Some(perturbation) = perturbation {
            first.entry(perturbation.clone()).or_insert_with(|| label.clone());
        }
    }
    first
}

/// Whether every perturbation occurs exactly once in its cell type and batch.
fn is_one_row_each(cells: &CellTable) -> bool {
    let counts = cells.counts();
    counts.len() > 1 && counts.iter().all(|&n| n == 1)
}

fn stated_or_guessed(file: &CellFile, options: &ScreenOptions) -> Result<ScaleGuess, IoError> {
    let stated = |scale| ScaleGuess { scale, evidence: "stated".into(), impossible: false, notice: None };
    options.scale.map_or_else(|| file.guess_scale(), |scale| file.matrix().map(|_| stated(scale)))
}

/// Cell type or batch of each cell.
fn context(file: &CellFile, column: &str) -> Result<Context, IoError> {
    let Some(obs) = file.obs.as_ref().filter(|obs| obs.has(column)) else {
        let (expected, found) = ("the columns of `obs`".into(), crate::error::some_of(file.columns(), 12));
        let (path, column) = (file.path.clone(), column.to_owned());
        return Err(IoError::MissingColumn { path, column, expected, found, hint: None });
    };
    let labels = obs.labels(column)?;
    let names: Vec<Arc<str>> = labels.names.iter().map(|n| Arc::from(n.as_str())).collect();
    Ok(labels.of_cell.iter().map(|label| label.map(|l| Arc::clone(&names[l as usize]))).collect())
}

impl ScreenFile {
    /// Number of values in the file; of a sparse matrix those that are stored.
    pub fn stored_values(&self) -> u64 {
        self.file.stored_values()
    }

    /// Number of cells, left-out ones included.
    pub fn n_cells(&self) -> usize {
        self.file.n_cells
    }

    /// An annotation column as text, one value per cell, empty where the file gives none.
    pub fn column(&self, name: &str) -> Result<Vec<String>, IoError> {
        let missing = || IoError::format(&self.path, "", format!("a column `{name}` of cells"), "none");
        self.file.obs.as_ref().filter(|obs| obs.has(name)).ok_or_else(missing)?.text(name)
    }

    /// The cells in order, a block at a time, in the scale of the file; read ahead on threads of their own.
    ///
    /// # Errors
    /// Each block may fail: [`DataError::BadValue`] for NaN, infinite and negative values, and whatever reading says.
    pub fn blocks(&self) -> Result<impl Iterator<Item = Result<CellBlock, IoError>> + Send, IoError> {
        Ok(ReadAhead::start(self.file.rows()?))
    }

    /// The table of this screen: see [`pseudobulk_of`].
    pub fn pseudobulk(
        &self,
        options: &PseudobulkOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Pseudobulk, IoError> {
        pseudobulk_of(std::slice::from_ref(self), options, progress)
    }

    /// The same cells over these genes: see [`CellFile::with_genes`].
    #[must_use]
    pub fn with_genes(self, genes: Arc<GeneIndex>) -> Self {
        Self { file: self.file.with_genes(Arc::clone(&genes)), genes, ..self }
    }

    /// The same cells with cell types and batches put together.
    #[must_use]
    pub fn without_context(mut self) -> Self {
        let plain = |c: u32| Condition::of(self.cells.conditions[c as usize].perturbation.clone());
        self.cells = CellTable::new(self.cells.of_cell.iter().map(|c| c.map(plain)));
        self
    }

    /// The whole screen in memory: small files only.
    pub fn read(&self) -> Result<Screen, IoError> {
        Screen::new(self.file.read(self.scale)?, self.cells.clone()).map_err(IoError::data(&self.path))
    }

    /// The median total of the cells with a condition and a total above zero; `None` where there is no such cell.
    pub fn median_total(&self) -> Result<Option<f64>, IoError> {
        let mut kept = Totals::default();
        totals(&self.file.rows()?, &self.cells.of_cell, &mut kept, &mut |_| ())?;
        Ok(kept.median())
    }
}

/// Reads a whole screen into memory: small ones, such as treated cells.
///
/// # Errors
/// As [`open_screen`], and [`DataError::BadValue`].
pub fn read_screen(path: &Path, options: &ScreenOptions) -> Result<(Screen, Vec<Notice>), IoError> {
    let file = open_screen(path, options)?;
    Ok((file.read()?, file.notices))
}

/// The control must exist and have cells enough for a variance.
///
/// # Errors
/// [`DataError::NoControl`] and [`DataError::TooFewControls`].
pub fn check_control(screen: &ScreenFile) -> Result<(), IoError> {
    let wrong = IoError::data(&screen.path);
    let controls = match screen.cells.controls() {
        Ok(controls) => controls,
        Err(error) => return Err(wrong(error)),
    };
    let counts = screen.cells.counts();
    let got: u64 = controls.iter().map(|&i| counts[i]).sum();
    if got < 2 {
        let label = screen.control_label.clone().unwrap_or_default();
        return Err(wrong(DataError::TooFewControls { label, expected: 2, got }));
    }
    Ok(())
}
