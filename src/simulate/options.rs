//! What to simulate: sizes, noise, and the presets.

use serde::Serialize;

use super::{Efficiency, ExtendOptions, Observation, ThermoOptions};
use crate::data::Intervention;

/// How large a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Genes, those of the network included.
    pub genes: usize,
    /// Perturbations.
    pub perturbations: usize,
    /// Cells per perturbation.
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
    /// Genes never perturbed.
    pub held_out: Vec<String>,
    /// What is done to the targets.
    pub intervention: Intervention,
    /// How well it works.
    pub efficiency: Efficiency,
    /// Strength of links and levels of genes.
    pub kinetics: ThermoOptions,
    /// How the network is extended to `size.genes`.
    pub extend: ExtendOptions,
    /// Counting noise.
    pub observation: Observation,
}

/// A named choice of sizes and targets for the embedded network.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for help.
    pub about: &'static str,
    /// Sizes.
    pub size: Size,
    /// Median molecules per cell.
    pub depth: f64,
    /// Perturbations to take first.
    pub targets: &'static [&'static str],
    /// Genes never perturbed.
    pub held_out: &'static [&'static str],
}

/// The presets. KDM1A is in none of them: its knockdown is left to be predicted, and scored against the truth.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "demo",
        about: "2,000 genes, 40 knockdowns x 100 cells, 1,000 controls",
        size: Size { genes: 2000, perturbations: 40, cells_per_perturbation: 100, controls: 1000 },
        depth: 20_000.0,
        targets: DEMO_TARGETS,
        held_out: &["KDM1A"],
    },
    Preset {
        name: "vcc",
        about: "as many genes and knockdowns as the Virtual Cell Challenge: 18,080 genes, 150 knockdowns x 100 cells, 2,000 controls",
        size: Size { genes: 18_080, perturbations: 150, cells_per_perturbation: 100, controls: 2000 },
        depth: 50_000.0,
        targets: DEMO_TARGETS,
        held_out: &["KDM1A"],
    },
];

/// Knockdowns of the demo: several members of each complex or pathway, so that what one member does tells of another.
const DEMO_TARGETS: &[&str] = &[
    "RCOR1", "HDAC1", "HDAC2", "PHF21A", "REST", "EZH2", "SUZ12", "EED", "JARID2", "RNF2", "CHD4", "MBD3", "POU5F1",
    "SOX2", "NANOG", "PRDM14", "SALL4", "SMARCA4", "ARID1A", "BRD4", "MED12", "SMAD2", "SMAD3", "SMAD4", "FOXH1",
    "SMAD1", "SMAD5", "CTNNB1", "TCF7L2", "TCF7L1", "LEF1", "MAPK1", "TP53", "EP300", "E2F1", "MYC", "MAX", "WDR5",
    "ASH2L", "SMARCC1",
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|p| p.name == name)
    }

    /// Its settings under this seed.
    pub fn options(&self, seed: u64) -> SimulationOptions {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        SimulationOptions {
            size: self.size,
            targets: owned(self.targets),
            held_out: owned(self.held_out),
            observation: Observation { depth: self.depth, ..Observation::default() },
            ..SimulationOptions::sized(self.size, seed)
        }
    }
}

impl SimulationOptions {
    /// The default settings for a screen of this size, all targets drawn.
    pub fn sized(size: Size, seed: u64) -> Self {
        Self {
            seed,
            size,
            targets: Vec::new(),
            held_out: Vec::new(),
            intervention: Intervention::Knockdown,
            efficiency: Efficiency::default(),
            kinetics: ThermoOptions::default(),
            extend: ExtendOptions::default(),
            observation: Observation::default(),
        }
    }
}
