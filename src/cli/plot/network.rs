//! `grn plot network`.

use std::path::PathBuf;

use clap::Args;

use super::super::error::CliError;
use super::super::load::{LoadedRun, load_run};
use super::super::session::Session;
use super::{save, source_of};
use crate::data::Perturbation;
use crate::error::{ExitStatus, Notice};
use crate::io;
use crate::predict::Basis;
use crate::report::NetworkFigure;

/// Arguments of `grn plot network`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot network --center KDM1A -o kdm1a.svg
  grn plot network --run runs/mine --center SOX2 --hops 1 --max-genes 25 -o sox2.png
  grn plot network --graph graph.tsv.gz --center SOX2 -o sox2.svg")]
pub(in crate::cli) struct NetworkArgs {
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR", conflicts_with = "graph")]
    run: Option<PathBuf>,
    /// Gene graph to draw instead of a run's: nothing is predicted then
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Gene in the middle
    #[arg(long, value_name = "GENE")]
    center: String,
    /// Perturbation whose prediction colours the genes (default: the gene in the middle)
    #[arg(long, value_name = "GENE[+GENE]", conflicts_with = "graph")]
    pert: Option<String>,
    /// Rings around it
    #[arg(long, default_value_t = 2, value_name = "N")]
    hops: usize,
    /// Genes to show at most
    #[arg(long, default_value_t = 40, value_name = "N")]
    max_genes: usize,
    /// File to write (.svg or .png)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: NetworkArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let figure = match &args.graph {
        Some(path) => {
            let graph = io::read_graph(path)?;
            NetworkFigure::around(&graph, &args.center, args.hops, args.max_genes, None)?
                .caption(format!("Graph {}.", path.display()))
        }
        None => of_run(&args, &load_run(session, args.run.as_deref())?, session)?,
    };
    save(session, &args.output, &figure.scene())
}

/// The network around a gene, filled with its predicted response, with the usual limits.
pub(in crate::cli) fn svg_of_run(run: &LoadedRun, gene: &str) -> Result<String, CliError> {
    let prediction = run.predictor.predict(&Perturbation::parse(gene, &run.manifest.control_label)?)?;
    let figure = NetworkFigure::around(&run.graph, gene, 2, 40, Some(&prediction.delta))?;
    let caption = format!("Fill: predicted response to {gene}. {}", source_of(run));
    Ok(figure.perturbed(&[gene]).caption(caption).scene().to_svg()?)
}

fn of_run(args: &NetworkArgs, run: &LoadedRun, session: &Session) -> Result<NetworkFigure, CliError> {
    let label = args.pert.as_deref().unwrap_or(&args.center);
    let perturbation = Perturbation::parse(label, &run.manifest.control_label)?;
    run.graph.expect(&args.center)?;
    let prediction = run.predictor.predict(&perturbation)?;
    if prediction.basis == Basis::Fallback {
        let text =
            format!("the model knows nothing of {perturbation}: the mean of the training perturbations is shown");
        session.printer.notice(&Notice::new(text));
    }
    let figure = NetworkFigure::around(&run.graph, &args.center, args.hops, args.max_genes, Some(&prediction.delta))?;
    let fill = if prediction.basis == Basis::Fallback { " (mean of the training perturbations)" } else { "" };
    let caption = format!("Fill: predicted response to {perturbation}{fill}. {}", source_of(run));
    Ok(figure.perturbed(perturbation.targets()).caption(caption))
}
