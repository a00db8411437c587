//! What was typed about priors, as the graph they make.

use super::args::PriorArgs;
use super::error::CliError;
use super::session::Session;
use crate::graph::GeneGraph;
use crate::io::{self, PriorOptions};

impl PriorArgs {
    /// Reads and merges the priors; says what came of them.
    pub(super) fn read(&self, session: &Session) -> Result<GeneGraph, CliError> {
        let options = PriorOptions { min_score: self.min_score, ..PriorOptions::default() };
        let read = io::read_priors(&self.priors, &options)?;
        read.notices.iter().for_each(|n| session.printer.notice(n));
        Ok(read.graph)
    }
}
