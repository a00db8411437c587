//! `grn graph info`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::error::ExitStatus;
use crate::graph::{ChannelSummary, Degrees, GraphSummary, Hub};

/// Arguments of `grn graph info`.
#[derive(Debug, Args)]
pub(in crate::cli) struct InfoArgs {
    /// A graph of `grn graph build`, or any prior
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Name this many genes with most edges
    #[arg(long, default_value_t = 10, value_name = "N")]
    hubs: usize,
}

pub(super) fn run(args: InfoArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let graph = super::read(&args.graph, session)?;
    let summary = GraphSummary::new(&graph, args.hubs);
    session.printer.result(|| serde_json::to_value(&summary).unwrap_or_default(), || text(&summary))?;
    Ok(ExitStatus::Done)
}

/// One fact a line.
fn text(s: &GraphSummary) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut lines = vec![
        format!("genes       {} ({} without an edge)", s.genes, s.isolated),
        format!("edges       {} ({} have their reverse)", s.edges, percent(s.reciprocity)),
        format!("signs       {} signed: {} activating, {} repressing", percent(s.signed), s.activating, s.repressing),
        format!("components  {}, the largest of {} genes", s.components, s.largest_component),
        format!("cycles      {} genes in the largest strongly connected part", s.strongly_connected),
        format!("communities {}, modularity {:.3}", s.communities, s.modularity),
        format!("out-degree  {}", degrees(s.out_degree)),
        format!("in-degree   {}", degrees(s.in_degree)),
    ];
    lines.extend(s.channels.iter().map(channel));
    lines.extend(s.hubs.iter().map(hub));
    lines.join("\n")
}

fn degrees(d: Degrees) -> String {
    format!("mean {:.1}, median {}, largest {}", d.mean, d.median, d.max)
}

fn channel(c: &ChannelSummary) -> String {
    format!("channel     {} ({} edges, mean score {:.3})", c.channel, c.edges, c.mean_score)
}

fn hub(h: &Hub) -> String {
    format!("hub         {} ({} out, {} in)", h.gene, h.out_degree, h.in_degree)
}
