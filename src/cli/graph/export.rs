//! `grn graph export`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::cli::session::Session;
use crate::error::{ExitStatus, some_of};
use crate::io::{NETWORK_FORMATS, NetworkFormat, write_network};

/// Arguments of `grn graph export`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// A graph of `grn graph build`, or any prior
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Only this gene and those around it
    #[arg(long, value_name = "GENE")]
    center: Option<String>,
    /// How many edges around the centre
    #[arg(long, default_value_t = 1, value_name = "N", requires = "center")]
    hops: usize,
    /// At most this many genes around the centre, the strongest
    #[arg(long, default_value_t = 100, value_name = "N", requires = "center")]
    max_genes: usize,
    /// tsv, decoupler, sif, graphml, gexf, dot, cyjs or cx2 (default: what the name of the output says)
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Where the network goes; `.gz` compresses
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: ExportArgs, session: &mut Session) -> Result<ExitStatus, CliError> {
    let format = format(&args)?;
    super::check_output(&args.output, session)?;
    let mut graph = super::read(&args.graph, session)?;
    if let Some(center) = &args.center {
        graph = graph.neighborhood(graph.expect(center)?, args.hops, args.max_genes).graph;
    }
    let (genes, edges, output) = (graph.n_genes(), graph.n_edges(), args.output.display());
    if session.dry_run {
        let plan = Plan::new(format!("write the network as {}", format.name)).size("genes", genes).size("edges", edges);
        session.plan(&plan.writes(&args.output))?;
        return Ok(ExitStatus::Done);
    }
    let files = write_network(&args.output, &graph, None, format)?;
    session.printer.result(
        || json!({"output": args.output, "files": files, "format": format.name, "genes": genes, "edges": edges}),
        || format!("{output}: {genes} genes, {edges} edges ({})", format.name),
    )?;
    Ok(ExitStatus::Done)
}

/// The format that was named, else that of the output's name.
fn format(args: &ExportArgs) -> Result<&'static NetworkFormat, CliError> {
    let found = args.format.as_deref().map_or_else(|| NetworkFormat::of_path(&args.output), NetworkFormat::named);
    found.ok_or_else(|| {
        let got = args.format.clone().unwrap_or_else(|| args.output.display().to_string());
        let names = some_of(NETWORK_FORMATS.map(|f| f.name), NETWORK_FORMATS.len());
        CliError::usage(
            "unknown network format",
            format!("one of {names}"),
            format!("`{got}`"),
            Some("try `--format graphml`".into()),
        )
    })
}
