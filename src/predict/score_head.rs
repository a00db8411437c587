//! What models share that predict a few scores per perturbation: the reduction of the training changes to scores, and the
//! way back from scores to a change of every gene.
//!
//! With m the mean training change, a perturbation is predicted as m plus what each of its targets adds: the systematic
//! part m, which any perturbation shows, counts once. A target the model does not know adds nothing.

use std::path::Path;

use ndarray::{Array1, Array2, Axis, stack};
use serde::{Deserialize, Serialize};

use super::kernel::Layers;
use super::own_target::OwnTarget;
use super::saved::{self, Numbers};
use super::vocabulary::Vocabulary;
use super::{Basis, PredictError, Prediction, Saved, Task};
use crate::data::{Delta, Perturbation, Responses};
use crate::stats::LinalgError;

/// Settings of the head that every model of scores has.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadOptions {
    /// Principal components of the training changes.
    pub(super) components: usize,
    /// Share of the significant part that is added to a prediction; absent: chosen on left-out predictions.
    pub(super) significant_share: Option<f64>,
    /// Set the change of the target itself in knockdown screens.
    pub(super) own_target: bool,
}

/// Training changes as scores, n x components.
pub(super) struct Reduced<'a> {
    responses: &'a Responses,
    options: HeadOptions,
    mean: Array1<f32>,
    layers: Layers,
}

impl<'a> Reduced<'a> {
    pub(super) fn new(responses: &'a Responses, options: HeadOptions) -> Result<Self, LinalgError> {
        let mean = responses.mean_delta();
        let layers = Layers::new(responses, &mean, options.components)?;
        Ok(Self { responses, options, mean, layers })
    }

    /// What is to be learned, n x components.
    pub(super) fn scores(&self) -> &Array2<f64> {
        &self.layers.scores
    }

    /// The head whose share of the significant part suits these left-out predictions of the scores, and that share.
    pub(super) fn head(self, task: &Task<'_>, left_out: &Array2<f64>) -> (Head, f64) {
        let chosen = || self.layers.best_share(left_out, self.responses, self.mean.view().insert_axis(Axis(0)));
        let share = self.options.significant_share.unwrap_or_else(chosen);
        let own_target = if self.options.own_target { OwnTarget::fit(self.responses) } else { None };
        let profiles = stack![Axis(0), self.mean, self.responses.control.mean];
        (Head { vocabulary: Vocabulary::of(task), axes: self.layers.axes(share), profiles, own_target }, share)
    }
}

/// From scores to predictions.
#[derive(Debug)]
pub(super) struct Head {
    vocabulary: Vocabulary,
    /// Components x n_genes.
    axes: Array2<f32>,
    /// Training mean and mean control expression, 2 x n_genes.
    profiles: Array2<f32>,
    own_target: Option<OwnTarget>,
}

/// What is stored of a model beside its numbers.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored<T> {
    perturbed: Vec<String>,
    own_target: Option<OwnTarget>,
    n_components: usize,
    /// What the model adds.
    pub(super) model: T,
}

impl Head {
    /// The prediction where `scores(target)` is what a target adds, length components; `None` for one that is not known.
    pub(super) fn predict(
        &self,
        perturbation: &Perturbation,
        scores: impl Fn(&str) -> Option<Array1<f32>>,
    ) -> Result<Prediction, PredictError> {
        self.vocabulary.check(perturbation)?;
        let genes = self.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph, distance: None });
        }
        let (mut sum, mut basis) = (Array1::zeros(self.axes.nrows()), Basis::Graph);
        for target in perturbation.targets() {
            match scores(target) {
                Some(added) => sum += &added,
                None => basis = Basis::Fallback,
            }
        }
        let mut delta = (&self.profiles.row(0) + &sum.dot(&self.axes)).to_vec();
        if let Some(rule) = self.own_target {
            rule.apply(perturbation, genes, self.profiles.row(1), &mut delta);
        }
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis, distance: None })
    }

    /// Writes the head, what the model adds to it, and the numbers of both.
    pub(super) fn save(
        &self,
        dir: &Path,
        model: impl Serialize,
        numbers: &[(String, &Array2<f32>)],
    ) -> Result<(), PredictError> {
        let stored = Stored {
            perturbed: self.vocabulary.perturbed(),
            own_target: self.own_target,
            n_components: self.axes.nrows(),
            model,
        };
        let own = [("axes", &self.axes), ("profiles", &self.profiles)];
        let all: Vec<(&str, &Array2<f32>)> = numbers.iter().map(|(name, x)| (name.as_str(), *x)).chain(own).collect();
        saved::write(dir, &stored, &all)
    }

    /// The head of a saved model, what the model added and its numbers, and the number of components.
    pub(super) fn load<T: serde::de::DeserializeOwned>(
        from: &Saved<'_>,
    ) -> Result<(Self, T, Numbers, usize), PredictError> {
        let (stored, mut numbers) = saved::read::<Stored<T>>(from.dir)?;
        let head = Self {
            vocabulary: Vocabulary::of_saved(from, stored.perturbed),
            axes: numbers.take("axes", from.genes.len())?,
            profiles: numbers.take("profiles", from.genes.len())?,
            own_target: stored.own_target,
        };
        Ok((head, stored.model, numbers, stored.n_components))
    }
}

/// Rows with one target, and that target.
pub(super) fn singles(responses: &Responses) -> (Responses, Vec<String>) {
    let single = |p: &Perturbation| p.targets().len() == 1;
    let rows: Vec<usize> = (0..responses.len()).filter(|&i| single(&responses.perturbations[i])).collect();
    let subset = responses.subset(&rows);
    let targets = subset.perturbations.iter().map(ToString::to_string).collect();
    (subset, targets)
}
