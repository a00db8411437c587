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
    /// Show up to this many paths, best first: by strength x damping ^ edges
    #[arg(short, long, default_value_t = 5, value_name = "N")]
    k: usize,
    /// What every edge costs when paths are compared, as a factor; with 1 detours over edges of weight 1 are free
    #[arg(long, default_value_t = 0.8, value_name = "FACTOR")]
    damping: f64,
}

pub(super) fn run(args: PathArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    if args.from == args.to || args.k == 0 {
        let got = format!("`{}` to `{}`, {} paths", args.from, args.to, args.k);
        return Err(CliError::usage("graph path", "two different genes and at least one path", got, None));
    }
    if !(args.damping > 0.0 && args.damping <= 1.0) {
        return Err(CliError::usage("--damping", "above 0 and at most 1", args.damping.to_string(), None));
    }
    let graph = super::read(&args.graph, session)?;
    let paths = graph.paths(graph.expect(&args.from)?, graph.expect(&args.to)?, args.k, args.damping)?;
    session.printer.result(|| json_of(&graph, &args, &paths), || text(&graph, &paths))?;
    Ok(ExitStatus::Done)
}

fn json_of(graph: &GeneGraph, args: &PathArgs, paths: &[GenePath]) -> Value {
    let name = |gene| graph.genes().name(gene);
    let edge = |e: &crate::graph::Edge| {
        let evidence =
            e.evidence.iter().map(|(c, score)| (graph.channels()[c.0 as usize].to_string(), json!(short(*score))));
        json!({
            "source": name(e.source), "target": name(e.target), "weight": short(e.weight), "sign": e.sign.symbol(),
            "evidence": evidence.collect::<serde_json::Map<_, _>>(),
        })
    };
    let path = |p: &GenePath| {
        json!({
            "genes": p.genes.iter().map(|&g| name(g)).collect::<Vec<_>>(),
            "strength": short(p.strength()), "sign": p.sign().symbol(),
            "edges": p.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    };
    json!({"from": args.from, "to": args.to, "paths": paths.iter().map(path).collect::<Vec<_>>()})
}

/// Six digits: what a 32 bit number knows.
fn short(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}

/// Columns `strength`, `sign` and `path`, such as `A +0.9> B -0.5> C`, tab separated.
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
