//! A directed, signed network learned from the screen: the knockdown starts at its target and runs along the edges.
//!
//! With D the training changes, m their mean and z = (D - m) / gain (the gain 1 - exp(-c), c the mean log1p control
//! expression, says how much of a fold change survives log1p), every gene is regressed on its regulators: z_g = sum_s
//! w_sg z_s. Edges of the prior are drawn towards a common coefficient times weight and sign, other regulators towards
//! 0, more strongly, so that false edges lose and missing ones can be found. A target q starts with what the knockdown
//! does to it; h_1, h_2, ... are what arrives after one, two, ... steps, the target held. The prediction is
//! m + gain sum_k b_k (h_k - its training mean) + a kernel ridge on what is left, whose kernel is the cosine of the
//! propagated changes.
//!
//! - Penalties and the b_k are chosen by inner folds over the training perturbations, and the ridge is fitted on what
//!   those inner folds leave, so none of it has seen the perturbation it is judged on. Where the inner folds gain
//!   nothing over the mean, the prediction is the mean.
//! - A perturbation of several targets starts at all of them; a target that is not measured starts at the genes its
//!   edges lead to. A target without either resembles nothing: the mean, [`Basis::Fallback`].
//!
//! Linear causal networks from interventions: Hauser and Buehlmann, JMLR 13:2409, 2012; prior-guided simulation of
//! perturbations: Kamimoto et al. (CellOracle), Nature 614:742, 2023. The combination is this project's.

mod inner;
mod network;
mod prior;
mod residual;
mod start;

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use self::inner::{Choice, Inner, choose};
use self::network::Network;
use self::prior::Prior;
use self::residual::Residual;
use self::start::{Start, gains};
use super::own_target::OwnTarget;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, saved, settings};
use crate::data::{Delta, Perturbation};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::train::Observer;

const NAME: &str = "propagation";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "knockdown propagated along signed, directed edges whose weights are learned",
    paper: "linear networks from interventions (Hauser and Buehlmann 2012) with prior edges; kernel ridge on the rest",
    settings: include_str!("../../configs/models/propagation.toml"),
    build: |table| Ok(Box::new(Propagation { config: settings(NAME, table)?, fitted: None })),
    load,
};

/// Settings of propagation.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Steps along edges.
    pub hops: usize,
    /// Inner folds that choose penalties and coefficients.
    pub inner_folds: usize,
    /// Kernel ridge on what propagation leaves.
    pub residual: bool,
    /// Set the change of the target itself in knockdown screens.
    pub own_target: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { hops: 5, inner_folds: 5, residual: true, own_target: true }
    }
}

/// The propagating network.
#[derive(Debug)]
struct Propagation {
    config: Config,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    vocabulary: Vocabulary,
    graph: GeneGraph,
    network: Network,
    start: Start,
    /// Coefficient of each step; all 0 where propagation does not help.
    steps: Vec<f64>,
    residual: Option<Residual>,
    /// Training mean, gain, mean control expression, and the training mean of what is propagated; 4 x n_genes.
    profiles: Array2<f32>,
    own_target: Option<OwnTarget>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    start: Start,
    steps: Vec<f64>,
    sources: Vec<usize>,
    residual: bool,
    own_target: Option<OwnTarget>,
}

impl Predictor for Propagation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let responses = task.responses;
        if responses.len() < 4 {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 4, got: responses.len() });
        }
        let rule = OwnTarget::fit(responses);
        let gain = gains(responses);
        let inner = Inner {
            responses,
            graph: task.graph,
            prior: Prior::new(task.graph, responses),
            gain: &gain,
            strength: rule.map_or(-1.0, |r| r.log_ratio),
            hops: self.config.hops,
        };
        let choice = choose(&inner, self.config.inner_folds, task.seed, observer)?;
        let all: Vec<usize> = (0..responses.len()).collect();
        let (network, start) = inner.fit(&all, choice.penalties)?;
        let (residual, left) = self.residual(&inner, &choice)?;
        let gain = gain.mapv(|g| g as f32);
        let trained: Vec<&Perturbation> = responses.perturbations.iter().collect();
        let moved = start.hops(&network, &trained, task.graph, &responses.genes, self.config.hops);
        let moved = summed(&moved, &choice.steps, gain.view());
        let centre = moved.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(gain.len()));
        let profiles = ndarray::stack![Axis(0), responses.mean_delta(), gain, responses.control.mean, centre];
        let notices = if choice.helps() { Vec::new() } else { vec![Notice::new(NO_HELP)] };
        let values = choice.values().into_iter().chain(left).collect();
        self.fitted = Some(Fitted {
            vocabulary: Vocabulary::of(task),
            graph: task.graph.clone(),
            network,
            start,
            steps: choice.steps,
            residual,
            profiles,
            own_target: rule.filter(|_| self.config.own_target),
        });
        Ok(FitSummary { values, notices })
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = fitted.vocabulary.measured();
        if perturbation.is_control() {
            let delta = Delta::new(genes.clone(), vec![0.0; genes.len()], None)?;
            return Ok(Prediction { delta, basis: Basis::Graph, distance: None });
        }
        let known = fitted.start.knows(perturbation, &fitted.graph, genes);
        let (mut delta, distance) = fitted.change(perturbation, known);
        if let Some(rule) = fitted.own_target {
            rule.apply(perturbation, genes, fitted.profiles.row(2), &mut delta);
        }
        let basis = if known { Basis::Graph } else { Basis::Fallback };
        Ok(Prediction { delta: Delta::new(genes.clone(), delta, None)?, basis, distance })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let stored = Stored {
            config: self.config.clone(),
            perturbed: f.vocabulary.perturbed(),
            start: f.start,
            steps: f.steps.clone(),
            sources: f.network.sources.clone(),
            residual: f.residual.is_some(),
            own_target: f.own_target,
        };
        let edges = edge_table(&f.network);
        let mut numbers =
            vec![("edges", &edges), ("left", &f.network.left), ("right", &f.network.right), ("profiles", &f.profiles)];
        if let Some(residual) = &f.residual {
            numbers.push(("residual.rows", &residual.rows));
            numbers.push(("residual.coefficients", &residual.coefficients));
        }
        saved::write(dir, &stored, &numbers)
    }
}

const NO_HELP: &str = "model `propagation`: inner folds gain nothing over the training mean, so nothing is propagated";

impl Propagation {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }

    /// Kernel ridge on what the inner folds left, where it helps.
    fn residual(&self, inner: &Inner<'_>, choice: &Choice) -> Result<ResidualFit, PredictError> {
        if !self.config.residual || !choice.helps() {
            return Ok((None, Vec::new()));
        }
        let propagated = inner.out_of_fold(choice)?;
        let left = inner.left_by(&propagated);
        Ok(Residual::fit(propagated.mapv(|x| x as f32), &left)?)
    }
}

/// The ridge where it helps, and what is reported of it.
type ResidualFit = (Option<Residual>, Vec<(String, f64)>);

/// gain x sum over steps, n x n_genes.
fn summed(hops: &[Array2<f32>], steps: &[f64], gain: ArrayView1<'_, f32>) -> Array2<f32> {
    let mut sum = Array2::zeros(hops.first().map_or((0, gain.len()), ndarray::ArrayBase::dim));
    hops.iter().zip(steps).for_each(|(h, &b)| sum.scaled_add(b as f32, h));
    sum * &gain
}

impl Fitted {
    /// The predicted change without the rule for the target itself, and the distance to the training perturbations.
    fn change(&self, perturbation: &Perturbation, known: bool) -> (Vec<f32>, Option<f32>) {
        let mut delta = self.profiles.row(0).to_owned();
        if !known || self.steps.iter().all(|&b| b == 0.0) {
            return (delta.to_vec(), None);
        }
        let genes = self.vocabulary.measured();
        let hops = self.start.hops(&self.network, &[perturbation], &self.graph, genes, self.steps.len());
        let moved = summed(&hops, &self.steps, self.profiles.row(1));
        let special = &moved.row(0) - &self.profiles.row(3);
        delta += &special;
        let distance = self.residual.as_ref().map(|residual| residual.add(special.view(), &mut delta));
        (delta.to_vec(), distance)
    }
}

/// Source, target and weight, n_edges x 3; positions are exact in 32 bits below 16,777,216.
fn edge_table(network: &Network) -> Array2<f32> {
    let rows = network.out.iter().enumerate().flat_map(|(s, links)| links.iter().map(move |&(t, w)| (s, t, w)));
    let values: Vec<f32> = rows.flat_map(|(s, t, w)| [s as f32, t as f32, w]).collect();
    Array2::from_shape_vec((values.len() / 3, 3), values).unwrap_or_default()
}

fn edges_of(table: &Array2<f32>, n_genes: usize) -> Vec<Vec<(u32, f32)>> {
    let mut out = vec![Vec::new(); n_genes];
    let within = |row: &ArrayView1<'_, f32>| (row[0] as usize) < n_genes && (row[1] as usize) < n_genes;
    for row in table.outer_iter().filter(within) {
        out[row[0] as usize].push((row[1] as u32, row[2]));
    }
    out
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (stored, mut numbers) = saved::read::<Stored>(from.dir)?;
    let n_genes = from.genes.len();
    let network = Network {
        out: edges_of(&numbers.take("edges", 3)?, n_genes),
        left: numbers.take("left", stored.sources.len())?,
        right: numbers.take("right", n_genes)?,
        sources: stored.sources,
    };
    let residual = if stored.residual {
        let (rows, coefficients) =
            (numbers.take("residual.rows", n_genes)?, numbers.take("residual.coefficients", n_genes)?);
        Some(Residual { rows, coefficients })
    } else {
        None
    };
    let fitted = Fitted {
        vocabulary: Vocabulary::of_saved(from, stored.perturbed),
        graph: from.graph.clone(),
        network,
        start: stored.start,
        steps: stored.steps,
        residual,
        profiles: numbers.take("profiles", n_genes)?,
        own_target: stored.own_target,
    };
    Ok(Box::new(Propagation { config: stored.config, fitted: Some(fitted) }))
}
