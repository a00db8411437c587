//! The file of cells.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use serde_json::{Map, json};

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::io::{self, Column, IoError, StreamedCells};
use crate::simulate::{CellColumns, Prepared, SimulateError, Simulated, SimulationOptions};

/// Blocks that wait to be written.
const WAITING: usize = 2;

/// Why writing stopped.
enum Stopped {
    Interrupted,
    Failed(Box<CliError>),
}

impl From<IoError> for Stopped {
    fn from(error: IoError) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

impl From<SimulateError> for Stopped {
    fn from(error: SimulateError) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

/// Draws the cells block by block while the blocks before are compressed and written; `false` where Ctrl-C stopped it, with
/// nothing left behind.
pub(super) fn stream(
    path: &Path,
    prepared: &Prepared<'_>,
    options: &SimulationOptions,
    noise_free: bool,
    session: &Session,
) -> Result<bool, CliError> {
    let bar = session.printer.orderly_bar("simulating cells", prepared.n_cells() as u64);
    let interrupted = session.interrupt_flag();
    let genes = prepared.truth().genes.clone();
    let (names, obs, uns) = (names(prepared.n_cells()), columns(prepared.columns()), origin(options));
    let layers: &[&str] = if noise_free { &["noise_free"] } else { &[] };
    let cells = StreamedCells { obs_names: &names, obs: &obs, genes: &genes, var: &[], layers, uns: &uns };
    let written = std::thread::scope(|scope| {
        let (send, receive) = sync_channel(WAITING);
        // The receiver hangs up where writing stopped.
        scope.spawn(move || prepared.blocks(noise_free).all(|block| send.send(block).is_ok()));
        let next = receive.into_iter().map(|block| {
            if interrupted.load(Ordering::Relaxed) {
                return Err(Stopped::Interrupted);
            }
            let block = block?;
            bar.inc(block.counts.n_rows() as u64);
            Ok(std::iter::once(block.counts).chain(block.noise_free).collect())
        });
        io::write_h5ad_stream(path, &cells, next)
    });
    bar.finish_and_clear();
    match written {
        Ok(()) => Ok(true),
        Err(Stopped::Interrupted) => Ok(false),
        Err(Stopped::Failed(error)) => Err(*error),
    }
}

/// Writes a screen that is in memory.
pub(super) fn write(path: &Path, simulated: &Simulated, options: &SimulationOptions) -> Result<(), CliError> {
    let x = &simulated.screen.expression.x;
    let (names, obs, uns) = (names(x.n_rows()), columns(simulated.columns.clone()), origin(options));
    let genes = simulated.screen.genes();
    let cells = StreamedCells { obs_names: &names, obs: &obs, genes, var: &[], layers: &[], uns: &uns };
    Ok(io::write_h5ad_stream::<IoError>(path, &cells, [Ok(vec![x.clone()])])?)
}

fn names(n: usize) -> Vec<String> {
    (1..=n).map(|cell| format!("cell{cell:06}")).collect()
}

fn origin(options: &SimulationOptions) -> Map<String, serde_json::Value> {
    let origin = json!({"version": env!("CARGO_PKG_VERSION"), "command": "simulate", "seed": options.seed});
    Map::from_iter([("grn".to_owned(), origin)])
}

/// The columns that the screen uses.
fn columns(columns: CellColumns) -> Vec<(String, Column)> {
    let all = [
        ("target_gene", Column::Categories(columns.target_gene)),
        ("guide", Column::Categories(columns.guide)),
        ("batch", Column::Categories(columns.batch)),
        ("cell_type", Column::Categories(columns.cell_type)),
        ("pseudotime", Column::Floats(columns.pseudotime)),
        ("efficiency", Column::Floats(columns.efficiency)),
        ("second_efficiency", Column::Floats(columns.second_efficiency)),
        ("dose", Column::Floats(columns.dose)),
        ("time", Column::Floats(columns.time)),
        ("doublet", Column::Booleans(columns.doublet)),
    ];
    all.into_iter().filter(|(_, column)| !column.is_empty()).map(|(name, column)| (name.to_owned(), column)).collect()
}
