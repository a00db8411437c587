//! A linear graph network: the knockdown starts at its target and runs along signed, directed edges whose weights are
//! learned.
//!
//! A change of expression h (log ratio per gene, the target held at what the knockdown leaves) obeys h = h W away from the
//! target, with W[s, g] the effect of regulator s on gene g. Five hops from the target give the predicted change; what
//! all training targets share is left to the training mean.
//!
//! - Prior: an edge s -> g of known sign is expected at c x sign x weight (one number c, by least squares); every edge of
//!   the graph may differ from that with variance 1, every pair without an edge with variance [`Config::off_graph`]:
//!   what the prior misses can be found in the data.
//! - Fit: each gene is regressed on the changes of its regulators over the training perturbations, by ridge towards the
//!   prior; rows that perturb the gene itself are left out. Closed form; see `fit`.
//! - log1p damps weakly expressed genes: changes are divided by the slope of log1p at the control, 1 - exp(-control),
//!   before the regression, and multiplied by it after.
//! - How much of the result is added to the training mean, and by which factor W is stretched (a ridge shrinks long
//!   paths), is chosen on inner folds; 0 shuts it out.
//!
//! Source: linear response of a network at steady state, as in MNI (di Bernardo et al., Nature Biotechnology 2005) and
//! dotears (Xue et al. 2023), with a prior on edges; the message passing of GEARS (Roohani et al. 2024) without its
//! nonlinearities.

mod columns;
mod fit;
mod held_out;
mod network;

use std::path::Path;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

pub(super) use self::held_out::{HeldOut, hold_out};
pub(super) use self::network::{Network, StoredNetwork};
use super::own_target::OwnTarget;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, Perturbation};
use crate::train::Observer;

const NAME: &str = "propagation";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "linear graph network: signed messages from the target, edge weights learned in closed form",
    paper: "linear response with a prior on edges (di Bernardo et al., Nature Biotechnology 23, 2005)",
    settings: include_str!("../../configs/models/propagation.toml"),
    build: |table| Ok(Box::new(Propagation { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of the propagation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Hops from the target.
    pub hops: usize,
    /// Variance of the effect between a regulator and a gene that the graph does not join; that of an edge is 1.
    pub off_graph: f64,
    /// Variance of the noise, in the same unit.
    pub noise: f64,
    /// Strongest regulators of a gene that count as its edges.
    pub max_regulators: usize,
    /// Inner folds that choose how much of the propagation is used.
    pub folds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { hops: 5, off_graph: 0.15, noise: 3.0, max_regulators: 32, folds: 5 }
    }
}

/// The model.
#[derive(Debug)]
struct Propagation {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    network: Network,
    own_target: Option<OwnTarget>,
    share: f64,
    /// Training mean, mean propagated change of the training targets, mean control expression: 3 x n_genes.
    profiles: Array2<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    network: StoredNetwork,
    own_target: Option<OwnTarget>,
    share: f64,
}

impl Predictor for Propagation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        if responses.len() < 2 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 2, got: responses.len() });
        }
        let held_out = hold_out(&self.config, task)?;
        let mut network = Network::fit(&self.config, responses, task.graph)?;
        network.stretch = held_out.stretch;
        let common = network.common(responses);
        let mean = responses.mean_delta();
        let profiles = ndarray::stack![Axis(0), mean, common, responses.control.mean];
        let values = [("share", held_out.share), ("stretch", held_out.stretch), ("strength", network.strength)];
        let summary = FitSummary { values: values.map(|(name, v)| (name.to_owned(), v)).to_vec(), notices: Vec::new() };
        self.fitted = Some(Fitted {
            vocabulary: Vocabulary::of(task),
            network,
            own_target: OwnTarget::fit(responses),
            share: held_out.share,
            profiles,
        });
        Ok(summary)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph, distance: None });
        }
        let mut delta = fitted.profiles.row(0).to_owned();
        let in_graph = perturbation.targets().iter().all(|t| fitted.vocabulary.node(t).is_some());
        let known = in_graph && fitted.network.knows(perturbation);
        if known && fitted.share > 0.0 {
            let n_targets = perturbation.targets().len() as f32;
            let departure = fitted.network.propagate(perturbation) - &fitted.profiles.row(1) * n_targets;
            delta.scaled_add(fitted.share as f32, &departure);
        }
        let mut delta = delta.to_vec();
        if let Some(rule) = fitted.own_target {
            rule.apply(perturbation, genes, fitted.profiles.row(2), &mut delta);
        }
        let basis = if in_graph { Basis::Graph } else { Basis::Fallback };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let Fitted { vocabulary, network, own_target, share, profiles } = self.fitted()?;
        let (stored, tables) = network.stored();
        let stored = Stored {
            config: self.config.clone(),
            perturbed: vocabulary.perturbed(),
            network: stored,
            own_target: *own_target,
            share: *share,
        };
        let mut all: Vec<(&str, &Array2<f32>)> = tables.iter().map(|(name, x)| (*name, x)).collect();
        all.push(("profiles", profiles));
        saved::write(dir, &stored, &all)
    }
}

impl Propagation {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let network = Network::restore(stored.network, &stored.config, &mut numbers, &from.genes)?;
    let profiles = numbers.take("profiles", from.genes.len())?;
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    let fitted = Fitted { vocabulary, network, own_target: stored.own_target, share: stored.share, profiles };
    Ok(Box::new(Propagation { config: stored.config, fitted: Some(fitted) }))
}
