//! Named choices of size, targets and noise for the embedded network.

use super::{CellCounts, DegGoal, Observation, SimulationOptions, Size, VCC_DEGS};
use crate::data::Intervention;

/// A named choice of sizes and targets for the embedded network.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for help.
    pub about: &'static str,
    /// Sizes.
    pub size: Size,
    /// How unequal the numbers of cells per perturbation are.
    pub cells: CellCounts,
    /// How many perturbations are pairs.
    pub pairs: usize,
    /// What is done to the targets.
    pub intervention: Intervention,
    /// Guides per target: at least and at most.
    pub guides: (usize, usize),
    /// Median molecules per cell.
    pub depth: f64,
    /// Share of doublets.
    pub doublets: f64,
    /// Differentially expressed genes of the median perturbation, and of any: least and most.
    pub degs: Option<(usize, [usize; 2])>,
    /// Perturbations to take first.
    pub targets: &'static [&'static str],
    /// Genes never perturbed.
    pub held_out: &'static [&'static str],
}

/// Differentially expressed genes of the median knockdown of the preset `vcc`: the middle, on a logarithmic scale, of the published
/// least and most. The median itself is not published.
const VCC_MEDIAN: usize = 789;

/// The presets. KDM1A is in none of them: its perturbation is left to be predicted, and scored against the truth.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "demo",
        about: "2,000 genes, 40 knockdowns x 100 cells, 1,000 controls",
        size: Size { genes: 2000, perturbations: 40, cells_per_perturbation: 100, controls: 1000 },
        cells: CellCounts { sigma: 0.0, total: None },
        pairs: 0,
        intervention: Intervention::Knockdown,
        guides: (2, 2),
        depth: 20_000.0,
        doublets: 0.0,
        degs: None,
        targets: DEMO_TARGETS,
        held_out: &["KDM1A"],
    },
    // Sizes of the training set. The number of cells of each knockdown is drawn: log-normal, as wide as over the 50 knockdowns
    // of the validation set, whose numbers are published (standard deviation of ln cells 0.66, median 1,090).
    Preset {
        name: "vcc",
        about: "as large as the Virtual Cell Challenge: 18,080 genes, 150 knockdowns with 183,097 cells, 38,176 controls",
        size: Size { genes: 18_080, perturbations: 150, cells_per_perturbation: 1221, controls: 38_176 },
        cells: CellCounts { sigma: 0.66, total: Some(183_097) },
        pairs: 0,
        intervention: Intervention::Knockdown,
        guides: (2, 4),
        depth: 50_000.0,
        doublets: 0.03,
        degs: Some((VCC_MEDIAN, VCC_DEGS)),
        targets: DEMO_TARGETS,
        held_out: &["KDM1A"],
    },
    // The design of Norman et al. (2019, Science 365:786); cells, their spread and depth are round numbers of ours.
    Preset {
        name: "norman",
        about: "singles and pairs as Norman et al. 2019: 5,000 genes, 105 activations and 131 pairs, 350 cells each, 7,000 controls",
        size: Size { genes: 5000, perturbations: 236, cells_per_perturbation: 350, controls: 7000 },
        cells: CellCounts { sigma: 0.5, total: None },
        pairs: 131,
        intervention: Intervention::Activation,
        guides: (2, 2),
        depth: 15_000.0,
        doublets: 0.03,
        degs: None,
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
        let mut options = SimulationOptions::sized(self.size, seed);
        options.targets = owned(self.targets);
        options.held_out = owned(self.held_out);
        options.cells = self.cells;
        options.pairs = self.pairs;
        options.degs = self.degs.map(|(median, range)| DegGoal { median, range: Some(range), keep: 0 });
        options.intervention = self.intervention;
        (options.efficiency.guides, options.efficiency.guides_most) = self.guides;
        options.observation = Observation { depth: self.depth, doublets: self.doublets, ..Observation::default() };
        options
    }
}
