//! The control cells and the genes of a screen.

use std::path::Path;

use crate::cli::args::ScreenArgs;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::data::{Normalisation, Perturbation};
use crate::error::Notice;
use crate::graph::ControlCells;
use crate::io::{ScreenFile, open_screen};

/// What a screen gives to a graph.
pub(in crate::cli) struct Controls {
    /// A sample of the control cells, log1p.
    pub(in crate::cli) cells: ControlCells,
    /// Perturbed genes.
    pub(super) targets: Vec<String>,
}

/// Streams a screen and keeps control cells.
pub(in crate::cli) fn read(
    path: &Path,
    options: &ScreenArgs,
    max_cells: usize,
    session: &Session,
) -> Result<Controls, CliError> {
    let screen = open_screen(path, &options.options()?)?;
    screen.notices.iter().for_each(|n| session.printer.notice(n));
    let controls = screen.cells.controls()?;
    let is_control = |cell: usize| screen.cells.of_cell[cell].is_some_and(|c| controls.contains(&(c as usize)));
    let normalisation = normalisation(&screen, options, session)?;
    let mut cells = ControlCells::new(screen.genes.clone(), max_cells, session.seed);
    let bar = session.printer.bar("control cells", screen.n_cells() as u64);
    for block in screen.blocks()? {
        let mut block = block?;
        if (0..block.x.n_rows()).any(|row| is_control(block.first_cell + row)) {
            normalisation.apply_rows(&mut block.x);
            cells.push(&block, is_control);
        }
        bar.inc(block.x.n_rows() as u64);
    }
    bar.finish_and_clear();
    if cells.n_seen() > cells.n_kept() as u64 {
        let (kept, seen) = (cells.n_kept(), cells.n_seen());
        session.printer.notice(&Notice::new(format!("{kept} of {seen} control cells are used, drawn at random")));
    }
    Ok(Controls { cells, targets: names(&screen).1 })
}

/// Measured and perturbed genes of a screen.
pub(super) fn genes_and_targets(
    path: &Path,
    options: &ScreenArgs,
    session: &Session,
) -> Result<(Vec<String>, Vec<String>), CliError> {
    let screen = open_screen(path, &options.options()?)?;
    screen.notices.iter().for_each(|n| session.printer.notice(n));
    Ok(names(&screen))
}

/// As the tables of the other commands are normalised: the median total is that of all cells with a condition.
fn normalisation(screen: &ScreenFile, options: &ScreenArgs, session: &Session) -> Result<Normalisation, CliError> {
    let target_sum = options.pseudobulk(false, session.seed)?.target_sum;
    let median = screen.median_total()?.unwrap_or(1.0);
    Ok(Normalisation::of(screen.scale, target_sum, median))
}

fn names(screen: &ScreenFile) -> (Vec<String>, Vec<String>) {
    let genes = screen.genes.names().iter().map(ToString::to_string).collect();
    let targets = screen.cells.conditions.iter().flat_map(|c| Perturbation::targets(&c.perturbation));
    let mut targets: Vec<String> = targets.map(ToString::to_string).collect();
    targets.sort_unstable();
    targets.dedup();
    (genes, targets)
}
