//! The law that is simulated, from a preset, a network, or the tables of another simulator.

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{SizeArgs, TopologyArgs};
use super::law::LawArg;
use super::{levels, network};
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::Notice;
use crate::io::IoError;
use crate::simulate::{
    Boolean, BooleanOptions, HillNetwork, HillSum, HillSumOptions, Law, Logistic, Rules, SimulationOptions, Simulator,
    Wiring, extend,
};

/// The law and its constants.
#[derive(Debug, Args)]
#[command(next_help_heading = "Law")]
pub(super) struct LawArgs {
    /// The law [default: thermo, or what the tables below ask for; with --run: steady]
    #[arg(long, value_enum, value_name = "LAW")]
    pub(super) law: Option<LawArg>,
    /// Median fold by which a saturated regulator changes its target (thermo)
    #[arg(long, value_name = "FOLD")]
    pub(super) fold: Option<f64>,
    /// Share of genes with two regulators or more of which a pair acts together (thermo)
    #[arg(long, value_name = "SHARE")]
    epistasis: Option<f64>,
    /// Median half-life of mRNA in hours (thermo)
    #[arg(long, value_name = "HOURS")]
    half_life: Option<f64>,
    /// Take the levels of genes from the mean expression of the control cells of this screen or pseudobulk (thermo)
    #[arg(long, value_name = "FILE")]
    levels: Option<PathBuf>,
    /// SERGIO's table of master regulators and their rates; --network is then its table of targets (hill-sum)
    #[arg(long, value_name = "FILE", requires = "network")]
    master_rates: Option<PathBuf>,
    /// Aguirre's table of alpha and lambda per gene; --network is then its table of source, target and beta (logistic)
    #[arg(long, value_name = "FILE", requires = "network")]
    nodes: Option<PathBuf>,
    /// Boolean rules, one gene per line: a file, or mcad, vsc, hsc or gsd (boolean)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["network", "random"])]
    rules: Option<PathBuf>,
    /// Genes that are on at the start, from which the unperturbed state is found (boolean) [default: the fixed point with the
    /// most genes on]
    #[arg(long, value_name = "GENE,...", value_delimiter = ',', requires = "rules")]
    on: Vec<String>,
}

impl LawArgs {
    /// The law asked for, by name or by its tables.
    fn chosen(&self) -> LawArg {
        self.law.unwrap_or(match self {
            Self { master_rates: Some(_), .. } => LawArg::HillSum,
            Self { nodes: Some(_), .. } => LawArg::Logistic,
            Self { rules: Some(_), .. } => LawArg::Boolean,
            _ => LawArg::Thermo,
        })
    }

    /// Whether strengths of links are drawn, and none was typed.
    pub(super) fn strengths_given(&self) -> bool {
        self.fold.is_some() || self.chosen() != LawArg::Thermo
    }

    pub(super) fn apply(&self, o: &mut SimulationOptions) {
        let k = &mut o.kinetics;
        k.fold = self.fold.unwrap_or(k.fold);
        k.epistasis = self.epistasis.unwrap_or(k.epistasis);
        k.half_life = self.half_life.unwrap_or(k.half_life);
    }

    fn check(&self) -> Result<(), CliError> {
        let law = self.chosen();
        let refuse = |flag: &str, needs: &str| {
            let got = format!("`{flag}` with `--law {}`", law.name());
            Err(CliError::usage(
                flag,
                format!("`--law {needs}`"),
                got,
                Some(format!("leave `--law` out, or take `--law {needs}`")),
            ))
        };
        match self {
            Self { master_rates: Some(_), .. } if law != LawArg::HillSum => refuse("--master-rates", "hill-sum"),
            Self { nodes: Some(_), .. } if law != LawArg::Logistic => refuse("--nodes", "logistic"),
            Self { rules: Some(_), .. } if law != LawArg::Boolean => refuse("--rules", "boolean"),
            Self { levels: Some(_), .. } if law != LawArg::Thermo => refuse("--levels", "thermo"),
            Self { fold: Some(_), .. } if law != LawArg::Thermo => refuse("--fold", "thermo"),
            Self { rules: None, .. } if law == LawArg::Boolean => Err(CliError::usage(
                "--law boolean",
                "`--rules FILE`",
                "no rules",
                Some("`--rules hsc` takes a curated model".into()),
            )),
            _ if law.is_of_a_run() => Err(CliError::usage(
                format!("--law {}", law.name()),
                "a fitted run: `--run DIR --pert GENE`",
                "none",
                Some("`grn fit` makes a run; screens take thermo, hill-sum, logistic or boolean".into()),
            )),
            _ => Ok(()),
        }
    }
}

/// The simulator, with what is to be said; sizes and targets that the law decides are set in the options.
pub(super) fn simulator(
    args: &LawArgs,
    topology: &TopologyArgs,
    size: &SizeArgs,
    options: &mut SimulationOptions,
    session: &Session,
) -> Result<(Simulator, Vec<Notice>), CliError> {
    args.check()?;
    let law = match (args.chosen(), &topology.network) {
        (LawArg::HillSum, Some(targets)) if args.master_rates.is_some() => sergio(targets, args)?,
        (LawArg::Logistic, Some(edges)) if args.nodes.is_some() => (aguirre(edges, args)?, Vec::new()),
        (LawArg::Boolean, _) => (boolean(args)?, Vec::new()),
        (law, _) => return on_a_network(law, args, topology, size, options, session),
    };
    let (law, types) = law;
    fit_to(&*law, size, options);
    let graph = Wiring::of_law(&*law).to_graph("simulated");
    Ok((Simulator::with_law(law, graph, options)?.with_cell_types(types), Vec::new()))
}

type Typed = (Box<dyn Law>, Vec<crate::simulate::CellType>);

fn sergio(targets: &Path, args: &LawArgs) -> Result<Typed, CliError> {
    let masters = args.master_rates.as_deref().unwrap_or(targets);
    let (a, b) = (read(targets)?, read(masters)?);
    let network = HillNetwork::parse_sergio((&a, &name(targets)), (&b, &name(masters)))?;
    let (law, types) = HillSum::new(&network, HillSumOptions::default().decay)?;
    Ok((Box::new(law), if types.len() > 1 { types } else { Vec::new() }))
}

fn aguirre(edges: &Path, args: &LawArgs) -> Result<Box<dyn Law>, CliError> {
    let nodes = args.nodes.as_deref().unwrap_or(edges);
    let (a, b) = (read(edges)?, read(nodes)?);
    Ok(Box::new(Logistic::parse(&a, &name(edges), &b, &name(nodes))?))
}

fn boolean(args: &LawArgs) -> Result<Box<dyn Law>, CliError> {
    let path = args.rules.as_deref().unwrap_or(Path::new(""));
    let rules = match Rules::curated(&name(path)) {
        Some(curated) => curated?,
        None => Rules::parse(&read(path)?, &name(path))?,
    };
    let wiring = Wiring { genes: std::sync::Arc::clone(rules.genes()), links: Vec::new() };
    let mut start = vec![false; rules.genes().len()];
    for gene in &args.on {
        start[wiring.expect(gene.trim())?.index()] = true;
    }
    let start = (!args.on.is_empty()).then_some(start);
    Ok(Box::new(Boolean::new(&rules, &BooleanOptions::default(), start.as_deref())?))
}

/// A law drawn on a network of genes.
fn on_a_network(
    law: LawArg,
    args: &LawArgs,
    topology: &TopologyArgs,
    size: &SizeArgs,
    options: &mut SimulationOptions,
    session: &Session,
) -> Result<(Simulator, Vec<Notice>), CliError> {
    let (wiring, mut notices) = network::read(topology, size.genes, options)?;
    let network = || wiring.to_graph("simulated");
    let extended = || extend(&wiring, options.size.genes, &options.extend, options.seed);
    let simulator = match (law, &args.levels) {
        (LawArg::HillSum, _) => {
            let (law, _) = HillSum::draw(&extended()?, &HillSumOptions::default(), options.seed)?;
            Simulator::with_law(Box::new(law), network(), options)?
        }
        (LawArg::Logistic, _) => {
            let law = Logistic::draw(&extended()?, options.seed)?;
            Simulator::with_law(Box::new(law), network(), options)?
        }
        (_, None) => Simulator::new(&wiring, options)?,
        (_, Some(path)) => {
            let (levels, said) = levels::read(path, session)?;
            notices.extend(said);
            Simulator::with_levels(&wiring, options, &|gene| levels.get(gene).copied())?
        }
    };
    Ok((simulator, notices))
}

/// A law from tables decides the genes; the preset's own targets are not among them.
fn fit_to(law: &dyn Law, size: &SizeArgs, options: &mut SimulationOptions) {
    let known = |gene: &str| law.genes().resolve(gene).is_some();
    options.size.genes = law.n_genes();
    options.targets.retain(|t| t.split('+').all(|gene| known(gene.trim())));
    options.held_out.retain(|gene| known(gene));
    if !size.perturbations_typed() {
        let most = law.regulators().len();
        options.size.perturbations = options.size.perturbations.min(most);
        options.pairs = options.pairs.min(most.saturating_sub(1) / 2);
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    Ok(std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
