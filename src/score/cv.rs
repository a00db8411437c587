//! Scores of out-of-fold predictions: one value per perturbation and metric, with intervals and a replicate ceiling.
//!
//! Definitions are those of the field's signature benchmarks; with m the mean of the true rows of the training folds,
//! `centred_r` and `disc` ask for what is special about a perturbation, `pearson_delta` also rewards what all
//! perturbations share, so it is shown beside, never alone.

mod bootstrap;
mod ceiling;
mod discrimination;
mod metric;
mod paired;
mod signature;
mod strata;
mod table;

pub use self::bootstrap::{Bootstrap, Interval};
pub use self::ceiling::ceiling_scores;
pub use self::metric::CvMetric;
pub use self::paired::{Paired, paired};
pub use self::signature::{CvScores, cv_scores};
pub use self::strata::{Stratum, terciles};
pub use self::table::{CvRow, cv_row};
