//! Predicting what a perturbation does: one trait, one registry, one file per model.
//!
//! Adding a model = `src/predict/<name>.rs`, its `mod` line and its `SPEC` line here, and `configs/models/<name>.toml`.

mod cells;
mod course;
mod cross_validate;
mod error;
mod flagship;
mod gears;
mod graph_kernel;
mod linear;
mod mean;
mod neighbours;
mod own_target;
mod predictor;
mod saved;
mod spectral;
mod txpert;
mod vocabulary;

use serde::de::DeserializeOwned;

pub use self::cells::predicted_cells;
pub use self::cross_validate::{OutOfFold, Validation, cross_validate};
pub use self::error::PredictError;
pub use self::predictor::{Basis, Build, FitSummary, LeftOut, Load, Prediction, Predictor, Saved, Spec, Task};

/// Every model there is, in the order in which tables show them.
pub const PREDICTORS: &[Spec] =
    &[mean::SPEC, linear::SPEC, txpert::SPEC, graph_kernel::SPEC, gears::SPEC, flagship::SPEC];

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
