//! A model with its calibration, as one model: what `grn cv --calibrate` validates.
//!
//! It is not in the registry; its settings name the model, its settings and the mode.

use std::path::Path;
use std::sync::Arc;

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

use super::calibration::own_genes;
use super::{
    Basis, Calibration, CalibrationMode, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task,
    Validation, settings, spec,
};
use crate::data::{Delta, Perturbation, Split};
use crate::graph::GeneGraph;
use crate::train::Observer;

const NAME: &str = "calibrated";

/// A calibrated model: settings `model`, `mode` and the table `settings` of the model.
pub const CALIBRATED: Spec = Spec {
    name: NAME,
    about: "another model, calibrated",
    paper: "",
    settings: "",
    build: |table| {
        let config: Config = settings(NAME, table)?;
        let inner = (spec(&config.model)?.build)(&config.settings)?;
        Ok(Box::new(Calibrated { inner, config, fitted: None }))
    },
    load,
};

/// Settings of [`CALIBRATED`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    model: String,
    mode: CalibrationMode,
    settings: toml::Table,
}

/// The settings table of a calibrated model.
pub fn calibrated_settings(model: &str, mode: CalibrationMode, settings: &toml::Table) -> toml::Table {
    let mode = match mode {
        CalibrationMode::None => "none",
        CalibrationMode::Mae => "mae",
        CalibrationMode::Balanced => "balanced",
        CalibrationMode::Rank => "rank",
    };
    let mut table = toml::Table::new();
    table.insert("model".into(), model.into());
    table.insert("mode".into(), mode.into());
    table.insert("settings".into(), settings.clone().into());
    table
}

struct Calibrated {
    inner: Box<dyn Predictor>,
    config: Config,
    fitted: Option<(Option<Calibration>, GeneGraph)>,
}

impl Predictor for Calibrated {
    fn name(&self) -> &'static str {
        NAME
    }

    fn uses_device(&self) -> bool {
        self.inner.uses_device()
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let mut summary = self.inner.fit(task, observer)?;
        let validation = Validation {
            spec: spec(&self.config.model)?,
            settings: &self.config.settings,
            responses: task.responses,
            graph: task.graph,
            features: task.features,
            split: &Split { n: task.responses.len(), folds: Vec::new() },
            seed: task.seed,
            device: task.device,
        };
        let (calibration, found) = Calibration::fit(&*self.inner, &validation, self.config.mode, observer)?;
        summary.values.extend(found.values);
        summary.notices.extend(found.notices);
        self.fitted = Some((calibration, task.graph.clone()));
        Ok(summary)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        match &self.fitted {
            None => Err(PredictError::NotFitted { model: NAME.into() }),
            Some((None, _)) => self.inner.predict(perturbation),
            Some((Some(calibration), graph)) => {
                let mode = self.config.mode;
                let genes = self.inner.predict(&Perturbation::control())?.delta.genes;
                let estimate = match calibration.estimate(&*self.inner, graph, perturbation, mode, 0.9) {
                    // Where no perturbation has an effect, one on an unknown gene has none either.
                    Err(PredictError::UnknownTarget { .. }) if calibration.signal().is_absent() => {
                        let delta = Delta::new(Arc::clone(&genes), vec![0.0; genes.len()], None)?;
                        return Ok(Prediction { delta, basis: Basis::Fallback, distance: None });
                    }
                    other => other?,
                };
                let delta = Delta::new(genes, estimate.delta, None)?;
                Ok(Prediction { delta, basis: estimate.basis, distance: estimate.distance })
            }
        }
    }

    fn covered(
        &self,
        perturbation: &Perturbation,
        measured: ArrayView1<'_, f32>,
        levels: &[f64],
    ) -> Result<Option<Vec<f64>>, PredictError> {
        let Some((Some(calibration), graph)) = &self.fitted else { return Ok(None) };
        let genes = self.inner.predict(&Perturbation::control())?.delta.genes;
        let own = own_genes(perturbation, &genes);
        let share = |&level: &f64| {
            let estimate = calibration.estimate(&*self.inner, graph, perturbation, self.config.mode, level)?;
            let ends = estimate.lower.iter().zip(&estimate.upper).zip(measured);
            let others = ends.enumerate().filter(|(g, _)| !own.contains(g));
            let inside = others.filter(|(_, ((low, high), m))| (**low..=**high).contains(m)).count();
            Ok(inside as f64 / (genes.len() - own.len()).max(1) as f64)
        };
        match levels.iter().map(share).collect::<Result<Vec<f64>, PredictError>>() {
            // Nothing is predicted of an unknown target, so there is no interval either.
            Err(PredictError::UnknownTarget { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        self.inner.save(dir)?;
        match &self.fitted {
            Some((Some(calibration), _)) => calibration.save(dir),
            _ => Ok(()),
        }
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let calibration = Calibration::load(from.dir, from.genes.len())?;
    let Some(calibration) = calibration else {
        let reason = "expected a calibration beside the model, got none".to_owned();
        return Err(PredictError::Saved { path: from.dir.to_owned(), reason });
    };
    let config =
        Config { model: calibration.model().to_owned(), mode: calibration.mode(), settings: toml::Table::new() };
    let inner = (spec(&config.model)?.load)(from)?;
    Ok(Box::new(Calibrated { inner, config, fitted: Some((Some(calibration), from.graph.clone())) }))
}
