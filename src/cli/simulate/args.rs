//! Arguments by subject; each group changes the options of the preset where something was typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::error::CliError;
use crate::data::Intervention;
use crate::simulate::{Dropout, Lineage, Noise, Outliers, SimulationOptions, TopologyOptions};

/// Replaces a value where one was typed.
pub(super) fn set<T>(to: &mut T, typed: Option<T>) {
    if let Some(typed) = typed {
        *to = typed;
    }
}

/// How large the screen is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Size")]
pub(super) struct SizeArgs {
    /// Genes, those of the network included; the rest are generated
    #[arg(long, value_name = "N")]
    pub(super) genes: Option<usize>,
    /// Number of perturbations, pairs included
    #[arg(long, value_name = "N")]
    perturbations: Option<usize>,
    /// How many of them are pairs, drawn from the single ones
    #[arg(long, value_name = "N")]
    pairs: Option<usize>,
    /// Cells of each perturbation, on average
    #[arg(long, value_name = "N")]
    cells_per_perturbation: Option<usize>,
    /// Standard deviation of ln cells over perturbations; 0 gives each the same number
    #[arg(long, value_name = "SIGMA")]
    cells_sigma: Option<f64>,
    /// Control cells
    #[arg(long, value_name = "N")]
    controls: Option<usize>,
}

impl SizeArgs {
    /// Whether the number of perturbations was typed.
    pub(super) fn perturbations_typed(&self) -> bool {
        self.perturbations.is_some()
    }

    /// A total number of cells and a number of pairs that the preset fixes follow the number of perturbations.
    pub(super) fn apply(&self, o: &mut SimulationOptions) {
        let share = |n: usize| match self.perturbations {
            Some(typed) => (n as f64 * typed as f64 / o.size.perturbations as f64).round() as usize,
            None => n,
        };
        let (pairs, total) = (share(o.pairs), o.cells.total.map(share));
        o.pairs = self.pairs.unwrap_or(pairs);
        o.cells.total = if self.cells_per_perturbation.is_some() { None } else { total };
        set(&mut o.cells.sigma, self.cells_sigma);
        set(&mut o.size.genes, self.genes);
        set(&mut o.size.perturbations, self.perturbations);
        set(&mut o.size.cells_per_perturbation, self.cells_per_perturbation);
        set(&mut o.size.controls, self.controls);
    }
}

/// Where the network comes from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct TopologyArgs {
    /// Network to simulate, any file that `--prior` takes (default: the embedded network of human embryonic stem cells)
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    pub(super) network: Option<PathBuf>,
    /// Simulate a random scale-free network instead
    #[arg(long)]
    pub(super) random: bool,
    /// Links per gene of a random network
    #[arg(long, value_name = "N", requires = "random")]
    links_per_gene: Option<f64>,
    /// Groups (pathways) of a random network
    #[arg(long, value_name = "N", requires = "random")]
    groups: Option<usize>,
    /// How much likelier a link stays within its group than goes to any one other
    #[arg(long, value_name = "FACTOR", requires = "random")]
    kappa: Option<f64>,
    /// Share of the genes of a random network that regulate others
    #[arg(long, value_name = "SHARE", requires = "random")]
    regulators: Option<f64>,
    /// Added to the in-degree when a target is drawn: the larger, the more even the in-degrees
    #[arg(long, value_name = "D", requires = "random")]
    d_in: Option<f64>,
    /// Added to the out-degree when a source is drawn: the smaller, the larger the hubs
    #[arg(long, value_name = "D", requires = "random")]
    d_out: Option<f64>,
    /// Share of links that activate, where the network does not say
    #[arg(long, value_name = "SHARE")]
    activators: Option<f64>,
}

impl TopologyArgs {
    /// Targets and held-out genes of the preset belong to the embedded network.
    pub(super) fn apply(&self, o: &mut SimulationOptions) {
        if self.network.is_some() || self.random {
            o.targets.clear();
            o.held_out.clear();
        }
    }

    /// How a random network of this many genes is grown.
    pub(super) fn options(&self, genes: usize) -> TopologyOptions {
        let mut t = TopologyOptions { genes, ..TopologyOptions::default() };
        set(&mut t.links_per_gene, self.links_per_gene);
        set(&mut t.groups, self.groups);
        set(&mut t.kappa, self.kappa);
        set(&mut t.regulators, self.regulators);
        set(&mut t.d_in, self.d_in);
        set(&mut t.d_out, self.d_out);
        set(&mut t.activators, self.activators);
        t
    }
}

/// What is done to which genes, and how well it works.
#[derive(Debug, Args)]
#[command(next_help_heading = "Interventions")]
pub(super) struct InterventionArgs {
    /// Perturb this gene, or pair `A+B`, first; repeatable
    #[arg(long = "target", value_name = "GENE")]
    targets: Vec<String>,
    /// Never perturb this gene, but write what its perturbation would do; repeatable
    #[arg(long, value_name = "GENE")]
    hold_out: Vec<String>,
    /// What is done to the targets [default: knockdown, or that of the preset]
    #[arg(long, value_name = "KIND")]
    intervention: Option<InterventionArg>,
    /// Mean share of the production that a knockdown takes away
    #[arg(long, value_name = "SHARE", conflicts_with = "dose")]
    efficiency: Option<f64>,
    /// Several mean efficiencies, each a condition of its own
    #[arg(long, value_name = "SHARE,...", value_delimiter = ',')]
    dose: Vec<f64>,
    /// By how much an activation of efficiency 1 multiplies production
    #[arg(long, value_name = "FACTOR")]
    activation_fold: Option<f64>,
    /// The level, relative to the unperturbed one, at which `--intervention clamp` holds its targets
    #[arg(long, value_name = "RATIO", required_if_eq("intervention", "clamp"))]
    clamp_to: Option<f64>,
    /// Guides per target: `3`, or `2-4` for a number drawn per target
    #[arg(long, value_name = "N", value_parser = guides)]
    guides: Option<(usize, usize)>,
    /// Share of perturbed cells in which nothing happens
    #[arg(long, value_name = "SHARE")]
    escapers: Option<f64>,
    /// Concentration of the guides of a target around its mean efficiency
    #[arg(long, value_name = "C")]
    between_guides: Option<f64>,
    /// Concentration of cells around the efficiency of their guide
    #[arg(long, value_name = "C")]
    within_guide: Option<f64>,
}

/// `--intervention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InterventionArg {
    /// CRISPRi: production falls
    Knockdown,
    /// CRISPR cut: the product is gone
    Knockout,
    /// CRISPRa: production rises
    Activation,
    /// The level is held at `--clamp-to`
    Clamp,
}

impl InterventionArgs {
    /// Number of targets typed.
    pub(super) fn typed(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn apply(&self, o: &mut SimulationOptions) {
        o.targets.splice(0..0, self.targets.iter().cloned());
        o.held_out.retain(|gene| !self.targets.iter().any(|t| t.split('+').any(|part| part.trim() == gene)));
        o.targets.retain(|gene| !self.hold_out.contains(gene));
        o.held_out.extend(self.hold_out.iter().cloned());
        match self.intervention {
            Some(InterventionArg::Knockdown) => o.intervention = Intervention::Knockdown,
            Some(InterventionArg::Knockout) => o.intervention = Intervention::Knockout,
            Some(InterventionArg::Activation) => o.intervention = Intervention::Activation,
            Some(InterventionArg::Clamp) => o.efficiency.clamp = self.clamp_to,
            None => {}
        }
        o.doses.clone_from(&self.dose);
        let e = &mut o.efficiency;
        set(&mut e.mean, self.efficiency);
        set(&mut e.activation_fold, self.activation_fold);
        set(&mut e.escapers, self.escapers);
        set(&mut e.between_guides, self.between_guides);
        set(&mut e.within_guide, self.within_guide);
        if let Some(guides) = self.guides {
            (e.guides, e.guides_most) = guides;
        }
    }
}

/// Cell types.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cell types")]
pub(super) struct CellTypeArgs {
    /// This many cell types that share nothing but the network
    #[arg(long, value_name = "N", conflicts_with = "lineage")]
    cell_types: Option<usize>,
    /// Cell types that descend from each other, for example `stem>early>a,early>b`
    #[arg(long, value_name = "TREE")]
    lineage: Option<String>,
    /// Stages along each branch of the lineage
    #[arg(long, value_name = "K", requires = "lineage")]
    stages: Option<usize>,
    /// Share of the regulators that a cell type shifts
    #[arg(long, value_name = "SHARE")]
    type_regulators: Option<f64>,
    /// Standard deviation of the shifts of ln production of a cell type
    #[arg(long, value_name = "SIGMA")]
    type_sigma: Option<f64>,
}

impl CellTypeArgs {
    pub(super) fn apply(&self, o: &mut SimulationOptions) -> Result<(), CliError> {
        if let Some(types) = self.cell_types {
            o.lineage = Lineage::star(types);
        }
        if let Some(tree) = &self.lineage {
            o.lineage = Lineage::parse(tree)?;
        }
        set(&mut o.lineage.stages, self.stages);
        set(&mut o.lineage.regulators, self.type_regulators);
        set(&mut o.lineage.sigma, self.type_sigma);
        Ok(())
    }
}

/// What a sequencer makes of a cell.
#[derive(Debug, Args)]
#[command(next_help_heading = "Observation")]
pub(super) struct ObservationArgs {
    /// Median molecules (UMI) per cell
    #[arg(long, value_name = "N")]
    depth: Option<f64>,
    /// Standard deviation of ln molecules over cells
    #[arg(long, value_name = "SIGMA")]
    depth_sigma: Option<f64>,
    /// How molecules are counted
    #[arg(long, value_name = "KIND")]
    noise: Option<NoiseArg>,
    /// Dispersion of the negative binomial: variance = mean + dispersion x mean^2
    #[arg(long, value_name = "PHI")]
    dispersion: Option<f64>,
    /// Standard deviation of each regulator's own ln level over cells
    #[arg(long, value_name = "SIGMA")]
    pub(super) extrinsic: Option<f64>,
    /// Number of batches
    #[arg(long, value_name = "N")]
    batches: Option<usize>,
    /// Standard deviation of the normal shift of a gene's ln level in a batch
    #[arg(long, value_name = "SIGMA")]
    batch_sigma: Option<f64>,
    /// Half-width of the uniform shift of a gene's log2 level in a batch
    #[arg(long, value_name = "LOG2")]
    batch_effect: Option<f64>,
    /// Share of the molecules of `--depth` that are captured
    #[arg(long, value_name = "SHARE")]
    capture: Option<f64>,
    /// Standard deviation of that share over cells
    #[arg(long, value_name = "SD")]
    capture_sd: Option<f64>,
    /// Share of a cell's molecules that come from the pool of its batch
    #[arg(long, value_name = "SHARE")]
    ambient: Option<f64>,
    /// Share of droplets that hold two cells
    #[arg(long, value_name = "SHARE")]
    doublets: Option<f64>,
    /// Outlier genes, as SERGIO makes them: their share, mean and standard deviation of the ln factor
    #[arg(long, value_name = "SHARE,MEAN,SIGMA", value_parser = outliers)]
    outliers: Option<Outliers>,
    /// Logistic dropout, as SERGIO makes it: its shape, and the percentile of ln(1 + count) where half are lost
    #[arg(long, value_name = "SHAPE,PERCENTILE", value_parser = dropout)]
    dropout: Option<Dropout>,
    /// Also write the layer `noise_free`: each cell without depth, batch, ambient, doublet and counting noise (large)
    #[arg(long)]
    pub(super) noise_free: bool,
}

/// `--noise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NoiseArg {
    /// Negative binomial
    Nb,
    /// Poisson
    Poisson,
    /// A fixed number of molecules per cell
    Multinomial,
    /// Expected counts, not whole numbers
    None,
}

impl ObservationArgs {
    pub(super) fn apply(&self, options: &mut SimulationOptions) {
        let o = &mut options.observation;
        set(&mut o.depth, self.depth);
        set(&mut o.depth_sigma, self.depth_sigma);
        let noise = self.noise.map(|noise| match noise {
            NoiseArg::Nb => Noise::Nb,
            NoiseArg::Poisson => Noise::Poisson,
            NoiseArg::Multinomial => Noise::Multinomial,
            NoiseArg::None => Noise::None,
        });
        set(&mut o.noise, noise);
        set(&mut o.dispersion, self.dispersion);
        set(&mut o.extrinsic, self.extrinsic);
        set(&mut o.batches, self.batches);
        set(&mut o.batch_sigma, self.batch_sigma);
        set(&mut o.batch_effect, self.batch_effect);
        set(&mut o.capture, self.capture);
        set(&mut o.capture_sd, self.capture_sd);
        set(&mut o.ambient, self.ambient);
        set(&mut o.doublets, self.doublets);
        o.outliers = self.outliers.or(o.outliers);
        o.dropout = self.dropout.or(o.dropout);
    }
}

/// `3` or `2-4`.
fn guides(text: &str) -> Result<(usize, usize), String> {
    let number = |part: &str| part.trim().parse::<usize>().map_err(|e| format!("{e}: expected `3` or `2-4`"));
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    Ok((number(least)?, number(most)?))
}

pub(super) fn numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let parts: Vec<f64> =
        text.split(',').map(|p| p.trim().parse::<f64>().map_err(|e| e.to_string())).collect::<Result<_, _>>()?;
    let got = parts.len();
    parts.try_into().map_err(|_| format!("expected {N} numbers joined by commas, got {got}"))
}

fn outliers(text: &str) -> Result<Outliers, String> {
    numbers(text).map(|[share, mean, sigma]| Outliers { share, mean, sigma })
}

fn dropout(text: &str) -> Result<Dropout, String> {
    numbers(text).map(|[shape, percentile]| Dropout { shape, percentile })
}
