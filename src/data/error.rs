//! Errors of the data room.

use thiserror::Error;

/// What can be wrong with genes, cells and conditions.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// The system refused a temporary file.
    #[error("cannot keep cells in a temporary file in `{}`: {reason}", folder.display())]
    Temporary {
        /// The folder for temporary files.
        folder: std::path::PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The same gene name twice where names must be unique.
    #[error(
        "gene `{name}` occurs more than once\n  expected unique gene names, got `{name}` at positions {first} and {second}"
    )]
    DuplicateGene {
        /// The repeated name.
        name: String,
        /// Position of the first occurrence.
        first: usize,
        /// Position of the second occurrence.
        second: usize,
    },
    /// A gene that is not in the index.
    #[error("gene `{name}` is not among the {n_genes} genes")]
    UnknownGene {
        /// The name asked for.
        name: String,
        /// Size of the index.
        n_genes: usize,
        /// Close spellings and aliases that are in the index.
        suggestions: Vec<String>,
    },
    /// Two gene vectors over different genes met.
    #[error("{what}: the genes differ\n  expected the {expected} genes of {left}, got {got} genes of {right}")]
    GeneMismatch {
        /// The operation.
        what: &'static str,
        /// Name of the first table.
        left: String,
        /// Name of the second table.
        right: String,
        /// Number of genes of the first table.
        expected: usize,
        /// Number of genes of the second table.
        got: usize,
    },
    /// A matrix whose parts do not fit together.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// The matrix or vector.
        what: &'static str,
        /// Expected size or form.
        expected: String,
        /// Size or form found.
        got: String,
    },
    /// A perturbation label that cannot be read.
    #[error("perturbation `{label}` has {got} targets\n  expected 1 or 2 genes, as in `A` or `A+B`")]
    TooManyTargets {
        /// The label as written.
        label: String,
        /// Number of targets.
        got: usize,
    },
    /// No control cells or control row.
    #[error(
        "no control found\n  expected one condition labelled as control, got {n_conditions} conditions: {examples}"
    )]
    NoControl {
        /// Number of conditions.
        n_conditions: usize,
        /// Some of their labels.
        examples: String,
    },
    /// Too few control cells to estimate a mean and a variance.
    #[error("the control `{label}` has {got} cell\n  expected at least {expected} cells")]
    TooFewControls {
        /// The control label.
        label: String,
        /// Cells needed.
        expected: u64,
        /// Cells found.
        got: u64,
    },
    /// No condition left to learn from.
    #[error("no perturbation found\n  expected at least one condition besides the control")]
    NoPerturbation,
    /// A value that no expression matrix can hold.
    #[error("cell {cell}, gene `{gene}`: expected a finite value >= 0, got {value}")]
    BadValue {
        /// Zero-based cell (row).
        cell: u64,
        /// Gene name.
        gene: String,
        /// The value as text (`NaN`, `-3`, ...).
        value: String,
    },
    /// A perturbation to hold out that the data lacks.
    #[error("perturbation `{label}` is not in the data")]
    UnknownPerturbation {
        /// The label.
        label: String,
        /// Close spellings that are in the data.
        suggestions: Vec<String>,
    },
    /// A split that cannot be used.
    #[error("split: expected {expected}, got {got}")]
    BadSplit {
        /// What was expected.
        expected: String,
        /// What was found.
        got: String,
    },
}
