//! Errors of the graph room.

use thiserror::Error;

/// What can be wrong with a gene graph.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GraphError {
    /// No edge is left.
    #[error("the gene graph has no edge\n  expected at least one edge from the priors, got none after {filters}")]
    Empty {
        /// What was applied before counting.
        filters: String,
    },
    /// None of the prior's genes is known to the screen.
    #[error(
        "no gene of the prior is in the screen\n  expected shared gene names, got {prior} in the prior and {screen} in the screen"
    )]
    NoSharedGene {
        /// Examples from the prior.
        prior: String,
        /// Examples from the screen.
        screen: String,
    },
    /// A gene that is not a node.
    #[error("gene `{gene}` is not in the graph of {n_genes} genes")]
    UnknownGene {
        /// The name asked for.
        gene: String,
        /// Number of nodes.
        n_genes: usize,
        /// Close spellings.
        suggestions: Vec<String>,
    },
    /// A channel that the graph does not have.
    #[error("the graph has no evidence channel `{channel}`\n  expected one of {}, got `{channel}`", known.join(", "))]
    UnknownChannel {
        /// The name asked for.
        channel: String,
        /// The channels there are.
        known: Vec<String>,
    },
    /// No directed path between two genes.
    #[error("no path from `{from}` to `{to}`")]
    NoPath {
        /// Start.
        from: String,
        /// End.
        to: String,
    },
}
