//! Kernel ridge regression on the similarity of targets in the prior graph.
//!
//! Genes that share partners in the graph tend to do the same when knocked down. Two genes are compared in several
//! views: by their neighbours and by where random walks from them end, in the merged graph and in every evidence
//! channel. With s the weighted mean of these cosines the kernel is k = exp(sharpness (s - 1)). With m the mean of the
//! training changes and Z the scores of (changes - m) on their first principal components (axes A), target q is
//! predicted as m + k_q (K + penalty I)^-1 Z A.
//!
//! - Weights, sharpness and penalty minimise the loss of the exact leave-one-out predictions of the training
//!   perturbations; nothing else is tuned.
//! - Where the table says which effects are significant, they are learned beside the effects (see `layers`).
//! - A target outside the graph resembles no training target (s = 0 to all of them). It is predicted as m + what the
//!   fit adds for such a target, the same for all, and labelled [`Basis::Fallback`].
//! - A perturbation of several targets is m + the sum of what each target adds to m: the systematic part m, which any
//!   perturbation shows, counts once. Pairs in the training data are rows whose kernel is the sum over their targets.
//! - The target itself follows [`OwnTarget`] in knockdown screens with expression levels.

use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::kernel::{Kernel, Kind, Layers, Ridge, Rows, Similarity, StoredKernel, penalties};
use super::own_target::OwnTarget;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, GeneId, Perturbation};
use crate::train::Observer;

const NAME: &str = "graph-kernel";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "kernel ridge on learned similarity in the prior graph",
    paper: "kernel ridge with exact leave-one-out (Rasmussen and Williams 2006, 5.4.2) on diffusion-state profiles (Cao 2013)",
    settings: include_str!("../../configs/models/graph-kernel.toml"),
    build: |table| Ok(Box::new(GraphKernel { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the graph kernel.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Principal components of the training changes that are predicted.
    pub components: usize,
    /// Share of the significant part that is added to a prediction; absent: chosen by leave-one-out.
    pub significant_share: Option<f64>,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { components: 60, significant_share: None, own_target: true }
    }
}

/// The graph kernel.
#[derive(Debug)]
struct GraphKernel {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    kernel: Kernel,
    numbers: Numbers,
    own_target: Option<OwnTarget>,
}

#[derive(Debug)]
struct Numbers {
    /// What the kernel of each training target adds, n_targets x components.
    coefficients: Array2<f32>,
    /// Components x n_genes.
    axes: Array2<f32>,
    /// Training mean and mean control expression, 2 x n_genes.
    profiles: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    kernel: StoredKernel,
    own_target: Option<OwnTarget>,
}

impl Predictor for GraphKernel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let vocabulary = Vocabulary::of(task);
        let rows = Rows::new(responses, &vocabulary);
        let mean = responses.mean_delta();
        let layers = Layers::new(responses, &mean, self.config.components)?;
        let (kernel, matrix) = fit_kernel(task, &rows, &layers)?;
        let (coefficients, share, values) = self.solve(task, &rows, &layers, &mean, &matrix)?;
        let values = values.into_iter().chain(describe(&kernel)).collect();
        let own_target = if self.config.own_target { OwnTarget::fit(responses) } else { None };
        let profiles = ndarray::stack![Axis(0), mean, responses.control.mean];
        let numbers = Numbers { coefficients, axes: layers.axes(share), profiles };
        self.fitted = Some(Fitted { vocabulary, kernel, numbers, own_target });
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph, distance: None });
        }
        let nodes: Vec<Option<GeneId>> = perturbation.targets().iter().map(|t| fitted.vocabulary.node(t)).collect();
        let mut delta = fitted.change(&nodes).to_vec();
        if let Some(rule) = fitted.own_target {
            rule.apply(perturbation, genes, fitted.numbers.profiles.row(1), &mut delta);
        }
        let basis = if nodes.iter().all(Option::is_some) { Basis::Graph } else { Basis::Fallback };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let Fitted { vocabulary, kernel, numbers, own_target } = self.fitted()?;
        let stored = Stored {
            config: self.config.clone(),
            perturbed: vocabulary.perturbed(),
            kernel: kernel.stored(vocabulary.graph()),
            own_target: *own_target,
        };
        let Numbers { coefficients, axes, profiles } = numbers;
        saved::write(dir, &stored, &[("coefficients", coefficients), ("axes", axes), ("profiles", profiles)])
    }
}

/// Coefficients per target (n_targets x components), share of the significant part, and what was chosen.
type Solution = (Array2<f32>, f64, Vec<(String, f64)>);

impl GraphKernel {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }

    /// Ridge with the best penalty on the kernel among the targets (n_targets x n_targets).
    fn solve(
        &self,
        task: &Task<'_>,
        rows: &Rows,
        layers: &Layers,
        mean: &Array1<f32>,
        of_targets: &Array2<f64>,
    ) -> Result<Solution, PredictError> {
        let ridge = Ridge::new(&rows.kernel(of_targets), layers.scores.clone())?;
        let (penalty, loss) = ridge.best_penalty(penalties());
        let share = match self.config.significant_share {
            Some(share) => share,
            None => layers.best_share(&ridge.left_out(penalty), task.responses, mean.view().insert_axis(Axis(0))),
        };
        let coefficients = rows.per_target(&ridge.coefficients(penalty)).mapv(|v| v as f32);
        let values = [("penalty", penalty), ("left_out.loss", loss), ("significant_share", share)];
        Ok((coefficients, share, values.map(|(name, v)| (name.to_owned(), v)).to_vec()))
    }
}

fn fit_kernel(task: &Task<'_>, rows: &Rows, layers: &Layers) -> Result<(Kernel, Array2<f64>), PredictError> {
    let (single_rows, singles) = rows.singles();
    let scores = layers.scores.select(Axis(0), &single_rows);
    let similarity = Similarity::of_kinds(task.graph, &[Kind::Neighbours, Kind::Walk], rows.targets.clone());
    Ok(Kernel::fit(similarity, Vec::new(), &singles, &scores, task.seed)?)
}

/// Sharpness and weights by name, as a fit reports them.
fn describe(kernel: &Kernel) -> Vec<(String, f64)> {
    let weights = kernel.similarity.views().zip(&kernel.weights).map(|(view, w)| (format!("weight.{view}"), *w));
    std::iter::once(("sharpness".to_owned(), kernel.sharpness)).chain(weights).collect()
}

impl Fitted {
    /// The training mean plus what each of these genes adds, length n_genes.
    fn change(&self, nodes: &[Option<GeneId>]) -> Array1<f32> {
        let Numbers { coefficients, axes, profiles } = &self.numbers;
        let mut scores = Array1::zeros(axes.nrows());
        for node in nodes {
            scores += &self.kernel.of(*node, &[]).mapv(|k| k as f32).dot(coefficients);
        }
        &profiles.row(0) + &scores.dot(axes)
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let kernel = Kernel::restore(stored.kernel, from.graph).ok_or_else(|| PredictError::Saved {
        path: from.dir.to_owned(),
        reason: "expected the graph of the fit, got one that lacks training targets or channels".into(),
    })?;
    let axes = numbers.take("axes", from.genes.len())?;
    let numbers = Numbers {
        coefficients: numbers.take("coefficients", axes.nrows())?,
        profiles: numbers.take("profiles", from.genes.len())?,
        axes,
    };
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    let fitted = Fitted { vocabulary, kernel, numbers, own_target: stored.own_target };
    Ok(Box::new(GraphKernel { config: stored.config, fitted: Some(fitted) }))
}
