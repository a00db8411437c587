//! Which gene was perturbed? Ranking upstream genes by how well their perturbation explains a change of expression.
//!
//! Every candidate is given the response that a fitted [`crate::predict::Predictor`] expects of it. Scorers compare the
//! query with that response, with the measured response where the candidate was perturbed in training, and with the
//! graph around the candidate. A conditional logit joins them into one score and a probability.

mod calibrate;
mod candidates;
mod ceiling;
mod combine;
mod conditions;
mod cross_validate;
mod error;
mod evidence;
mod frame;
mod masked;
mod metrics;
mod mode;
mod propagation;
mod queries;
mod ranking;
mod retrieval;
mod scorer;
mod table;

pub use self::calibrate::{Calibration, Fit, calibrate};
pub use self::candidates::{CandidateSet, Candidates};
pub use self::ceiling::ceiling;
pub use self::combine::{FEATURES, Weights, softmax};
pub use self::conditions::{CONDITION_KS, Conditions};
pub use self::cross_validate::{CvOptions, CvOutcome, CvRow, Listed, cross_validate};
pub use self::error::RankError;
pub use self::frame::Frame;
pub use self::masked::masked;
pub use self::metrics::{KS, mean_metrics, mid_rank, query_metrics, random_metrics};
pub use self::mode::{Mode, Own};
pub use self::queries::Queries;
pub use self::ranking::{Model, RankOptions, Ranked, Ranking, rank};
pub use self::scorer::{Asked, FitScorer, Known, Scorer, ScorerSpec};
pub use self::table::{write_lists, write_metrics, write_rankings};

/// Every scorer there is, in the order in which tables show them.
pub const SCORERS: &[ScorerSpec] = &[
    scorer::retrieval::SPEC,
    scorer::pca_knn::SPEC,
    scorer::random_forest::SPEC,
    scorer::boosting::SPEC,
    scorer::logistic::SPEC,
    scorer::ulm::SPEC,
    scorer::deg_top::SPEC,
    scorer::target_shift::SPEC,
    scorer::frequency::SPEC,
    scorer::degree::SPEC,
    scorer::random::SPEC,
];

/// The scorer of this name.
///
/// # Errors
/// [`RankError::UnknownScorer`] with the names there are.
pub fn scorer(name: &str) -> Result<&'static ScorerSpec, RankError> {
    SCORERS.iter().find(|s| s.name == name).ok_or_else(|| RankError::UnknownScorer {
        name: name.to_owned(),
        known: SCORERS.iter().map(|s| s.name.to_owned()).collect(),
    })
}
