//! Errors of the rank room.

use thiserror::Error;

use crate::data::DataError;
use crate::predict::PredictError;
use crate::stats::LinalgError;

/// What can go wrong while ranking.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RankError {
    /// A signature without a gene of the run.
    #[error("no gene of the signature is measured in the run\n  expected genes such as {expected}, got {got}")]
    NoSharedGene {
        /// Genes of the run.
        expected: String,
        /// Genes of the signature.
        got: String,
    },
    /// A signature value that is not a number.
    #[error("query `{query}`, gene `{gene}`: expected a finite change, got {got}")]
    BadValue {
        /// The query.
        query: String,
        /// The gene.
        gene: String,
        /// The value.
        got: f32,
    },
    /// A candidate set without a gene.
    #[error("candidate set `{set}` is empty\n  expected at least 2 genes, got {got}")]
    NoCandidates {
        /// The set.
        set: &'static str,
        /// Its size.
        got: usize,
    },
    /// Candidates of a list that nothing is known about.
    #[error("{n} candidates are neither in the graph nor measured nor perturbed: {examples}")]
    UnknownCandidates {
        /// How many.
        n: usize,
        /// Some of them.
        examples: String,
    },
    /// The own reading of a candidate says nothing in this mode.
    #[error("mode `{mode}`: expected the own reading to be excluded, got `used`")]
    OwnReading {
        /// The mode.
        mode: Mode,
    },
    /// No query is named for a drug that has a target.
    #[error(
        "no query is of a drug with a known target\n  expected names that begin with a drug such as {expected}, got {got}"
    )]
    NoDrug {
        /// Some drugs.
        expected: String,
        /// Some queries.
        got: String,
    },
    /// No target of any drug is a gene of the run.
    #[error("no target of the drugs is a gene of the run\n  expected genes such as {expected}, got {got}")]
    NoDrugTarget {
        /// Genes of the run.
        expected: String,
        /// Targets of the drugs.
        got: String,
    },
    /// Every measured gene is a perturbed gene, so that none is left without their own readings.
    #[error("own reading `global`: expected measured genes beside the perturbed ones, got none among {n}")]
    AllMasked {
        /// Measured genes.
        n: usize,
    },
    /// No scorer of this name.
    #[error("scorer `{name}`\n  expected one of {}, got `{name}`", known.join(", "))]
    UnknownScorer {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A scorer that is asked for and was not fitted.
    #[error("`{wanted}` was not fitted here")]
    NotFitted {
        /// Its name.
        wanted: String,
    },
    /// Boosted trees refused their examples.
    #[error("boosted trees could not be fitted: {reason}")]
    Boosting {
        /// What the trees say.
        reason: String,
    },
    /// An error of the data room.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A fit or a prediction failed.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// LAPACK refused a matrix.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
}

use super::Mode;
