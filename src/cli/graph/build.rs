//! `grn graph build`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::controls::{self, Controls};
use crate::cli::args::{PriorArgs, ScreenArgs};
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::prior::graph_line;
use crate::cli::session::Session;
use crate::error::{ExitStatus, some_of};
use crate::graph::{Coexpression, CoexpressionOptions, Coverage, GeneGraph, GraphBuilder, GraphError, GraphSummary};
use crate::io::{PriorSummary, write_graph};

/// Arguments of `grn graph build`.
#[derive(Debug, Args)]
pub(in crate::cli) struct BuildArgs {
    #[command(flatten)]
    prior: PriorArgs,
    /// Add edges between genes that are correlated in the control cells of this screen
    #[arg(long, value_name = "SCREEN")]
    coexpression: Option<PathBuf>,
    /// Keep correlations whose absolute value is above this
    #[arg(long, default_value_t = CoexpressionOptions::default().above, value_name = "R", requires = "coexpression")]
    min_correlation: f32,
    /// Correlate over at most this many control cells, drawn at random
    #[arg(long, default_value_t = 10_000, value_name = "N", requires = "coexpression")]
    max_cells: usize,
    /// Keep the N strongest edges out of and into each gene
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Keep only genes of this screen, measured or perturbed
    #[arg(long, value_name = "SCREEN")]
    genes_of: Option<PathBuf>,
    /// Where the graph goes (.tsv or .tsv.gz)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// A finished graph and what it was made of.
struct Built {
    graph: GeneGraph,
    sources: Vec<PriorSummary>,
    coexpression: Option<(usize, usize)>,
    targets: Option<Coverage>,
}

pub(super) fn run(args: BuildArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    check(&args)?;
    super::check_output(&args.output, session)?;
    if session.dry_run {
        session.plan(&Plan::new("merge priors").size("priors", args.prior.priors.len()).writes(&args.output))?;
        return Ok(ExitStatus::Done);
    }
    let built = build(&args, session)?;
    write_graph(&args.output, &built.graph)?;
    session.printer.result(|| json_of(&args, &built), || text_of(&args, &built))?;
    Ok(ExitStatus::Done)
}

fn check(args: &BuildArgs) -> Result<(), CliError> {
    let usage = |what: &str, expected: &str, got: String, hint: &str| {
        Err(CliError::usage(what, expected, got, Some(hint.to_owned())))
    };
    if args.prior.priors.is_empty() && args.coexpression.is_none() {
        return usage(
            "nothing to build from",
            "`--prior FILE` or `--coexpression SCREEN`",
            "neither".into(),
            "add `--prior FILE`",
        );
    }
    if !(0.0..1.0).contains(&args.min_correlation) {
        return usage("--min-correlation", "0 to 1", args.min_correlation.to_string(), "the default is 0.4");
    }
    if args.top == Some(0) || args.max_cells < 3 {
        return usage("--top and --max-cells", "at least 1 and 3", "fewer".into(), "leave them out");
    }
    Ok(())
}

fn build(args: &BuildArgs, session: &Session) -> Result<Built, CliError> {
    let read = args.prior.read(session, args.screen.aliases.as_deref())?;
    let (mut graph, mut targets, mut coexpression) = (read.graph, None, None);
    if let Some(path) = &args.coexpression {
        let Controls { cells, targets: perturbed } = controls::read(path, &args.screen, args.max_cells, session)?;
        let options = CoexpressionOptions { above: args.min_correlation, ..CoexpressionOptions::default() };
        let found = Coexpression::new(cells, options);
        coexpression = Some((found.n_cells, found.pairs.len()));
        graph = with_coexpression(&graph, &found);
        targets = Some(perturbed);
    }
    if let Some(path) = &args.genes_of {
        let (genes, perturbed) = controls::genes_and_targets(path, &args.screen, session)?;
        graph.check_shared(&genes)?;
        let known = genes.iter().chain(&perturbed).filter_map(|name| graph.genes().resolve(name));
        graph = graph.induced(&known.collect::<Vec<_>>());
        targets = Some(perturbed);
    }
    if let Some(top) = args.top {
        graph = graph.strongest(top);
    }
    if graph.n_edges() == 0 {
        return Err(GraphError::Empty { filters: "the filters of the command".into() }.into());
    }
    let targets = targets.map(|targets| graph.coverage(&targets));
    Ok(Built { graph, sources: read.sources, coexpression, targets })
}

/// The graph with the correlated pairs merged in.
fn with_coexpression(graph: &GeneGraph, found: &Coexpression) -> GeneGraph {
    let mut builder = GraphBuilder::from_graph(graph);
    let channel = builder.channel("coexpression");
    found.connect(channel, &mut builder);
    builder.build()
}

fn json_of(args: &BuildArgs, built: &Built) -> serde_json::Value {
    json!({
        "output": args.output,
        "summary": GraphSummary::new(&built.graph, 5),
        "sources": built.sources,
        "coexpression": built.coexpression.map(|(cells, pairs)| json!({"cells": cells, "pairs": pairs})),
        "perturbed_genes": built.targets.as_ref().map(|c| json!({
            "total": c.total(), "in_graph": c.known.len(), "missing": c.missing,
        })),
    })
}

fn text_of(args: &BuildArgs, built: &Built) -> String {
    let mut lines =
        vec![format!("{}: {}", args.output.display(), graph_line(&built.graph).trim_start_matches("graph: "))];
    lines.extend(
        built.coexpression.map(|(cells, pairs)| format!("co-expression: {pairs} pairs over {cells} control cells")),
    );
    lines.extend(built.targets.as_ref().map(|c| {
        let missing = if c.missing.is_empty() { String::new() } else { format!(", not {}", some_of(&c.missing, 3)) };
        format!(
            "perturbed genes: {} of {} in the graph ({:.0} %){missing}",
            c.known.len(),
            c.total(),
            100.0 * c.share()
        )
    }));
    lines.join("\n")
}
