//! How genes vary together in control cells: of a screen, of the screen of a run, of the embedded screen.

use std::path::Path;
use std::sync::Arc;

use super::args::ScreenArgs;
use super::error::CliError;
use super::graph::controls;
use super::inputs::screen_or_settings;
use super::load::LoadedRun;
use super::predict::cells::of_screen;
use super::session::Session;
use crate::config::Settings;
use crate::data::CellBlock;
use crate::error::Notice;
use crate::graph::{ControlCells, GeneGraph};
use crate::rank::{CountingNoise, Covariance, ResponseSettings};
use crate::{io, simulate};

/// Control cells whose covariances are used; more add little.
const CONTROL_CELLS: usize = 2000;

/// From up to 2,000 control cells of a file; none for a table, which has no cells.
pub(super) fn of_file(
    session: &Session,
    path: &Path,
    options: &ScreenArgs,
    graph: &GeneGraph,
) -> Result<Option<Covariance>, CliError> {
    if io::open_screen(path, &options.options()?)?.is_table {
        return Ok(None);
    }
    let controls = controls::read(path, options, CONTROL_CELLS, session)?;
    Ok(Some(of_cells(controls.cells, graph)))
}

/// From the control cells of the screen that a run was fitted on; none where it was a table, or is no longer there.
pub(super) fn of_run(session: &Session, run: &LoadedRun) -> Result<Option<Covariance>, CliError> {
    let text = std::fs::read_to_string(run.dir.config()).unwrap_or_default();
    let data = toml::from_str::<Settings>(&text).unwrap_or_default().data;
    let Some(path) = &data.screen else {
        return Ok(Some(embedded(run.manifest.seed, &run.graph)?));
    };
    let read = run.manifest.inputs.iter().find(|i| i.path == *path).map(|i| i.bytes);
    let there = io::lent_bytes(path).or_else(|| std::fs::metadata(path).map(|m| m.len()).ok());
    if there.is_none() || read.is_some_and(|bytes| Some(bytes) != there) {
        let text = format!(
            "the screen of the run, {}, is {}: the linear response is learned without its control cells",
            path.display(),
            if there.is_some() { "another file now" } else { "no longer there" }
        );
        session.printer.notice(&Notice::new(text));
        return Ok(None);
    }
    of_file(session, path, &screen_or_settings(&ScreenArgs::default(), &data)?, &run.graph)
}

/// From the embedded screen of this seed.
pub(super) fn embedded(seed: u64, graph: &GeneGraph) -> Result<Covariance, CliError> {
    let controls = of_screen(&simulate::demo(seed)?.screen);
    let mut x = controls.counts().clone();
    controls.normalisation().apply_rows(&mut x);
    let mut cells = ControlCells::new(Arc::clone(controls.genes()), CONTROL_CELLS, seed);
    cells.push(&CellBlock { first_cell: 0, x }, |_| true);
    Ok(of_cells(cells, graph))
}

fn of_cells(cells: ControlCells, graph: &GeneGraph) -> Covariance {
    Covariance::new(cells, graph, &CountingNoise::Poisson, &ResponseSettings::default())
}
