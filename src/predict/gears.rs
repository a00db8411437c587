//! GEARS (Roohani, Huang and Leskovec, Nature Biotechnology 42, 2024), in two forms.
//!
//! - [`published`] (`base = "none"`): the published architecture, trained on perturbations instead of cells;
//! - [`residual`] (`base = "graph-kernel"` or another model): a graph network in that shape which corrects another model, behind a
//!   gate that held-out perturbations must open;
//! - [`import`] (`weights = "model.pt"`): the weights of the reference implementation, for prediction only.

mod import;
mod published;
mod readout;
mod residual;

use super::{PredictError, Predictor, Saved, Spec};

const NAME: &str = "gears";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "graph network as published (GEARS); with a `base`, a gated correction of another model",
    paper: "Roohani, Huang and Leskovec, Nature Biotechnology 42 (2024)",
    settings: include_str!("../../configs/models/gears.toml"),
    build,
    load,
};

/// Which form a table of settings asks for.
fn build(table: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    let base = table.get("base").and_then(toml::Value::as_str);
    if base.is_some_and(|base| base != published::NO_BASE) { residual::build(table) } else { published::build(table) }
}

/// The form that wrote the folder: a correction keeps its base beside it.
fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    load_correction(from).unwrap_or_else(|| published::load(from))
}

/// A graph network that corrects `base` with these settings, unfitted; that model is saved inside its folder.
pub(super) fn correction(base: &str, settings: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    let table = [("base".to_owned(), base.into()), ("base_settings".to_owned(), settings.clone().into())];
    residual::build(&table.into_iter().collect())
}

/// Whether a folder holds a correction, and reads it.
pub(super) fn load_correction(from: &Saved<'_>) -> Option<Result<Box<dyn Predictor>, PredictError>> {
    from.dir.join(residual::BASE).is_dir().then(|| residual::load(from))
}
