//! Predicting what a perturbation does: one trait, one registry, one file per model.
//!
//! Adding a model = `src/predict/<name>.rs`, its `mod` line and its `SPEC` line here, and `configs/models/<name>.toml`.

mod additive;
mod calibrated;
mod calibration;
mod cells;
mod course;
mod cross_validate;
mod error;
mod forest;
mod gears;
mod genepert;
mod genetic_interaction;
mod graph_kernel;
mod grn;
mod kernel;
mod knn;
mod learning_curve;
mod linear;
mod mean;
mod neighbours;
mod nested;
mod own_target;
mod pairs;
mod predictor;
mod propagation;
mod ridge;
mod saved;
mod score_head;
mod significance;
mod spectral;
mod target_features;
mod txpert;
mod vocabulary;

#[cfg(test)]
mod test_screens;

use serde::de::DeserializeOwned;

pub use self::calibrated::{CALIBRATED, calibrated_settings};
pub use self::calibration::{Calibration, CalibrationMode, Estimate, Signal};
pub use self::cells::{ControlCells, PredictedCells, counts_of_log1p};
pub use self::cross_validate::{COVERAGE_LEVELS, OutOfFold, Validation, cross_validate};
pub use self::error::PredictError;
pub use self::genetic_interaction::{GeneticInteraction, Score};
pub use self::learning_curve::{TrainingSize, cross_validate_at};
pub use self::nested::{Candidate, Choice, Judge, select_nested};
pub use self::predictor::{Basis, Build, FitSummary, LeftOut, Load, Prediction, Predictor, Saved, Spec, Task};
pub(crate) use self::saved::{read_as, write_as};
pub use self::significance::significant;

/// Every model there is, in the order in which tables show them.
pub const PREDICTORS: &[Spec] = &[
    mean::SPEC,
    linear::SPEC,
    ridge::SPEC,
    knn::SPEC,
    forest::SPEC,
    genepert::SPEC,
    additive::SPEC,
    propagation::SPEC,
    txpert::SPEC,
    graph_kernel::SPEC,
    gears::SPEC,
    grn::SPEC,
];

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

/// The settings of a model from a table; what the table leaves out has its default, what it adds is an error.
fn settings<C: DeserializeOwned>(model: &str, table: &toml::Table) -> Result<C, PredictError> {
    let read = toml::Value::Table(table.clone()).try_into();
    read.map_err(|e: toml::de::Error| PredictError::BadConfig { model: model.into(), reason: e.to_string() })
}
