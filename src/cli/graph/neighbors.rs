//! `grn graph neighbors`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::graph::{Edge, GeneGraph};

/// Arguments of `grn graph neighbors`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn graph neighbors graph.tsv.gz KDM1A --top 20")]
pub(in crate::cli) struct NeighborsArgs {
    /// A graph of `grn graph build`, or any prior
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// The gene
    #[arg(value_name = "GENE")]
    gene: String,
    /// At most this many edges in each direction (default: all)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
}

pub(super) fn run(args: &NeighborsArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let graph = super::read(&args.graph, session)?;
    let gene = graph.expect(&args.gene)?;
    let strongest = |mut edges: Vec<Edge>| {
        edges.sort_by(|a, b| b.weight.total_cmp(&a.weight).then((a.source, a.target).cmp(&(b.source, b.target))));
        edges.truncate(args.top.unwrap_or(usize::MAX));
        edges
    };
    let targets = strongest(graph.out_edges(gene).to_vec());
    let regulators = strongest(graph.in_edges(gene).cloned().collect());
    session.printer.result(
        || {
            let all = |edges: &[Edge]| edges.iter().map(|e| as_json(&graph, e)).collect::<Vec<_>>();
            json!({ "gene": args.gene, "targets": all(&targets), "regulators": all(&regulators) })
        },
        || text(&graph, &targets, &regulators),
    )?;
    Ok(ExitStatus::Done)
}

fn channels<'a>(graph: &'a GeneGraph, edge: &'a Edge) -> impl Iterator<Item = &'a str> {
    edge.evidence.iter().map(|(channel, _)| graph.channels()[channel.0 as usize].as_ref())
}

fn as_json(graph: &GeneGraph, edge: &Edge) -> Value {
    let name = |gene| graph.genes().name(gene);
    json!({
        "source": name(edge.source), "target": name(edge.target), "weight": (f64::from(edge.weight) * 1e6).round() / 1e6,
        "sign": edge.sign.symbol(), "evidence": channels(graph, edge).collect::<Vec<_>>(),
    })
}

/// Columns source, target, weight, sign and evidence, tab separated: first its targets, then its regulators.
fn text(graph: &GeneGraph, targets: &[Edge], regulators: &[Edge]) -> String {
    let name = |gene| graph.genes().name(gene);
    let line = |e: &Edge| {
        let evidence = channels(graph, e).collect::<Vec<_>>().join(",");
        format!("{}\t{}\t{:.4}\t{}\t{evidence}", name(e.source), name(e.target), e.weight, e.sign.symbol())
    };
    let header = "source\ttarget\tweight\tsign\tevidence".to_owned();
    std::iter::once(header).chain(targets.iter().chain(regulators).map(line)).collect::<Vec<_>>().join("\n")
}
