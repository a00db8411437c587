//! Screens on disk become one table: reading ahead on a thread of its own while cells are added up.

use std::sync::Arc;

use rayon::prelude::*;

use super::cells::CellRows;
use super::read_ahead::ReadAhead;
use super::{IoError, ScreenFile};
use crate::data::{
    CellTable, DataError, Normalisation, Pseudobulk, PseudobulkBuilder, PseudobulkOptions, Scale, TargetSum, median,
};

/// The table of one or several screens over the same genes: one streaming pass, two where the median total of counts is
/// needed. Conditions of the same name are one condition, whatever their file.
///
/// Memory does not grow with the number of cells but for 8 bytes each; `progress` is told cells done and cells in all.
///
/// # Errors
/// [`DataError::GeneMismatch`] where the files have other genes, [`DataError::BadValue`] for a value that is not finite
/// or negative, and whatever reading says.
pub fn pseudobulk_of(
    screens: &[ScreenFile],
    options: &PseudobulkOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Pseudobulk, IoError> {
    let Some(first) = screens.first() else {
        let shape = DataError::Shape { what: "pseudobulk", expected: "at least one file".into(), got: "none".into() };
        return Err(IoError::data("")(shape));
    };
    screens.iter().try_for_each(|screen| same_genes(first, screen))?;
    let sources = screens.iter().map(|s| s.file.rows()).collect::<Result<Vec<CellRows>, _>>()?;
    let cells = merged_cells(screens);
    let counted = |s: &ScreenFile| s.scale == Scale::Counts && options.target_sum == TargetSum::Median;
    let n_counted: usize = screens.iter().filter(|s| counted(s)).map(ScreenFile::n_cells).sum();
    let (mut done, all) = (0, (n_counted + cells.n_cells()) as u64);
    let mut report = |cells: u64| {
        done += cells;
        progress(done, all);
    };
    let mut kept = Vec::new();
    for (screen, rows) in screens.iter().zip(&sources).filter(|(s, _)| counted(s)) {
        kept.extend(totals(rows, &screen.cells.of_cell, &mut report)?);
    }
    let median_total = median(&mut kept).unwrap_or(1.0);
    let mut builder = PseudobulkBuilder::new(Arc::clone(&first.genes), cells.conditions.clone(), *options);
    let mut before = 0;
    for (screen, rows) in screens.iter().zip(sources) {
        builder.set_normalisation(Normalisation::of(screen.scale, options.target_sum, median_total));
        for block in ReadAhead::start(rows) {
            let mut block = block?;
            report(block.x.n_rows() as u64);
            block.first_cell += before;
            builder.push(block, &cells.of_cell);
        }
        before += screen.n_cells();
    }
    let mut table = builder.finish();
    table.control_label = first.control_label.clone().unwrap_or_else(|| "control".into());
    Ok(table)
}

fn same_genes(first: &ScreenFile, other: &ScreenFile) -> Result<(), IoError> {
    if first.genes == other.genes {
        return Ok(());
    }
    Err(IoError::data(&other.path)(DataError::GeneMismatch {
        what: "merge of screens",
        left: first.path.display().to_string(),
        right: other.path.display().to_string(),
        expected: first.genes.len(),
        got: other.genes.len(),
    }))
}

/// The cells of all files, one after the other.
fn merged_cells(screens: &[ScreenFile]) -> CellTable {
    if let [screen] = screens {
        return screen.cells.clone();
    }
    let condition = |s: &ScreenFile, c: Option<u32>| c.map(|c| s.cells.conditions[c as usize].clone());
    CellTable::new(screens.iter().flat_map(|s| s.cells.of_cell.iter().map(move |&c| condition(s, c))))
}

/// Totals above zero of the cells with a condition.
pub(super) fn totals(
    rows: &CellRows,
    of_cell: &[Option<u32>],
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<f64>, IoError> {
    let at_once = rayon::current_num_threads().min(rows.at_once()).max(1);
    let blocks: Vec<usize> = (0..rows.n_blocks()).collect();
    let mut kept = Vec::new();
    for blocks in blocks.chunks(4 * at_once) {
        let read = |some: &[usize]| some.iter().map(|&block| rows.totals(block)).collect::<Vec<_>>();
        let of_blocks: Vec<_> = blocks.par_chunks(blocks.len().div_ceil(at_once)).flat_map_iter(read).collect();
        for (&block, totals) in blocks.iter().zip(of_blocks) {
            let (first, totals) = totals?;
            let with_condition = totals.iter().enumerate().filter(|(i, _)| of_cell[first + i].is_some());
            kept.extend(with_condition.map(|(_, &total)| total).filter(|&total| total > 0.0));
            progress(rows.n_cells(block) as u64);
        }
    }
    Ok(kept)
}
