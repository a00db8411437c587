//! Genes, cells, conditions and the table that everything else works on.
//!
//! A screen is read once, as a stream of [`CellBlock`]s, into a [`Pseudobulk`]: per condition and gene the number of
//! cells and the first three moments of log1p expression.

mod accumulate;
mod cells;
mod csr;
mod delta;
mod drug_targets;
mod error;
mod expression;
mod features;
mod gene;
mod gene_blocks;
mod normalise;
mod perturbation;
mod pseudobulk;
mod published_split;
mod responses;
mod split;
mod totals;

pub use self::accumulate::{PseudobulkBuilder, PseudobulkOptions};
pub use self::cells::{CellBlock, CellTable, Screen};
pub use self::csr::Csr;
pub use self::delta::Delta;
pub use self::drug_targets::{
    ACTIONS, Action, Drug, DrugTarget, DrugTargets, DrugTargetsBuilder, Treatment, Unresolved,
};
pub use self::error::DataError;
pub use self::expression::{Expression, Scale};
pub use self::features::{FeatureKind, Features};
pub(crate) use self::gene::suggest;
pub use self::gene::{GeneId, GeneIndex};
pub use self::gene_blocks::{GeneBlocks, GeneBlocksBuilder};
pub use self::normalise::{Normalisation, TargetSum, median};
pub use self::perturbation::{Condition, Intervention, Perturbation};
pub use self::pseudobulk::{Moments, Pseudobulk, Quantity};
pub use self::published_split::{Assigned, Part, PublishedSplit};
pub use self::responses::{ControlProfile, Responses};
pub use self::split::{Fold, Split};
pub use self::totals::Totals;
