//! Levels of genes from a measured screen.

use std::collections::HashMap;
use std::path::Path;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::data::{CellBlock, Scale};
use crate::error::Notice;
use crate::io::{ScreenFile, ScreenOptions, open_screen};

/// Mean expression per gene over the control cells, or over all cells where no control is found: of counts, or of values
/// turned back from log1p. Rows of a pseudobulk are means of log1p already, so that turning them back gives geometric means.
pub(super) fn read(path: &Path, session: &Session) -> Result<(HashMap<String, f64>, Vec<Notice>), CliError> {
    let screen = open_screen(path, &ScreenOptions::default())?;
    let is_control = |c: &Option<u32>| c.is_some_and(|c| screen.cells.conditions[c as usize].perturbation.is_control());
    let controls: Vec<bool> = screen.cells.of_cell.iter().map(is_control).collect();
    let n_controls = controls.iter().filter(|c| **c).count();
    let of = if n_controls > 0 { "control" } else { "all" };
    let bar = session.printer.bar("reading levels", screen.n_cells() as u64);
    let mut sums = vec![0.0; screen.genes.len()];
    for block in screen.blocks()? {
        let block = block?;
        add(&screen, &block, |cell| n_controls == 0 || controls[cell], &mut sums);
        bar.inc(block.x.n_rows() as u64);
    }
    bar.finish_and_clear();
    let rows = if n_controls > 0 { n_controls } else { screen.n_cells() };
    let mut notices = vec![Notice::new(format!(
        "levels are the mean of {rows} {of} rows of `{}` ({})",
        path.display(),
        if screen.scale == Scale::Counts { "counts" } else { "log1p values, turned back" }
    ))];
    let zero = sums.iter().filter(|s| **s <= 0.0).count();
    if zero > 0 {
        notices.push(Notice::new(format!("{zero} genes have no expression there; their levels are drawn")));
    }
    let names = screen.genes.names().iter().map(ToString::to_string);
    Ok((names.zip(sums.iter().map(|s| s / rows as f64)).collect(), notices))
}

fn add(screen: &ScreenFile, block: &CellBlock, used: impl Fn(usize) -> bool, sums: &mut [f64]) {
    for row in (0..block.x.n_rows()).filter(|row| used(block.first_cell + row)) {
        let (genes, values) = block.x.row(row);
        for (&gene, &value) in genes.iter().zip(values) {
            let value = f64::from(value);
            sums[gene as usize] += if screen.scale == Scale::Counts { value } else { value.exp_m1() };
        }
    }
}
