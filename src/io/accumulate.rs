//! Screens on disk become one table: read ahead on threads of their own while cells are added up.

use std::sync::Arc;

use rayon::prelude::*;

use super::cell_rows::CellRows;
use super::read_ahead::ReadAhead;
use super::{IoError, ScreenFile};
use crate::data::{
    CellBlock, CellTable, DataError, GeneIndex, Normalisation, Pseudobulk, PseudobulkBuilder, PseudobulkOptions, Scale,
    TargetSum, Totals,
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
    screens.iter().try_for_each(|screen| same_genes(first, screen.genes.as_ref(), screen))?;
    let cells = merged_cells(screens);
    let n_counted: usize = screens.iter().filter(|s| needs_totals(s, options)).map(ScreenFile::n_cells).sum();
    let (mut before, all) = (0, (n_counted + cells.n_cells()) as u64);
    let mut kept = Totals::default();
    for screen in screens.iter().filter(|s| needs_totals(s, options)) {
        totals(&screen.file.rows()?, &screen.cells.of_cell, &mut kept, &mut |done| progress(before + done, all))?;
        before += screen.n_cells() as u64;
    }
    let median_total = kept.median().unwrap_or(1.0);
    let mut builder = PseudobulkBuilder::new(Arc::clone(&first.genes), cells.conditions.clone(), *options);
    let mut first_cell = 0;
    for screen in screens {
        builder.set_normalisation(Normalisation::of(screen.scale, options.target_sum, median_total));
        let mut report = |done: u64| progress(before + done, all);
        builder.set_cells_before(first_cell);
        let of_cell = &cells.of_cell[first_cell..first_cell + screen.n_cells()];
        add_cells(&mut builder, &screen.file.rows()?, of_cell, &mut report)?;
        first_cell += screen.n_cells();
        before += screen.n_cells() as u64;
    }
    let mut table = builder.finish();
    table.control_label = first.control_label.clone().unwrap_or_else(|| "control".into());
    Ok(table)
}

/// Whether the counts of a screen are scaled to the median of their totals.
pub(super) fn needs_totals(screen: &ScreenFile, options: &PseudobulkOptions) -> bool {
    screen.scale == Scale::Counts && options.target_sum == TargetSum::Median
}

/// All files must have the genes of the first one.
pub(super) fn same_genes(first: &ScreenFile, genes: &GeneIndex, other: &ScreenFile) -> Result<(), IoError> {
    if *first.genes == *genes {
        return Ok(());
    }
    Err(IoError::data(&other.path)(DataError::GeneMismatch {
        what: "merge of screens",
        left: first.path.display().to_string(),
        right: other.path.display().to_string(),
        expected: first.genes.len(),
        got: genes.len(),
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

/// Adds the cells of one file. Blocks without a cell that has a condition are not read; `progress` is told the cells of
/// this file that are done.
pub(super) fn add_cells(
    builder: &mut PseudobulkBuilder,
    rows: &CellRows,
    of_cell: &[Option<u32>],
    progress: &mut dyn FnMut(u64),
) -> Result<(), IoError> {
    for block in ReadAhead::of_conditions(rows, of_cell) {
        let block = block?;
        let done = block.first_cell + block.x.n_rows();
        builder.push(block, of_cell);
        progress(done as u64);
    }
    progress(of_cell.len() as u64);
    Ok(())
}

/// Counts the totals of the cells with a condition.
pub(super) fn totals(
    rows: &CellRows,
    of_cell: &[Option<u32>],
    kept: &mut Totals,
    progress: &mut dyn FnMut(u64),
) -> Result<(), IoError> {
    let mut keep = |first: usize, totals: &[f64]| {
        let with_condition = totals.iter().enumerate().filter(|(i, _)| of_cell[first + i].is_some());
        with_condition.for_each(|(_, &total)| kept.add(total));
        progress((first + totals.len()) as u64);
    };
    let (plan, at_once) = (rows.plan(), rayon::current_num_threads().min(rows.at_once()).max(1));
    let blocks: Vec<usize> = (0..plan.len()).collect();
    for blocks in blocks.chunks(4 * at_once) {
        let read = |some: &[usize]| some.iter().map(|&block| rows.totals(block)).collect::<Vec<_>>();
        let of_blocks: Vec<_> = blocks.par_chunks(blocks.len().div_ceil(at_once)).flat_map_iter(read).collect();
        let Some(of_blocks) = of_blocks.into_iter().collect::<Option<Vec<_>>>() else {
            // Formats whose values cannot be had without the rest.
            return all_totals(rows, &mut keep);
        };
        for (&block, totals) in blocks.iter().zip(of_blocks) {
            keep(plan[block].start, &totals?);
        }
    }
    Ok(())
}

fn all_totals(rows: &CellRows, keep: &mut impl FnMut(usize, &[f64])) -> Result<(), IoError> {
    for block in ReadAhead::start(rows.clone()) {
        let CellBlock { first_cell, x } = block?;
        let total = |i: usize| x.row(i).1.iter().map(|&v| f64::from(v)).sum();
        keep(first_cell, &(0..x.n_rows()).map(total).collect::<Vec<f64>>());
    }
    Ok(())
}
