//! Whatever a file holds, as one row per condition.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::cell_rows::Source;
use super::cells::{CellFile, Matrix};
use super::h5ad::{H5File, StoredMatrix};
use super::read_ahead::ReadAhead;
use super::scale::LARGEST_LOG1P;
use super::screen::{check_control, open_screen};
use super::{IoError, ScreenFile, ScreenOptions};
use crate::data::{
    Moments, Normalisation, Perturbation, Pseudobulk, PseudobulkOptions, Quantity, Scale, TargetSum, median,
};
use crate::error::Notice;

/// What was read, for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSummary {
    /// The file.
    pub path: PathBuf,
    /// The format in words.
    pub format: String,
    /// Whether its rows were `cells` or a `table` of one row per condition.
    pub rows: String,
    /// Number of rows.
    pub n_rows: u64,
    /// Number of genes.
    pub n_genes: u64,
    /// Number of conditions, controls included.
    pub n_conditions: u64,
    /// Column of the perturbations.
    pub pert_col: String,
    /// Control label, where there is one.
    pub control: Option<String>,
    /// Scale of the values.
    pub scale: Scale,
    /// Why this scale.
    pub evidence: String,
    /// Total to which counts were scaled; `None` where they were not.
    pub target_sum: Option<String>,
}

/// A table, what to know about it, and where it came from.
#[derive(Debug, Clone)]
pub struct TableRead {
    /// One row per condition.
    pub table: Pseudobulk,
    /// How the file writes each perturbation.
    pub labels: HashMap<Perturbation, String>,
    /// What was decided while reading.
    pub notices: Vec<Notice>,
    /// Where it came from.
    pub source: InputSummary,
}

/// Reads cells, streamed into a pseudobulk, or takes a file with one row per perturbation as it is.
///
/// A file is a table where it says so (`uns/grn`, as [`super::write_pseudobulk`] writes) or where every perturbation
/// occurs exactly once in its cell type and batch. A table whose control row is absent or all zero holds effects
/// (values may be negative, their scale is their own), any other holds levels (mean log1p expression).
///
/// # Errors
/// [`IoError`]: no column of perturbations, no control among cells, fewer than two control cells, values that cannot be.
pub fn read_table(
    path: &Path,
    options: &ScreenOptions,
    pseudobulk: &PseudobulkOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<TableRead, IoError> {
    let screen = open_screen(path, options)?;
    let mut source = summary(&screen, pseudobulk);
    let mut notices = screen.notices.clone();
    let table = if screen.is_table {
        source.rows = "table".into();
        source.target_sum = None;
        let mut table = as_it_is(&screen, progress)?;
        notices.push(about(&table));
        notices.extend(counts_to_log1p(&screen, &mut table, pseudobulk));
        table
    } else {
        check_control(&screen)?;
        screen.pseudobulk(pseudobulk, progress)?
    };
    table.check().map_err(IoError::data(path))?;
    Ok(TableRead { table, labels: screen.labels, notices, source })
}

fn summary(screen: &ScreenFile, pseudobulk: &PseudobulkOptions) -> InputSummary {
    let scaled = screen.scale == Scale::Counts && pseudobulk.target_sum != TargetSum::None;
    InputSummary {
        path: screen.path.clone(),
        format: screen.file.format.into(),
        rows: "cells".into(),
        n_rows: screen.n_cells() as u64,
        n_genes: screen.genes.len() as u64,
        n_conditions: screen.cells.conditions.len() as u64,
        pert_col: screen.pert_col.clone(),
        control: screen.control_label.clone(),
        scale: screen.scale,
        evidence: screen.evidence.clone(),
        target_sum: scaled.then(|| pseudobulk.target_sum.to_string()),
    }
}

fn about(table: &Pseudobulk) -> Notice {
    let (what, n) = match table.quantity {
        Quantity::Effect => ("effects (no control row, or one of zeros)", table.conditions.len()),
        Quantity::Level => ("levels of expression, with a control row", table.conditions.len()),
    };
    Notice::new(format!("the file has one row per perturbation: its {n} rows are taken as {what}"))
}

/// Rows of summed counts become log1p levels, as cells would: whole numbers too large for log1p cannot be levels.
fn counts_to_log1p(screen: &ScreenFile, table: &mut Pseudobulk, options: &PseudobulkOptions) -> Option<Notice> {
    let largest = table.moments.mean.iter().copied().fold(0.0, f32::max);
    let counts = screen.scale == Scale::Counts && largest >= LARGEST_LOG1P;
    if table.quantity == Quantity::Effect || screen.written.is_some() || !counts {
        return None;
    }
    let rows = table.moments.mean.rows();
    let mut totals: Vec<f64> = rows.into_iter().map(|row| row.iter().map(|&x| f64::from(x)).sum()).collect();
    let median_total = median(&mut totals).unwrap_or(1.0);
    let normalisation = Normalisation::of(screen.scale, options.target_sum, median_total);
    for mut row in table.moments.mean.rows_mut() {
        normalisation.apply(row.as_slice_mut().unwrap_or_default());
    }
    let text = format!("its values are counts (largest {largest}): scaled to a total of {}, log1p", options.target_sum);
    Some(Notice::new(text))
}

/// What [`super::write_pseudobulk`] noted in `uns/grn`.
#[derive(Debug, Clone)]
pub(super) struct Written {
    quantity: Quantity,
    control: String,
}

impl Written {
    pub(super) fn read(file: &CellFile) -> Result<Option<Self>, IoError> {
        if let Some(Matrix::Lent(_, lent)) = &file.matrix {
            let of = |(quantity, control): &(Quantity, String)| Self { quantity: *quantity, control: control.clone() };
            return Ok(lent.cells.table.as_ref().map(of));
        }
        let Some(h5) = h5ad_of(file).filter(|h5| h5.exists("uns/grn/quantity")) else { return Ok(None) };
        let text = |name: &str| Ok::<_, IoError>(h5.values(name)?.into_text().into_iter().next().unwrap_or_default());
        let quantity = match text("uns/grn/quantity")?.as_str() {
            "effect" => Quantity::Effect,
            "level" => Quantity::Level,
            other => return Err(h5.layout("uns/grn/quantity", "`level` or `effect`", format!("`{other}`"))),
        };
        // Predictions are effects without a row of control.
        let labelled = h5.exists("uns/grn/control_label");
        let control = if labelled { text("uns/grn/control_label")? } else { "control".to_owned() };
        Ok(Some(Self { quantity, control }))
    }

    /// The columns that were written, where the user names no others.
    pub(super) fn options(&self, given: &ScreenOptions, file: &CellFile) -> ScreenOptions {
        let there = |name: &str| file.columns().iter().any(|c| c == name).then(|| name.to_owned());
        let labels = file.obs.as_ref().and_then(|obs| obs.labels("target_gene").ok()).unwrap_or_default();
        let control = labels.names.contains(&self.control).then(|| self.control.clone());
        ScreenOptions {
            pert_col: given.pert_col.clone().or_else(|| there("target_gene")),
            control: given.control.clone().or(control),
            celltype_col: given.celltype_col.clone().or_else(|| there("cell_type")),
            batch_col: given.batch_col.clone().or_else(|| there("batch")),
            ..given.clone()
        }
    }
}

fn h5ad_of(file: &CellFile) -> Option<&H5File> {
    match file.matrix.as_ref()? {
        Matrix::Hdf5(matrix, _) => Some(&matrix.file),
        Matrix::Mtx(_) | Matrix::Parquet(_) | Matrix::Lent(..) => None,
    }
}

/// The rows of the file as the rows of the table.
fn as_it_is(screen: &ScreenFile, progress: &mut dyn FnMut(u64, u64)) -> Result<Pseudobulk, IoError> {
    let written = screen.written.as_ref();
    let rows: Vec<usize> = (0..screen.n_cells()).filter(|&i| screen.cells.of_cell[i].is_some()).collect();
    let conditions: Vec<_> =
        screen.cells.of_cell.iter().flatten().map(|&c| screen.cells.conditions[c as usize].clone()).collect();
    let mean = read_rows(&screen.file, &rows, progress)?;
    let layer = |name: &str| read_layer(screen, name, &rows);
    let is_zero = |i: usize| mean.row(i).iter().all(|&x| x == 0.0);
    let controls = (0..conditions.len()).filter(|&i| conditions[i].perturbation.is_control());
    let guessed = if controls.clone().all(is_zero) { Quantity::Effect } else { Quantity::Level };
    let halves = match (layer("half_a")?, layer("half_b")?) {
        (Some(a), Some(b)) => Some([a, b]),
        _ => None,
    };
    Ok(Pseudobulk {
        n_cells: read_n_cells(screen, &rows)?,
        quantity: written.map_or(guessed, |w| w.quantity),
        moments: Moments { var: layer("var")?, third: layer("third")?, fraction: layer("fraction")?, mean },
        halves,
        significant: layer("significant")?,
        control_label: written.map(|w| w.control.clone()).or(screen.control_label.clone()).unwrap_or("control".into()),
        genes: Arc::clone(&screen.genes),
        conditions,
    })
}

fn read_n_cells(screen: &ScreenFile, rows: &[usize]) -> Result<Vec<u64>, IoError> {
    let numbers = match &screen.file.obs {
        Some(obs) if obs.has("n_cells") => obs.numbers("n_cells")?,
        _ => None,
    };
    let count = |x: f64| if x.is_finite() && x >= 0.0 { x as u64 } else { 0 };
    Ok(rows.iter().map(|&i| numbers.as_ref().map_or(0, |n| count(n[i]))).collect())
}

/// A layer of the same shape; `None` where the file has none of that name.
fn read_layer(screen: &ScreenFile, name: &str, rows: &[usize]) -> Result<Option<Array2<f32>>, IoError> {
    let Some(source) = layer_rows(screen, &format!("layers/{name}"))? else { return Ok(None) };
    let mut out = Array2::zeros((rows.len(), screen.genes.len()));
    let mut next = 0;
    for (block, range) in source.plan().iter().enumerate() {
        let x = source.read(block)?;
        while next < rows.len() && range.contains(&rows[next]) {
            fill(&mut out, next, x.row(rows[next] - range.start));
            next += 1;
        }
    }
    Ok(Some(out))
}

/// Access to a layer by rows.
fn layer_rows(screen: &ScreenFile, at: &str) -> Result<Option<Source>, IoError> {
    if let Some(Matrix::Lent(_, lent)) = &screen.file.matrix {
        let rows = lent.matrix(at).map(|matrix| matrix.rows(&screen.path)).transpose()?;
        return Ok(rows.map(|rows| Source::Lent(Arc::new(rows))));
    }
    let Some(h5) = h5ad_of(&screen.file) else { return Ok(None) };
    let Some(matrix) = StoredMatrix::find(h5, at)? else { return Ok(None) };
    let shape = (screen.n_cells(), screen.genes.len());
    if (matrix.n_rows, matrix.n_cols) != shape {
        let got = format!("{} x {}", matrix.n_rows, matrix.n_cols);
        return Err(h5.layout(at, format!("{} x {}, as `X`", shape.0, shape.1), got));
    }
    Ok(Some(Source::Stored(Arc::new(matrix.rows()?))))
}

/// The wanted rows of the main matrix; values must be finite and may be negative.
fn read_rows(file: &CellFile, rows: &[usize], progress: &mut dyn FnMut(u64, u64)) -> Result<Array2<f32>, IoError> {
    let mut out = Array2::zeros((rows.len(), file.genes.len()));
    let mut next = 0;
    for block in ReadAhead::with_negative(file.rows()?) {
        let read = block?;
        while next < rows.len() && rows[next] < read.first_cell + read.x.n_rows() {
            fill(&mut out, next, read.x.row(rows[next] - read.first_cell));
            next += 1;
        }
        progress(next as u64, rows.len() as u64);
    }
    Ok(out)
}

fn fill(out: &mut Array2<f32>, row: usize, (columns, values): (&[u32], &[f32])) {
    columns.iter().zip(values).for_each(|(&j, &x)| out[[row, j as usize]] = x);
}
