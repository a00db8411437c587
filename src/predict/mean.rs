//! The training mean: every perturbation is predicted to do what the training perturbations do on average.
//!
//! The baseline that every model has to beat (Ahlmann-Eltze, Huber and Anders, Nature Methods 2025). It knows nothing
//! of the target, so each prediction rests on [`Basis::Fallback`]; a pair gets the same mean, not twice the mean.

use std::path::Path;

use ndarray::{Array1, Axis};
use serde::{Deserialize, Serialize};

use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, Perturbation};
use crate::train::Observer;

const NAME: &str = "mean";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "mean change of the training perturbations (baseline)",
    paper: "Ahlmann-Eltze, Huber and Anders, Nature Methods 2025, baseline `mean`",
    settings: include_str!("../../configs/models/mean.toml"),
    build: |table| Ok(Box::new(Mean { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// The mean has no settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}

/// The training mean.
#[derive(Debug)]
struct Mean {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    mean: Array1<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
}

impl Predictor for Mean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        if task.responses.is_empty() {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 1, got: 0 });
        }
        self.fitted = Some(Fitted { vocabulary: Vocabulary::of(task), mean: task.responses.mean_delta() });
        Ok(FitSummary::default())
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let mean = if perturbation.is_control() { vec![0.0; fitted.mean.len()] } else { fitted.mean.to_vec() };
        let delta = Delta::new(fitted.vocabulary.measured().clone(), mean, None)?;
        Ok(Prediction { delta, basis: Basis::Fallback, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let fitted = self.fitted()?;
        let stored = Stored { config: self.config.clone(), perturbed: fitted.vocabulary.perturbed() };
        saved::write(dir, &stored, &[("mean", &fitted.mean.clone().insert_axis(Axis(0)))])
    }
}

impl Mean {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let mean = numbers.take("mean", from.genes.len())?.sum_axis(Axis(0));
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    Ok(Box::new(Mean { config: stored.config, fitted: Some(Fitted { vocabulary, mean }) }))
}
