//! The model that is used where none is named.
//!
//! Today it is [`super::gears`] with its own settings: the graph kernel, corrected by a gated graph network. Under the name
//! `grn` a run says "the best this version has"; under the name of a model it stays that model.

use std::path::Path;

use super::{FitSummary, PredictError, Prediction, Predictor, Spec, Task, gears};
use crate::data::Perturbation;
use crate::train::Observer;

const NAME: &str = "grn";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "the default: the best this version has, today `gears`",
    paper: gears::SPEC.paper,
    settings: include_str!("../../configs/models/grn.toml"),
    build: |table| Ok(Box::new(Flagship((gears::SPEC.build)(&corrected(table))?))),
    load: |saved| Ok(Box::new(Flagship((gears::SPEC.load)(saved)?))),
};

/// The settings with a base where they name none.
fn corrected(table: &toml::Table) -> toml::Table {
    let mut table = table.clone();
    table.entry("base").or_insert_with(|| "graph-kernel".into());
    table
}

/// The model behind the name.
struct Flagship(Box<dyn Predictor>);

impl Predictor for Flagship {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        self.0.fit(task, observer)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        self.0.predict(perturbation)
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        self.0.save(dir)
    }
}
