//! Effects add up: a pair is predicted as the sum of what its two single perturbations did.
//!
//! The baseline that no deep model beat on pairs (Ahlmann-Eltze, Huber and Anders, Nature Methods 2025, `additive`). A
//! single perturbation of the training data is predicted as it was measured, one that is not as the mean of the single
//! perturbations (of all, where there is no single one). So it says nothing of unseen genes; use it for pairs. The basis is
//! [`Basis::Graph`] where every single perturbation was measured.

use std::collections::HashMap;
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::score_head::singles;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, Perturbation};
use crate::error::Notice;
use crate::train::Observer;

const NAME: &str = "additive";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "sum of the measured single perturbations (baseline for pairs)",
    paper: "Ahlmann-Eltze, Huber and Anders, Nature Methods 2025, baseline `additive`",
    settings: include_str!("../../configs/models/additive.toml"),
    build: |table| Ok(Box::new(Additive { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// The additive baseline has no settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}

#[derive(Debug)]
struct Additive {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    /// Targets of the single perturbations, as the rows of `changes`.
    targets: Vec<String>,
    row_of: HashMap<String, usize>,
    /// n_singles x n_genes.
    changes: Array2<f32>,
    mean: Array1<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    targets: Vec<String>,
}

impl Predictor for Additive {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        if task.responses.is_empty() {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 1, got: 0 });
        }
        let (responses, targets) = singles(task.responses);
        let mean = if targets.is_empty() { task.responses.mean_delta() } else { responses.mean_delta() };
        let notices = match targets.len() {
            0 => vec![Notice::new(
                "model `additive`: there is no single perturbation to add, so it predicts the training mean",
            )],
            _ => Vec::new(),
        };
        let values = vec![("perturbations.single".to_owned(), targets.len() as f64)];
        self.fitted = Some(Fitted::new(Vocabulary::of(task), targets, responses.delta, mean));
        Ok(FitSummary { values, notices })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let f = self.fitted()?;
        f.vocabulary.check(perturbation)?;
        let genes = f.vocabulary.measured();
        let (mut delta, mut basis) = (Array1::<f32>::zeros(genes.len()), Basis::Graph);
        for target in perturbation.targets() {
            if let Some(change) = f.single(target) {
                delta += &change;
            } else {
                delta += &f.mean;
                basis = Basis::Fallback;
            }
        }
        Ok(Prediction { delta: Delta::new(genes.clone(), delta.to_vec(), None)?, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored =
            Stored { config: self.config.clone(), perturbed: f.vocabulary.perturbed(), targets: f.targets.clone() };
        let mean = f.mean.clone().insert_axis(Axis(0));
        saved::write(dir, &stored, &[("changes", &f.changes), ("mean", &mean)])
    }
}

impl Fitted {
    fn new(vocabulary: Vocabulary, targets: Vec<String>, changes: Array2<f32>, mean: Array1<f32>) -> Self {
        let row_of = targets.iter().cloned().zip(0..).collect();
        Self { vocabulary, targets, row_of, changes, mean }
    }

    fn single(&self, target: &str) -> Option<ArrayView1<'_, f32>> {
        self.row_of.get(target).map(|&row| self.changes.row(row))
    }
}

impl Additive {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let changes = numbers.take("changes", from.genes.len())?;
    let mean = numbers.take("mean", from.genes.len())?.sum_axis(Axis(0));
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    let fitted = Fitted::new(vocabulary, stored.targets, changes, mean);
    Ok(Box::new(Additive { config: stored.config, fitted: Some(fitted) }))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::test_screens::{TestScreen, effects};
    use super::*;
    use crate::graph::GeneGraph;
    use crate::train::Silent;

    #[test]
    fn pairs_are_sums_and_unseen_singles_are_the_mean_of_singles() {
        let responses = effects(&[("A", [1.0, 0.0]), ("B", [3.0, 2.0]), ("A+C", [9.0, 9.0])]);
        let screen = TestScreen { responses, graph: GeneGraph::empty() };
        let mut model = Additive { config: Config {}, fitted: None };
        model.fit(&screen.task(&[], &Device::Cpu), &mut Silent).unwrap();
        let t = |of: &[&str], expected: [f32; 2], basis| {
            let got = model.predict(&Perturbation::of(of)).unwrap();
            assert_eq!((got.delta.mean, got.basis), (expected.to_vec(), basis), "{of:?}");
        };
        t(&["A"], [1.0, 0.0], Basis::Graph);
        t(&["A", "B"], [4.0, 2.0], Basis::Graph);
        // The mean of A and B is (2, 1).
        t(&["C"], [2.0, 1.0], Basis::Fallback);
        t(&["A", "C"], [3.0, 1.0], Basis::Fallback);
    }
}
