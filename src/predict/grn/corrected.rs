//! The layers with a graph network on top.
//!
//! The network is that of `gears` with a base: trained in candle on what the layers leave of perturbations that they have
//! not seen, its last layers zero at the start, let in by a gate that inner folds must open (0 keeps the layers' prediction bit
//! for bit). It is off by default: it multiplies the time of a fit and has improved no screen tried.

use std::path::Path;

use super::NAME;
use crate::data::Perturbation;
use crate::predict::{FitSummary, LeftOut, PredictError, Prediction, Predictor, Saved, Task, gears};
use crate::train::Observer;

/// The layers with these settings, and the network on top, unfitted.
pub(super) fn build(table: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    let mut layers = table.clone();
    layers.insert("network".into(), false.into());
    Ok(Box::new(Corrected(gears::correction(NAME, &layers)?)))
}

/// Reads a saved one; none where the folder holds the layers alone.
pub(super) fn load(from: &Saved<'_>) -> Option<Result<Box<dyn Predictor>, PredictError>> {
    gears::load_correction(from).map(|inner| Ok(Box::new(Corrected(inner?)) as Box<dyn Predictor>))
}

/// The correction under the name of the default model.
struct Corrected(Box<dyn Predictor>);

impl Predictor for Corrected {
    fn name(&self) -> &'static str {
        NAME
    }

    fn uses_device(&self) -> bool {
        true
    }

    fn check(&self, task: &Task<'_>) -> Result<(), PredictError> {
        self.0.check(task)
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        self.0.fit(task, observer)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        self.0.predict(perturbation)
    }

    fn left_out(&self) -> Option<LeftOut<'_>> {
        self.0.left_out()
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        self.0.save(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::grn::SPEC;
    use crate::predict::test_screens::two_cliques;
    use crate::train::Silent;

    #[test]
    fn a_network_without_perturbations_to_open_its_gate_leaves_the_layers_as_they_are() {
        let (screen, device) = (two_cliques(), candle_core::Device::Cpu);
        let task = screen.task(&[], &device);
        let fitted = |network: bool| {
            let mut model = (SPEC.build)(&toml::Table::from_iter([("network".to_owned(), network.into())])).unwrap();
            let summary = model.fit(&task, &mut Silent).unwrap();
            (model, summary)
        };
        let ((layers, _), (corrected, summary)) = (fitted(false), fitted(true));
        assert!(summary.notices.iter().any(|n| n.0.contains("too few")));
        let of = |model: &dyn Predictor| model.predict(&Perturbation::of(["A5"])).unwrap().delta.mean;
        assert_eq!(of(&*layers), of(&*corrected));
        assert_eq!(layers.left_out().unwrap().delta, corrected.left_out().unwrap().delta);

        let dir = tempfile::tempdir().unwrap();
        corrected.save(dir.path()).unwrap();
        let genes = screen.responses.genes.clone();
        let again =
            (SPEC.load)(&Saved { dir: dir.path(), genes, graph: &screen.graph, features: &[], device: &device });
        let again = again.unwrap();
        assert_eq!((again.name(), of(&*again)), ("grn", of(&*corrected)));
    }
}
