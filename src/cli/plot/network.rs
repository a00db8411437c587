//! `grn plot network`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::error::CliError;
use super::super::graph;
use super::super::load::{LoadedRun, load_run};
use super::super::plan::Plan;
use super::super::session::Session;
use super::{save, save_bytes, source_of};
use crate::data::Perturbation;
use crate::error::{ExitStatus, Notice};
use crate::io::{NetworkFormat, write_network};
use crate::predict::Basis;
use crate::report::{Layout, NetworkFigure};

/// Arguments of `grn plot network`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn plot network --center KDM1A -o kdm1a.svg
  grn plot network --run runs/mine --center SOX2 --hops 1 --max-genes 25 -o sox2.png
  grn plot network --graph graph.tsv.gz --center SOX2 --layout layered -o sox2.pdf
  grn plot network --center KDM1A --layout force --max-genes 200 -o kdm1a.html
  grn plot network --center KDM1A -o kdm1a.cx2")]
pub(in crate::cli) struct NetworkArgs {
    /// Run directory (default: the newest finished one under `runs/`)
    #[arg(long, value_name = "DIR", conflicts_with = "graph")]
    run: Option<PathBuf>,
    /// Gene graph, or any prior, to draw instead of a run's: nothing is predicted then
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
    /// How genes are placed
    #[arg(long, value_enum, default_value_t = LayoutArg::Radial, value_name = "LAYOUT")]
    layout: LayoutArg,
    /// Outline densely connected genes in any layout (default: in the force layout)
    #[arg(long)]
    modules: bool,
    /// File to write: a figure (.svg, .png, .pdf), a page to explore (.html), or a network with positions and colours
    /// (.cyjs, .cx2, .graphml, .gexf, .sif with tables, .dot)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// `--layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LayoutArg {
    /// The gene in the middle, one ring per hop
    Radial,
    /// Regulators above their targets, for up to 100 genes
    Layered,
    /// Connected genes close together
    Force,
}

impl From<LayoutArg> for Layout {
    fn from(layout: LayoutArg) -> Self {
        match layout {
            LayoutArg::Radial => Self::Radial,
            LayoutArg::Layered => Self::Layered,
            LayoutArg::Force => Self::Force,
        }
    }
}

pub(super) fn run(args: NetworkArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let figure = match &args.graph {
        Some(path) => {
            let graph = graph::read(path, session)?;
            NetworkFigure::around(&graph, &args.center, args.hops, args.max_genes, None)?
                .caption(format!("Graph {}.", path.display()))
        }
        None => of_run(&args, &load_run(session, args.run.as_deref())?, session)?,
    };
    let layout = Layout::from(args.layout);
    let figure = figure.layout(layout, session.seed)?.hulls(args.modules || layout == Layout::Force);
    write(session, &args.output, &figure)
}

/// As a page, as a network for another program, or as a figure, by the name of the file.
fn write(session: &Session, path: &Path, figure: &NetworkFigure) -> Result<ExitStatus, CliError> {
    if path.extension().is_some_and(|e| e == "html") {
        return save_bytes(session, path, figure.to_html()?.as_bytes(), &figure.scene());
    }
    let Some(format) = NetworkFormat::of_path(path) else {
        return save(session, path, &figure.scene());
    };
    let (graph, drawing) = figure.drawing();
    if session.dry_run {
        let plan = Plan::new(format!("write a network as {}", format.name));
        session.plan(&plan.size("genes", graph.n_genes()).size("edges", graph.n_edges()).writes(path))?;
        return Ok(ExitStatus::Done);
    }
    let files = write_network(path, graph, Some(&drawing), format)?;
    let (genes, edges) = (graph.n_genes(), graph.n_edges());
    session.printer.result(
        || json!({ "output": path, "files": files, "format": format.name, "genes": genes, "edges": edges }),
        || files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join("\n"),
    )?;
    Ok(ExitStatus::Done)
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
