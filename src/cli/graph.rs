//! `grn graph`.

mod build;
pub(in crate::cli) mod controls;
mod diff;
mod export;
mod info;
mod neighbors;
mod path;

use std::path::Path;

use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;
use crate::graph::GeneGraph;
use crate::io::{PriorOptions, read_priors};

/// Commands of `grn graph`.
#[derive(Debug, Subcommand)]
pub(super) enum GraphCommand {
    /// Merge prior networks (and co-expression) into one gene graph
    Build(Box<build::BuildArgs>),
    /// Count genes, edges, components, signs, hubs and evidence
    Info(info::InfoArgs),
    /// List the edges out of and into a gene, strongest first
    Neighbors(neighbors::NeighborsArgs),
    /// Find the strongest directed paths between two genes
    Path(path::PathArgs),
    /// Tell which genes and edges two graphs do not share, and whose weight or sign differs
    Diff(diff::DiffArgs),
    /// Write a graph, or the surroundings of one gene, for another program
    Export(export::ExportArgs),
}

pub(super) fn run(command: GraphCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        GraphCommand::Build(args) => build::run(*args, session),
        GraphCommand::Info(args) => info::run(args, session),
        GraphCommand::Neighbors(args) => neighbors::run(&args, session),
        GraphCommand::Diff(args) => diff::run(&args, session),
        GraphCommand::Path(args) => path::run(args, session),
        GraphCommand::Export(args) => export::run(args, session),
    }
}

/// A graph of `grn graph build`, or any prior.
pub(super) fn read(path: &Path, session: &Session) -> Result<GeneGraph, CliError> {
    let read = read_priors(&[path.to_owned()], &PriorOptions::default())?;
    read.notices.iter().for_each(|n| session.printer.notice(n));
    Ok(read.graph)
}

/// An output that must not exist yet, unless `--overwrite` was given.
fn check_output(path: &Path, session: &Session) -> Result<(), CliError> {
    if path.exists() && !session.overwrite {
        let got = format!("`{}`, which exists", path.display());
        return Err(CliError::usage("--output", "a new file", got, Some("replace it with `--overwrite`".into())));
    }
    Ok(())
}
