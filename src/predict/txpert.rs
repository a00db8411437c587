//! A graph attention network over the prior graph, in the shape of TxPert.
//!
//! From the description in Wenkel et al. ("TxPert: leveraging biochemical relationships for out-of-distribution
//! transcriptomic perturbation prediction", 2025; its code is not used): node embeddings pass layers of GATv2 over each gene's
//! strongest neighbours; all layers' outputs at a target, side by side, give its latent state; the states of all targets and
//! the state of the mean control profile are added, and an MLP reads the change of every gene from the sum. The loss is the
//! plain squared error, the number of steps is chosen on held-out perturbations.
//!
//! Smaller than described by default (2 layers of width 64 in place of 4 of 128), one graph, one cell type; embeddings start
//! at the spectral coordinates of the graph, and the output at the mean change of the training perturbations.
//!
//! Only nodes within as many links of a training target as there are layers are computed at a step.

mod network;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Result as TensorResult, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use self::network::{Fields, Network, Readout};
use super::course::{Course, best, fingerprint};
use super::neighbours::neighbours;
use super::spectral::coordinates;
use super::vocabulary::Vocabulary;
use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Spec, Task, settings};
use crate::data::{Delta, GeneId, Perturbation, Responses};
use crate::nn::{ElementLoss, LossKind, SparseMatrix};
use crate::train::{Evaluation, Observer, Steps, read_tensors, write_tensors};

const NAME: &str = "txpert";
const FILE: &str = "model.safetensors";

/// The model in the registry.
pub(super) const SPEC: Spec = Spec {
    name: NAME,
    about: "graph attention over the prior graph, one latent state per target (TxPert)",
    paper: "Wenkel et al., TxPert (2025); Brody, Alon and Yahav, GATv2, ICLR 2022",
    settings: include_str!("../../configs/models/txpert.toml"),
    build,
    load,
};

/// Settings of `txpert`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    hidden: usize,
    layers: usize,
    heads: usize,
    top_k: usize,
    latent: usize,
    readout: usize,
    steps: u64,
    learning_rate: f64,
    weight_decay: f64,
    clip: f64,
    validation: f64,
    evaluate_every: u64,
    patience: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 64,
            layers: 2,
            heads: 2,
            top_k: 20,
            latent: 64,
            readout: 128,
            steps: 100,
            learning_rate: 3e-3,
            weight_decay: 0.01,
            clip: 1.0,
            validation: 0.15,
            evaluate_every: 10,
            patience: 3,
        }
    }
}

impl Config {
    fn problem(&self) -> Option<String> {
        let zero = [
            ("hidden", self.hidden),
            ("layers", self.layers),
            ("heads", self.heads),
            ("top_k", self.top_k),
            ("latent", self.latent),
            ("readout", self.readout),
            ("evaluate_every", self.evaluate_every as usize),
            ("patience", self.patience),
        ];
        let zero = zero.iter().find(|(_, v)| *v == 0).map(|(name, _)| format!("`{name}`: expected at least 1, got 0"));
        let heads = (zero.is_none() && !self.hidden.is_multiple_of(self.heads))
            .then(|| format!("`heads`: expected a divisor of `hidden` = {}, got {}", self.hidden, self.heads));
        let rates = [("learning_rate", self.learning_rate), ("clip", self.clip)];
        let rate = rates.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0));
        let rate = rate.map(|(name, v)| format!("`{name}`: expected a positive number, got {v}"));
        let decay = !(0.0..1.0).contains(&(self.weight_decay * self.learning_rate));
        let decay = decay.then(|| format!("`weight_decay`: expected a number from 0, got {}", self.weight_decay));
        let share = !(0.0..=0.5).contains(&self.validation);
        let share = share.then(|| format!("`validation`: expected a share from 0 to 0.5, got {}", self.validation));
        zero.or(heads).or(rate).or(decay).or(share)
    }
}

fn build(table: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    let config: Config = settings(NAME, table)?;
    match config.problem() {
        Some(reason) => Err(PredictError::BadConfig { model: NAME.into(), reason }),
        None => Ok(Box::new(TxPert { config, fitted: None })),
    }
}

struct TxPert {
    config: Config,
    fitted: Option<Fitted>,
}

/// What prediction needs.
struct Fitted {
    vocabulary: Vocabulary,
    /// Latent states of all nodes, n_nodes x latent.
    states: Tensor,
    readout: Readout,
    mean: Vec<f32>,
    scale: f32,
}

/// What of a fit is no tensor.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    config: Config,
    perturbed: Vec<String>,
    scale: f32,
}

impl Predictor for TxPert {
    fn name(&self) -> &'static str {
        NAME
    }

    fn uses_device(&self) -> bool {
        true
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let mut summary = FitSummary::default();
        self.fitted = Some(Fit::new(&self.config, task)?.train(observer, &mut summary)?);
        Ok(summary)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = Arc::clone(fitted.vocabulary.measured());
        let nodes: Option<Vec<GeneId>> = perturbation.targets().iter().map(|t| fitted.vocabulary.node(t)).collect();
        let (mean, basis) = match nodes {
            _ if perturbation.is_control() => (vec![0.0; genes.len()], Basis::Graph),
            None => (fitted.mean.clone(), Basis::Fallback),
            Some(nodes) => (fitted.change(&nodes)?, Basis::Graph),
        };
        Ok(Prediction { delta: Delta { genes, mean, sd: None }, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let f = self.fitted()?;
        let mut tensors: HashMap<String, Tensor> = f.readout.tensors();
        tensors.insert("states".into(), f.states.clone());
        tensors.insert("mean".into(), Tensor::from_slice(&f.mean, f.mean.len(), f.states.device())?);
        let stored = Stored { config: self.config.clone(), perturbed: f.vocabulary.perturbed(), scale: f.scale };
        Ok(write_tensors(&dir.join(FILE), &tensors, &stored)?)
    }
}

impl TxPert {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

impl Fitted {
    fn change(&self, nodes: &[GeneId]) -> Result<Vec<f32>, PredictError> {
        let ids: Vec<u32> = nodes.iter().map(|n| n.0).collect();
        let ids = Tensor::from_vec(ids, nodes.len(), self.states.device())?;
        let sum = self.states.index_select(&ids, 0)?.sum_keepdim(0)?;
        let out: Vec<f32> = self.readout.outputs(&sum)?.flatten_all()?.to_vec1()?;
        Ok(out.iter().zip(&self.mean).map(|(o, m)| m + self.scale * o).collect())
    }
}

fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let path = from.dir.join(FILE);
    let broken = |reason: String| PredictError::Saved { path: path.clone(), reason };
    let (mut tensors, stored) = read_tensors::<Stored>(&path, from.device)?;
    let mut take = |name: &str| tensors.remove(name).ok_or_else(|| broken(format!("tensor `{name}` is missing")));
    let (states, mean) = (take("states")?, take("mean")?.to_vec1::<f32>()?);
    if states.dim(0)? != from.graph.n_genes() || mean.len() != from.genes.len() {
        let (nodes, genes) = (from.graph.n_genes(), from.genes.len());
        return Err(broken(format!(
            "expected {nodes} nodes and {genes} genes, got {} and {}",
            states.dim(0)?,
            mean.len()
        )));
    }
    let readout = Readout::from_tensors(&tensors).map_err(|e| broken(e.to_string()))?;
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    let fitted = Fitted { vocabulary, states, readout, mean, scale: stored.scale };
    Ok(Box::new(TxPert { config: stored.config, fitted: Some(fitted) }))
}

/// Everything that the trainings of one fit share.
struct Fit<'a> {
    config: &'a Config,
    course: Course<'a>,
    /// Perturbations whose targets are all nodes, and their nodes.
    responses: Responses,
    nodes: Vec<Vec<u32>>,
    /// Senders of every node, itself included.
    senders: Vec<Vec<u32>>,
    spectral: Array2<f32>,
    scale: f32,
}

impl<'a> Fit<'a> {
    fn new(config: &'a Config, task: &'a Task<'a>) -> Result<Self, PredictError> {
        let of = |(row, p): (usize, &Perturbation)| {
            let nodes: Option<Vec<u32>> = p.targets().iter().map(|t| Some(task.graph.genes().resolve(t)?.0)).collect();
            Some((row, nodes?))
        };
        let known = task.responses.perturbations.iter().enumerate().filter_map(of);
        let (rows, nodes): (Vec<usize>, Vec<Vec<u32>>) = known.unzip();
        if rows.is_empty() {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 1, got: 0 });
        }
        let responses = task.responses.subset(&rows);
        let near = neighbours(task.graph, config.top_k, |e| e.weight);
        let spectral = coordinates(&near, config.hidden, 0);
        let own = |(node, near): (u32, &Vec<(u32, f32)>)| {
            std::iter::once(node).chain(near.iter().map(|n| n.0).filter(|n| *n != node)).collect()
        };
        let senders = (0u32..).zip(&near).map(own).collect();
        let course = Course {
            model: NAME,
            steps: config.steps,
            learning_rate: config.learning_rate,
            weight_decay: config.weight_decay,
            clip: config.clip,
            validation: config.validation,
            evaluate_every: config.evaluate_every,
            patience: config.patience,
            task,
            fingerprint: fingerprint(config, task),
        };
        let spread = &responses.delta - &responses.mean_delta();
        let squares: f64 = spread.iter().map(|&v| f64::from(v).powi(2)).sum();
        let scale = ((squares / spread.len().max(1) as f64).sqrt() as f32).max(f32::MIN_POSITIVE);
        Ok(Self { config, course, responses, nodes, senders, spectral, scale })
    }

    fn train(&self, observer: &mut dyn Observer, summary: &mut FitSummary) -> Result<Fitted, PredictError> {
        let all: Vec<usize> = (0..self.responses.len()).collect();
        let mut steps = self.config.steps;
        if let Some((train, held_out)) = self.course.split(self.responses.len()) {
            let (_, history) = self.run((0, steps), &train, Some(&held_out), observer)?;
            if let Some(best) = best(&history) {
                steps = best.step;
                summary.values.push(("inner.mse".into(), best.loss));
            }
        }
        let (network, _) = self.run((1, steps), &all, None, observer)?;
        summary.values.push(("steps".into(), steps as f64));
        summary.values.push(("parameters".into(), network.vars.n_values() as f64));
        let every: Vec<u32> = (0..self.senders.len() as u32).collect();
        Ok(Fitted {
            vocabulary: Vocabulary::of(self.course.task),
            states: network.states(&Fields::new(&self.senders, every, self.config.layers)?)?.detach(),
            readout: network.readout()?.detach(),
            mean: self.course.task.responses.mean_delta().to_vec(),
            scale: self.scale,
        })
    }

    fn run(
        &self,
        (part, steps): (u64, u64),
        rows: &[usize],
        held_out: Option<&[usize]>,
        observer: &mut dyn Observer,
    ) -> Result<(Network, Vec<Evaluation>), PredictError> {
        let network = self.network()?;
        let mean = self.responses.subset(rows).mean_delta();
        let training_rows = self.rows(rows, &mean)?;
        let held_out = held_out.map(|h| self.rows(h, &mean)).transpose()?;
        let mut training = Training { network: &network, rows: training_rows, held_out, scale: self.scale };
        let history = self.course.run((part, steps), &network.vars, &mut training, observer)?;
        Ok((network, history))
    }

    fn network(&self) -> TensorResult<Network> {
        let control = self.responses.control.mean.to_vec();
        Network::new(self.config, &self.spectral, &control, self.course.task.seed, self.course.device())
    }

    /// Perturbations as the network reads them, and their changes beyond the mean.
    fn rows(&self, rows: &[usize], mean: &ndarray::Array1<f32>) -> TensorResult<Rows> {
        let mut targets: Vec<u32> = rows.iter().flat_map(|&r| self.nodes[r].iter().copied()).collect();
        targets.sort_unstable();
        targets.dedup();
        let place = |n: &u32| targets.binary_search(n).unwrap_or_default() as u32;
        let of = |(row, &r): (u32, &usize)| self.nodes[r].iter().map(|n| (row, place(n), 1.0)).collect::<Vec<_>>();
        let sum = SparseMatrix::new(rows.len(), targets.len(), (0u32..).zip(rows).flat_map(of).collect())?;
        let changes = (&self.responses.subset(rows).delta - mean) / self.scale;
        let loss = ElementLoss::new(changes.iter().copied().collect::<Vec<_>>().into(), LossKind::Squared)?;
        Ok(Rows { fields: Fields::new(&self.senders, targets, self.config.layers)?, sum, loss })
    }
}

/// Perturbations of one training.
struct Rows {
    fields: Fields,
    sum: SparseMatrix,
    loss: ElementLoss,
}

impl Rows {
    fn loss(&self, network: &Network) -> TensorResult<Tensor> {
        let sums = self.sum.matmul(&network.states(&self.fields)?)?;
        self.loss.apply(&network.readout()?.outputs(&sums)?)
    }
}

struct Training<'a> {
    network: &'a Network,
    rows: Rows,
    held_out: Option<Rows>,
    scale: f32,
}

impl Steps for Training<'_> {
    fn loss(&mut self, _: u64) -> TensorResult<Tensor> {
        self.rows.loss(self.network)
    }

    fn evaluate(&mut self, step: u64) -> TensorResult<Option<Evaluation>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let loss = f64::from(held_out.loss(self.network)?.to_scalar::<f32>()?) * f64::from(self.scale).powi(2);
        Ok(Some(Evaluation { step, loss, kept: Vec::new() }))
    }
}

#[cfg(test)]
mod tests;
