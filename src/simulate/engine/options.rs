//! Which engine, and its settings.

use serde::Serialize;

use super::{Bursting, Cle, DEFAULT_STEP, Dynamics, Engine, Ode, Protein, Ssa};
use crate::simulate::{Law, SimulateError};

/// What carries cells through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The steady state, without any noise but that of the measurement.
    Steady,
    /// The steady state, with noise of each cell's regulators spread along the links.
    Cell,
    /// The chemical Langevin equation: one independent trajectory per cell.
    Cle,
    /// Every reaction, one by one (Gillespie): 50 genes at most.
    Ssa,
    /// The mean dynamics, hours after the perturbation.
    Time,
}

/// An engine and its settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngineOptions {
    /// Which.
    pub kind: EngineKind,
    /// Hours after the perturbation at which cells are taken, each a condition of its own; none is the steady state.
    pub hours: Vec<f64>,
    /// Hours per step of the Langevin equation.
    pub step: f64,
    /// Hours before cells are taken, or perturbed: without, 5 over the slowest decay.
    pub burn_in: Option<f64>,
    /// Molecules of mRNA per unit of level; without, that of the law: 200,000 in a cell of `thermo`, whose levels sum to 1, and
    /// 1 for the others.
    pub molecules: Option<f64>,
    /// Factor on the noise of the Langevin equation.
    pub noise: f64,
    /// Proteins per mRNA; nothing leaves the protein layer out.
    pub protein: Option<f64>,
    /// Bursts; nothing leaves promoters on.
    pub bursting: Option<Bursting>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            kind: EngineKind::Cell,
            hours: Vec::new(),
            step: DEFAULT_STEP,
            burn_in: None,
            molecules: None,
            noise: 1.0,
            protein: None,
            bursting: None,
        }
    }
}

/// Molecules of mRNA in a mammalian cell, roughly (BNID 109916).
const MOLECULES_PER_CELL: f64 = 200_000.0;

impl EngineOptions {
    /// Checks hours and their engine; other settings are checked when the engine is made.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        if let Some(bad) = self.hours.iter().find(|h| !(h.is_finite() && **h >= 0.0)) {
            return Err(SimulateError::option("hours", "finite numbers of at least 0", bad));
        }
        match (self.kind, self.hours.is_empty()) {
            (EngineKind::Time, true) => {
                Err(SimulateError::option("hours", "at least one for the engine `time`", "none"))
            }
            (EngineKind::Steady | EngineKind::Cell, false) => {
                let got = format!("{:?} with hours", self.kind).to_lowercase();
                Err(SimulateError::option("engine", "time, cle or ssa where hours are given", got))
            }
            _ => Ok(()),
        }
    }

    /// Whether each cell has a trajectory of its own.
    pub fn is_stochastic(&self) -> bool {
        matches!(self.kind, EngineKind::Cle | EngineKind::Ssa)
    }

    /// The dynamics of a law under these settings.
    pub(in crate::simulate) fn dynamics<'a>(&self, law: &'a dyn Law, seed: u64) -> Dynamics<'a> {
        let usual = if law.name() == "thermo" { MOLECULES_PER_CELL } else { 1.0 };
        Dynamics {
            noise: self.noise,
            protein: self.protein.map(|copies| Protein::draw(law.n_genes(), copies, 0.5, seed)),
            bursting: self.bursting.clone(),
            ..Dynamics::new(law, self.molecules.unwrap_or(usual))
        }
    }

    /// The engine that gives each cell its own trajectory; `None` where cells share the states of the mean dynamics.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for settings out of range, and for more genes than `ssa` takes.
    pub(in crate::simulate) fn engine<'a>(
        &self,
        law: &'a dyn Law,
        seed: u64,
    ) -> Result<Option<Box<dyn Engine + 'a>>, SimulateError> {
        let dynamics = self.dynamics(law, seed);
        Ok(match self.kind {
            EngineKind::Cle => Some(Box::new(Cle::new(dynamics, self.step, seed)?)),
            EngineKind::Ssa => Some(Box::new(Ssa::new(dynamics, seed)?)),
            EngineKind::Steady | EngineKind::Cell | EngineKind::Time => None,
        })
    }

    /// The mean dynamics.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub(in crate::simulate) fn mean<'a>(&self, law: &'a dyn Law, seed: u64) -> Result<Ode<'a>, SimulateError> {
        Ode::new(self.dynamics(law, seed))
    }
}
