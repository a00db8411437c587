//! Engines: cells that follow the dynamics of a law, one independent trajectory per cell.

use std::fmt::Debug;

use super::{Forcing, SimulateError};

mod block;
mod cle;
mod dynamics;
mod normals;
mod ode;
mod options;
mod ssa;

pub use self::cle::{Cle, DEFAULT_STEP};
pub use self::dynamics::{Bursting, Dynamics, Protein};
pub use self::ode::Ode;
pub use self::options::{EngineKind, EngineOptions};
pub use self::ssa::{MOST_GENES, Ssa};

/// A stretch of time in which the same is done to a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// How long, in hours.
    pub hours: f64,
    /// What is done: those of the cell type first, then interventions. `Shift` changes production, `Clamp` holds the level
    /// from the first moment, `Absent` ends production, so that what is there decays.
    pub forced: Vec<(u32, Forcing)>,
}

/// What happens to one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Key of its random numbers: cells of the same number share their noise, whatever is done to them.
    pub number: u64,
    /// ln(level / baseline) per gene at the start, for example a steady state; nothing for the baseline.
    pub start: Option<Vec<f64>>,
    /// What is done, one phase after the other. The last moment of the last phase is observed.
    pub phases: Vec<Phase>,
}

impl Cell {
    /// A cell that starts in a state and stays under the same conditions for these hours.
    pub fn steady(number: u64, start: Option<Vec<f64>>, forced: Vec<(u32, Forcing)>, hours: f64) -> Self {
        Self { number, start, phases: vec![Phase { hours, forced }] }
    }
}

/// Something that carries cells through time.
///
/// Random numbers are keyed by (seed, cell, gene, time), so results do not depend on the number of threads or on which
/// cells are simulated together, and a control and a perturbed cell of the same number share their noise.
pub trait Engine: Debug + Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// ln(mRNA level / baseline) of every gene per cell at the end of its phases, in the order of the cells; minus infinity
    /// where no molecule is left.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for cells that do not fit the law.
    fn run(&self, cells: &[Cell]) -> Result<Vec<Vec<f64>>, SimulateError>;
}
