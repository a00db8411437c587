//! `grn graph path`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::graph::{GeneGraph, GenePath};

/// Arguments of `grn graph path`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PathArgs {
    /// A graph of `grn graph build`, or any prior
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Where paths begin
    #[arg(value_name = "FROM")]
    from: String,
    /// Where paths end
    #[arg(value_name = "TO")]
    to: String,
    /// Show up to this many paths, strongest first
    #[arg(short, long, default_value_t = 5, value_name = "N")]
    k: usize,
}

pub(super) fn run(args: PathArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    if args.from == args.to || args.k == 0 {
        let got = format!("`{}` to `{}`, {} paths", args.from, args.to, args.k);
        return Err(CliError::usage("graph path", "two different genes and at least one path", got, None));
    }
    let graph = super::read(&args.graph, session)?;
    let paths = graph.paths(graph.expect(&args.from)?, graph.expect(&args.to)?, args.k)?;
    session.printer.result(|| json_of(&graph, &args, &paths), || text(&graph, &paths))?;
    Ok(ExitStatus::Done)
}

fn json_of(graph: &GeneGraph, args: &PathArgs, paths: &[GenePath]) -> Value {
    let name = |gene| graph.genes().name(gene);
    let edge = |e: &crate::graph::Edge| {
        let evidence = e.evidence.iter().map(|(c, score)| (graph.channels()[c.0 as usize].to_string(), json!(score)));
        json!({
            "source": name(e.source), "target": name(e.target), "weight": e.weight, "sign": e.sign.symbol(),
            "evidence": evidence.collect::<serde_json::Map<_, _>>(),
        })
    };
    let path = |p: &GenePath| {
        json!({
            "genes": p.genes.iter().map(|&g| name(g)).collect::<Vec<_>>(),
            "strength": p.strength(), "sign": p.sign().symbol(),
            "edges": p.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    };
    json!({"from": args.from, "to": args.to, "paths": paths.iter().map(path).collect::<Vec<_>>()})
}

/// `strength sign path`, tab separated: `0.45	-	A +0.9> B -0.5> C`.
fn text(graph: &GeneGraph, paths: &[GenePath]) -> String {
    let name = |gene| graph.genes().name(gene);
    let step = |e: &crate::graph::Edge| format!(" {}{:.3}> {}", e.sign.symbol(), e.weight, name(e.target));
    let line = |p: &GenePath| {
        let steps: String = p.edges.iter().map(step).collect();
        format!("{:.4}\t{}\t{}{steps}", p.strength(), p.sign().symbol(), p.genes.first().map_or("", |&g| name(g)))
    };
    let header = "strength\tsign\tpath".to_owned();
    std::iter::once(header).chain(paths.iter().map(line)).collect::<Vec<_>>().join("\n")
}
