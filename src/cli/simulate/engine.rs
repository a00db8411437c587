//! Arguments of the engine.

use clap::{Args, ValueEnum};

use super::args::{numbers, set};
use crate::simulate::{Bursting, EngineKind, SimulationOptions};

/// What carries cells through time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub(super) struct EngineArgs {
    /// What carries cells through time [default: cell, or time with --hours]
    #[arg(long, value_enum, value_name = "ENGINE")]
    engine: Option<EngineArg>,
    /// Take cells these hours after the perturbation, each a condition of its own (engines time, cle, ssa); of a run with
    /// `--law ode`: hours of the trajectory, ascending [default there: 0,3,6,12,24,48,96]
    #[arg(long, value_name = "HOURS,...", value_delimiter = ',')]
    hours: Vec<f64>,
    /// Hours per step of the Langevin equation
    #[arg(long, value_name = "HOURS")]
    step: Option<f64>,
    /// Hours that a cell lives before it is taken, or perturbed [default: 5 over the slowest decay]
    #[arg(long, value_name = "HOURS")]
    burn_in: Option<f64>,
    /// Molecules of mRNA per unit of level [default: 200,000 per cell for thermo, 1 for other laws]
    #[arg(long, value_name = "N")]
    molecules: Option<f64>,
    /// Factor on the noise of the Langevin equation
    #[arg(long, value_name = "FACTOR")]
    langevin_noise: Option<f64>,
    /// Regulators act through proteins, this many per mRNA (engines time, cle, ssa)
    #[arg(long, value_name = "COPIES")]
    protein: Option<f64>,
    /// Genes are made in bursts: share of time that a promoter is on, and rate per hour at which it goes off (engines cle, ssa)
    #[arg(long, value_name = "SHARE,RATE", value_parser = bursting)]
    bursting: Option<Bursting>,
}

/// `--engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    /// The steady state, without noise but that of the measurement
    Steady,
    /// The steady state, with noise of each cell's regulators spread along the links
    Cell,
    /// Chemical Langevin equation, one independent trajectory per cell
    Cle,
    /// Every reaction (Gillespie), at most 50 genes
    Ssa,
    /// The mean dynamics, --hours after the perturbation
    Time,
}

impl EngineArgs {
    /// Hours after the perturbation.
    pub(super) fn hours(&self) -> &[f64] {
        &self.hours
    }

    /// Engines with noise of their own, and none, leave the noise of regulators out unless it was typed.
    pub(super) fn apply(&self, o: &mut SimulationOptions, extrinsic_typed: bool) {
        let e = &mut o.engine;
        e.kind = match self.engine {
            Some(EngineArg::Steady) => EngineKind::Steady,
            Some(EngineArg::Cle) => EngineKind::Cle,
            Some(EngineArg::Ssa) => EngineKind::Ssa,
            Some(EngineArg::Time) => EngineKind::Time,
            None if !self.hours.is_empty() => EngineKind::Time,
            Some(EngineArg::Cell) | None => EngineKind::Cell,
        };
        e.hours.clone_from(&self.hours);
        set(&mut e.step, self.step);
        set(&mut e.noise, self.langevin_noise);
        (e.burn_in, e.molecules, e.protein) = (self.burn_in, self.molecules, self.protein);
        e.bursting.clone_from(&self.bursting);
        if !extrinsic_typed && matches!(e.kind, EngineKind::Steady | EngineKind::Cle | EngineKind::Ssa) {
            o.observation.extrinsic = 0.0;
        }
    }
}

fn bursting(text: &str) -> Result<Bursting, String> {
    numbers(text).map(|[share_on, k_off]| Bursting { k_off, share_on })
}
