//! Errors of the simulate room.

use thiserror::Error;

use crate::data::{DataError, GeneIndex};

/// What can go wrong in a simulation.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SimulateError {
    /// A line of a network table that cannot be read.
    #[error("network `{table}`, line {line}: expected {expected}, got {got}")]
    Network {
        /// Name of the table.
        table: String,
        /// One-based line.
        line: usize,
        /// What the format asks for.
        expected: &'static str,
        /// What was found.
        got: String,
    },
    /// A gene to perturb that the network lacks.
    #[error("gene `{gene}` is not in the network of {n_genes} genes")]
    UnknownGene {
        /// The name asked for.
        gene: String,
        /// Number of genes.
        n_genes: usize,
        /// Close spellings.
        suggestions: Vec<String>,
    },
    /// A setting out of range.
    #[error("`{option}`: expected {expected}, got {got}")]
    BadOption {
        /// Name of the setting.
        option: &'static str,
        /// What is accepted.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A steady state that was not found: nothing is returned for it.
    #[error(
        "no steady state found for {perturbation}\n  expected a residual of at most {tolerance:e}, got {residual:e} after {iterations} iterations"
    )]
    Unconverged {
        /// The perturbation.
        perturbation: String,
        /// Largest residual accepted.
        tolerance: f64,
        /// Largest residual over genes, log scale.
        residual: f64,
        /// Iterations spent.
        iterations: usize,
    },
    /// Genes, cells or conditions that do not fit together.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl SimulateError {
    /// A gene that the network lacks, with close spellings.
    pub(crate) fn unknown(gene: &str, genes: &GeneIndex) -> Self {
        Self::UnknownGene { gene: gene.to_owned(), n_genes: genes.len(), suggestions: genes.suggest(gene) }
    }

    /// A setting out of range.
    pub(crate) fn option(option: &'static str, expected: impl Into<String>, got: impl ToString) -> Self {
        Self::BadOption { option, expected: expected.into(), got: got.to_string() }
    }
}
