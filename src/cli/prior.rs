//! Reading the priors that a command is given.

use std::path::Path;

use super::args::PriorArgs;
use super::error::CliError;
use super::session::Session;
use crate::graph::{GeneGraph, GraphSummary};
use crate::io::{PriorOptions, PriorSummary, PriorsRead, read_priors};

impl PriorArgs {
    /// The merged graph of all `--prior` files, with other names of genes (`--aliases`), and a summary of each file; says
    /// what was read and what to know about it.
    pub(super) fn read(&self, session: &Session, aliases: Option<&Path>) -> Result<PriorsRead, CliError> {
        if !(0.0..=1000.0).contains(&self.min_score) {
            let got = self.min_score.to_string();
            return Err(CliError::usage("--min-score", "0 to 1000, as STRING scores are", got, None));
        }
        let options =
            PriorOptions { min_score: self.min_score, aliases: aliases.map(Path::to_owned), ..PriorOptions::default() };
        let mut read = read_priors(&self.priors, &options)?;
        read.graph = self.without(session, read.graph)?;
        read.notices.iter().for_each(|n| session.printer.notice(n));
        read.sources.iter().for_each(|s| session.printer.detail(file_line(s)));
        if !self.priors.is_empty() {
            session.printer.say(graph_line(&read.graph));
        }
        Ok(read)
    }

    /// The graph without the channels that were asked to be left out.
    pub(super) fn without(&self, session: &Session, graph: GeneGraph) -> Result<GeneGraph, CliError> {
        if self.without_channels.is_empty() {
            return Ok(graph);
        }
        let less = graph.without_channels(&self.without_channels)?;
        let (names, before, after) = (self.without_channels.join(", "), graph.n_edges(), less.n_edges());
        session.printer.say(format!("without {names}: {after} of {before} edges are left"));
        Ok(less)
    }
}

/// `string.tsv: STRING links, 204 rows, 408 new edges, 120 new genes`.
fn file_line(s: &PriorSummary) -> String {
    let path = s.path.display();
    format!("{path}: {}, {} rows, {} new edges, {} new genes", s.format, s.rows, s.new_edges, s.new_genes)
}

/// `graph: 8806 genes, 162282 edges, 12 % signed`.
pub(super) fn graph_line(graph: &GeneGraph) -> String {
    let summary = GraphSummary::new(graph, 0);
    format!("graph: {} genes, {} edges, {:.0} % signed", summary.genes, summary.edges, 100.0 * summary.signed)
}
