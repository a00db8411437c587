//! What to simulate: sizes, interventions, cell types and noise.

use serde::Serialize;

use super::{
    CellCounts, DegGoal, Efficiency, EngineOptions, ExtendOptions, Lineage, Observation, SimulateError, ThermoOptions,
};
use crate::data::Intervention;

/// How large a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Genes, those of the network included.
    pub genes: usize,
    /// Perturbations.
    pub perturbations: usize,
    /// Cells per perturbation, on average.
    pub cells_per_perturbation: usize,
    /// Control cells.
    pub controls: usize,
}

/// Everything that decides a simulated screen besides the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimulationOptions {
    /// Seed of every random choice.
    pub seed: u64,
    /// How large the screen is.
    pub size: Size,
    /// Perturbations to take first, `A` or `A+B`; regulators drawn by the seed follow until there are enough.
    pub targets: Vec<String>,
    /// How many of the perturbations are pairs, drawn from the single ones; pairs among `targets` not counted.
    pub pairs: usize,
    /// How unequal the numbers of cells per perturbation are.
    pub cells: CellCounts,
    /// Genes never perturbed.
    pub held_out: Vec<String>,
    /// What is done to the targets.
    pub intervention: Intervention,
    /// How well it works.
    pub efficiency: Efficiency,
    /// Mean efficiencies, each of which makes a condition of its own of every perturbation; none is the one of `efficiency`.
    pub doses: Vec<f64>,
    /// Cell types.
    pub lineage: Lineage,
    /// What carries cells through time.
    pub engine: EngineOptions,
    /// How many genes perturbations are to change; nothing takes the strength of links as it is.
    pub degs: Option<DegGoal>,
    /// Strength of links and levels of genes.
    pub kinetics: ThermoOptions,
    /// How the network is extended to `size.genes`.
    pub extend: ExtendOptions,
    /// Counting noise.
    pub observation: Observation,
}

impl SimulationOptions {
    /// The default settings for a screen of this size, all targets drawn.
    pub fn sized(size: Size, seed: u64) -> Self {
        Self {
            seed,
            size,
            targets: Vec::new(),
            pairs: 0,
            cells: CellCounts::default(),
            held_out: Vec::new(),
            intervention: Intervention::Knockdown,
            efficiency: Efficiency::default(),
            doses: Vec::new(),
            lineage: Lineage::default(),
            engine: EngineOptions::default(),
            degs: None,
            kinetics: ThermoOptions::default(),
            extend: ExtendOptions::default(),
            observation: Observation::default(),
        }
    }

    /// Checks the ranges of all that is not the law's.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        self.efficiency.check()?;
        self.observation.check()?;
        self.lineage.check()?;
        self.engine.check()?;
        match self.doses.iter().find(|d| !(**d > 0.0 && **d < 1.0)) {
            Some(dose) => Err(SimulateError::option("dose", "efficiencies between 0 and 1", dose)),
            None => Ok(()),
        }
    }
}
