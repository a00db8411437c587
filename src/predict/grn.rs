//! The default model: what the graph says of a knockdown, in layers that each have to earn their place.
//!
//! A prediction is the training mean plus
//!
//! 1. a linear graph network ([`super::propagation`]): the knockdown travels from its target along signed edges whose
//!    effects are learned; its share is chosen on inner folds and is 0 where that does not help;
//! 2. a multi-kernel ridge on what is left ([`super::kernel`]): targets are compared by neighbours, near and far random
//!    walks in every evidence channel, by signed regulation on both sides, gene family, feature tables, and by the change
//!    that the graph network predicts; the weights are learned by the gradient of the exact leave-one-out predictions;
//! 3. extremely randomised trees on the leading directions of that similarity, averaged with the kernel;
//! 4. a step towards the training responses that the prediction resembles most;
//! 5. the significant part of the effects, learned beside the whole (given by the table, or from the standard errors of
//!    the screen), of which a share is added;
//! 6. where asked for (`network`), a graph network trained on what all this leaves of held-out perturbations, behind a
//!    gate (see [`corrected`]);
//! 7. the own target rule ([`OwnTarget`]) and the range of the table: effects that are never negative stay so.
//!
//! Blends and shares are chosen on leave-one-out (for the trees: held-out) predictions of the training perturbations
//! only. A target that neither the graph nor a table knows is predicted as what the fit has learned to expect of a target
//! that resembles none, [`Basis::Fallback`].

mod blend;
mod corrected;
mod dense;
mod fit;
mod range;
mod stored;

use std::path::Path;

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use self::blend::Blend;
use self::dense::{Dense, Trees};
use self::range::Range;
use super::kernel::Kernel;
use super::own_target::OwnTarget;
use super::propagation::Network;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, LeftOut, PredictError, Prediction, Predictor, Spec, Task, settings};
use crate::data::{Delta, Perturbation};
use crate::train::Observer;

const NAME: &str = "grn";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "the default: linear graph network, learned multi-kernel ridge and trees, each as far as it helps",
    paper: "see `propagation`, `graph-kernel` and `forest`; two-layer targets and stacking by leave-one-out (Wolpert 1992)",
    settings: include_str!("../../configs/models/grn.toml"),
    build: |table| {
        let config: Config = settings(NAME, table)?;
        if config.network { corrected::build(table) } else { Ok(Box::new(Grn { config, fitted: None })) }
    },
    load: |saved| corrected::load(saved).unwrap_or_else(|| stored::load(saved)),
};

/// Settings of the default model; every layer can be switched off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Principal components of the training changes that are predicted.
    pub components: usize,
    /// Share of the significant part that is added to a prediction; absent: chosen by leave-one-out.
    pub significant_share: Option<f64>,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
    /// The linear graph network, and similarity of the changes it predicts.
    pub propagation: bool,
    /// Similarity in far walks, signed regulation and gene families beside neighbours and near walks.
    pub wide_views: bool,
    /// Similarity in feature tables.
    pub features: bool,
    /// Extremely randomised trees.
    pub trees: bool,
    /// A step towards the training responses that a prediction resembles.
    pub neighbours: bool,
    /// Keep predictions in the range of the table where its effects are never negative.
    pub range: bool,
    /// A graph network on what all of this leaves, behind a gate that held-out perturbations must open.
    pub network: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            components: 100,
            significant_share: None,
            own_target: true,
            propagation: true,
            wide_views: true,
            features: true,
            trees: true,
            neighbours: true,
            range: true,
            network: false,
        }
    }
}

/// The model.
struct Grn {
    config: Config,
    fitted: Option<Fitted>,
}

/// Everything a prediction needs.
struct Fitted {
    vocabulary: Vocabulary,
    own_target: Option<OwnTarget>,
    messages: Option<Messages>,
    /// Similarities beside those of the graph.
    views: Vec<Dense>,
    kernel: Kernel,
    trees: Option<Trees>,
    blend: Blend,
    range: Range,
    numbers: Numbers,
    /// Leave-one-out predictions and distances of the training rows; not stored.
    left_out: Option<(Array2<f32>, Vec<f32>)>,
}

/// The linear graph network and how much of it is added.
struct Messages {
    network: Network,
    /// Mean propagated change of the training targets, length n_genes.
    common: Array1<f32>,
    share: f64,
}

struct Numbers {
    /// What the kernel of each training target adds, n_targets x components.
    coefficients: Array2<f32>,
    /// Components x n_genes.
    axes: Array2<f32>,
    /// Training mean and mean control expression, 2 x n_genes.
    profiles: Array2<f32>,
    /// Inverse of kernel plus penalty, gathered by target: n_targets x n_targets.
    precision: Array2<f32>,
    /// Scores of the training rows, n_rows x components.
    scores: Array2<f32>,
}

impl Predictor for Grn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        if task.responses.len() < 2 {
            let got = task.responses.len();
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got });
        }
        let (fitted, values) = fit::fit(&self.config, task)?;
        self.fitted = Some(fitted);
        Ok(FitSummary { values, notices: Vec::new() })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph, distance: Some(0.0) });
        }
        let (change, distance) = fitted.change(perturbation);
        let mut delta = fitted.range.apply(&(&fitted.numbers.profiles.row(0) + &change)).to_vec();
        if let Some(rule) = fitted.own_target {
            rule.apply(perturbation, genes, fitted.numbers.profiles.row(1), &mut delta);
        }
        let known = perturbation.targets().iter().all(|t| fitted.knows(t));
        let basis = if known { Basis::Graph } else { Basis::Fallback };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis, distance: Some(distance) })
    }

    fn left_out(&self) -> Option<LeftOut<'_>> {
        let (delta, distance) = self.fitted.as_ref()?.left_out.as_ref()?;
        Some(LeftOut { delta, distance })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        stored::save(&self.config, self.fitted()?, dir)
    }
}

impl Grn {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

impl Fitted {
    /// Whether the graph or a feature table knows a target.
    fn knows(&self, target: &str) -> bool {
        self.vocabulary.node(target).is_some() || self.views.iter().any(|v| v.knows(target))
    }

    /// A name that nobody knows is an error, not the training mean.
    fn check(&self, perturbation: &Perturbation) -> Result<(), PredictError> {
        let unknown = perturbation.targets().iter().any(|t| !self.knows(t));
        if unknown { self.vocabulary.check(perturbation) } else { Ok(()) }
    }

    /// What a perturbation adds to the training mean (length n_genes), and how far its targets are from the training
    /// targets (the farthest one counts).
    fn change(&self, perturbation: &Perturbation) -> (Array1<f32>, f32) {
        let Numbers { coefficients, axes, .. } = &self.numbers;
        let mut scores = Array1::<f32>::zeros(axes.nrows());
        let mut distance = 0.0f32;
        for target in perturbation.targets() {
            let kernel = self.kernel_of(target);
            distance = distance.max(self.distance(&kernel));
            let by_kernel = kernel.dot(coefficients);
            let by_trees = self.trees.as_ref().and_then(|t| t.scores(target));
            scores += &self.blend.models(&by_kernel, by_trees.as_ref());
        }
        let scores = self.blend.towards_neighbours(&scores, &self.numbers.scores, None);
        let mut change = scores.dot(axes);
        let in_graph = perturbation.targets().iter().all(|t| self.vocabulary.node(t).is_some());
        if let Some(m) = self.messages.as_ref().filter(|m| in_graph && m.share > 0.0 && m.network.knows(perturbation)) {
            change.scaled_add(m.share as f32, &m.departure(perturbation));
        }
        (change, distance)
    }

    /// The kernel between a gene and the training targets, length n_targets.
    fn kernel_of(&self, target: &str) -> Array1<f32> {
        let rows = self.views.iter().zip(&self.kernel.others);
        let rows: Vec<Array1<f64>> = rows
            .map(|(view, weight)| if *weight > 0.0 { view.of(target, self.messages.as_ref()) } else { view.nothing() })
            .collect();
        self.kernel.of(self.vocabulary.node(target), &rows).mapv(|k| k as f32)
    }

    /// Posterior variance of the kernel regression relative to the prior variance, 0 to 1.
    fn distance(&self, kernel: &Array1<f32>) -> f32 {
        (1.0 - kernel.dot(&self.numbers.precision.dot(kernel))).clamp(0.0, 1.0)
    }
}

impl Messages {
    /// Propagated minus common change, length n_genes.
    fn departure(&self, perturbation: &Perturbation) -> Array1<f32> {
        self.network.propagate(perturbation) - &self.common * perturbation.targets().len() as f32
    }
}

/// The table with its rows one after the other in memory, as a saved one is read: sums run in the same order.
fn row_major(x: Array2<f32>) -> Array2<f32> {
    if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() }
}

/// Rows at unit length; rows of zeros stay.
fn unit_rows(mut x: Array2<f32>) -> Array2<f32> {
    for mut row in x.axis_iter_mut(Axis(0)) {
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
    }
    x
}
