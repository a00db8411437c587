//! Predicting what a perturbation does: one trait, one registry, one file per model.
//!
//! Adding a model = `src/predict/<name>.rs`, its `mod` line and its `SPEC` line here, and `configs/models/<name>.toml`.

mod error;
mod predictor;

pub use self::error::PredictError;
pub use self::predictor::{Basis, Build, FitSummary, Load, Prediction, Predictor, Saved, Spec, Task};

/// Every model there is, in the order in which tables show them.
pub const PREDICTORS: &[Spec] = &[];

/// The model of this name.
///
/// # Errors
/// [`PredictError::UnknownModel`] with the names there are.
pub fn spec(name: &str) -> Result<&'static Spec, PredictError> {
    PREDICTORS.iter().find(|s| s.name == name).ok_or_else(|| PredictError::UnknownModel {
        name: name.to_owned(),
        known: PREDICTORS.iter().map(|s| s.name.to_owned()).collect(),
    })
}
