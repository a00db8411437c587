//! The network that is simulated.

use super::args::TopologyArgs;
use crate::cli::error::CliError;
use crate::error::Notice;
use crate::io::{self, PriorOptions};
use crate::simulate::{SimulationOptions, Wiring, generate};

/// Reads, generates or takes the embedded network. One that has more genes than the preset decides their number, unless
/// `genes` was typed.
pub(super) fn read(
    args: &TopologyArgs,
    genes: Option<usize>,
    options: &mut SimulationOptions,
) -> Result<(Wiring, Vec<Notice>), CliError> {
    let topology = args.options(options.size.genes);
    if args.random {
        return Ok((generate(&topology, options.seed)?, Vec::new()));
    }
    let Some(path) = &args.network else { return Ok((Wiring::embedded()?, Vec::new())) };
    let read = io::read_priors(std::slice::from_ref(path), &PriorOptions::default())?;
    let (wiring, unsigned) = Wiring::from_graph(&read.graph, topology.activators, options.seed);
    let mut notices = read.notices;
    if unsigned > 0 {
        notices.push(Notice::new(format!(
            "{unsigned} of {} edges have no sign; each of their regulators was drawn to activate ({:.0} %) or to repress",
            wiring.links.len(),
            topology.activators * 100.0
        )));
    }
    if genes.is_none() {
        options.size.genes = options.size.genes.max(wiring.genes.len());
    }
    Ok((wiring, notices))
}
