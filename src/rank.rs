//! Which gene was perturbed? Ranking upstream genes by how well their perturbation explains a change of expression.
//!
//! Every candidate is given the response that a fitted [`crate::predict::Predictor`] expects of it. Scorers compare the
//! query with that response, with the measured response where the candidate was perturbed in training, and with the
//! graph around the candidate. A conditional logit joins them into one score and a probability.

mod atlas;
mod bootstrap;
mod calibrate;
mod candidates;
mod causes;
mod ceiling;
mod conditions;
mod cross_validate;
mod drugs;
mod error;
mod explain;
mod frame;
mod joint;
mod left_out;
mod masked;
mod metrics;
mod mode;
mod null;
mod products;
mod queries;
mod ranker;
mod ranking;
mod replicate;
mod response;
mod scorer;
mod sets;
mod stored;
mod table;
mod tally;
mod wish;
mod without_own;

pub use self::atlas::{Atlas, Source};
pub use self::calibrate::{Calibration, Fit, calibrate};
pub use self::candidates::{CandidateSet, Candidates};
pub use self::causes::{CauseOptions, CauseSet, Causes};
pub use self::ceiling::ceiling;
pub use self::conditions::{CONDITION_KS, Conditions};
pub use self::cross_validate::{CvOptions, CvOutcome, CvRow, Listed, OwnSetting, cross_validate};
pub use self::drugs::{DrugOptions, DrugOutcome, DrugRow, rank_drugs, write_drugs};
pub use self::error::RankError;
pub use self::explain::{Explanation, Responder};
pub use self::frame::Frame;
pub use self::joint::{Joint, softmax};
pub use self::left_out::HeldOut;
pub use self::masked::masked;
pub use self::metrics::{
    DRUG_KS, KS, mean_metrics, mid_rank, query_metrics, query_metrics_at, random_metrics, random_metrics_at,
};
pub use self::mode::{Mode, Own};
pub use self::queries::Queries;
pub use self::ranker::{Lesson, Progress, Ranker, Readings, joint_scorers};
pub use self::ranking::{RankOptions, Ranked, Ranking};
pub use self::response::{CountingNoise, Covariance, Response, ResponseSettings};
pub use self::scorer::{Asked, FitScorer, Known, Scorer, ScorerSpec};
pub use self::stored::{Kept, load_kept};
pub use self::table::{write_causes, write_firsts, write_lists, write_metrics, write_rankings};
pub use self::tally::Sure;

/// Every scorer there is, in the order in which tables show them.
pub const SCORERS: &[ScorerSpec] = &[
    scorer::forward::LIKELIHOOD,
    scorer::forward::COSINE,
    scorer::forward::WHITENED,
    scorer::forward::DISCOUNTED,
    scorer::forward::NO_QUERY,
    scorer::forward::NEARNESS,
    scorer::retrieval::RETRIEVAL,
    scorer::retrieval::RECOGNITION,
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
    scorer::own::SPEC,
    scorer::residual::SPEC,
    scorer::regulon::CLIPPED,
    scorer::regulon::UNCLIPPED,
    scorer::inversion::CLIPPED,
    scorer::inversion::UNCLIPPED,
    scorer::interpolation::SPEC,
    scorer::signs::SPEC,
    scorer::walk::SPEC,
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
