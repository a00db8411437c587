//! The published architecture on moments of perturbations.
//!
//! With H the hidden width, G measured genes, n perturbations of a step:
//!
//! - gene branch: relu(norm(gene embedding)) + 0.2 x (position embedding through one graph layer over co-expression), then an
//!   MLP: b, G x H, computed once a step for all perturbations (in the reference implementation once per cell);
//! - perturbation branch: perturbation embedding through one graph layer over the prior graph's strongest neighbours (the
//!   prior graph stands where GEARS has the overlap of Gene Ontology terms), summed over the targets, then an MLP: z, n x H;
//! - decoder: b_g + z_p, norm, ReLU, the shared MLP H-2H-H, a vector w1 and an offset b1 per gene: o, n x G; an MLP G-H-H
//!   reads all of o: c, n x H; output = w2 . [o, c] + b2 per gene. See [`super::readout`].
//!
//! What differs from the reference implementation (cell-gears 0.1.2), and why:
//!
//! - *One forward pass per perturbation, not per cell.* The output does not depend on the cell (its expression is only added at
//!   the end), so a step sees each perturbation once and the loss over pairs of cells comes from their moments, exactly (see
//!   `LossKind::Fourth`). There are no random pairs of cells. All genes enter the loss; the reference leaves out those that
//!   are zero in all cells of a condition. The control condition, whose change is zero, is not trained on.
//! - *Co-expression reaches every perturbation.* The reference adds indices of edges for the first graph of a batch only.
//! - *Rows are normalised by their root mean square*, not over the batch: a prediction does not depend on what else is in the
//!   batch. The layer after the last linear map of the shared MLP is left out: with w1 behind it, it would be one linear map.
//! - *The learning rate follows a cosine.* The reference halves it every epoch, so that twenty epochs move as far as two.
//! - *Gradients are scaled by their norm*, not cut entry by entry; weight decay is decoupled; embeddings start at unit length
//!   and are not cut back to it at every step; b1 and b2 start at zero.
//! - *The direction loss has no gradient* (it is made of signs: autograd gives exactly zero), so it is not part of the training
//!   loss; it is reported as `train.direction_loss`. The fourth power has its least value off the mean change wherever cells
//!   are skewed; `loss = "mse"` has not.
//! - *The number of steps is chosen on held-out perturbations* by their squared error over all genes (the reference: over the 20
//!   most changed genes), then the network is trained on all of them for that long.
//!
//! - *A prediction is one forward pass.* The reference runs 300 control cells through the network, of which all give the same
//!   change, and keeps the answers, also when the model is trained again.
//! - *A target outside the graph* is predicted as the mean of the training perturbations and says so. The reference refuses it
//!   in `predict` and takes its cells for unperturbed ones in `new_data_process`.
//! - *Nothing is downloaded and no cell is written again.* The reference fetches tables in its constructor, keeps eight bytes
//!   per cell and gene on disk and makes the matrix dense to count its columns.

mod config;
mod network;
mod training;
mod wiring;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use self::config::Config;
pub(super) use self::config::NO_BASE;
use self::network::Network;
use self::training::{HeldOut, Shared, Training};
pub(super) use self::wiring::Links;
use self::wiring::nodes_of;
use super::readout::Readout;
use super::{NAME, import};
use crate::data::{Delta, GeneId, GeneIndex, Perturbation, Responses};
use crate::error::Notice;
use crate::predict::course::{Course, best, fingerprint};
use crate::predict::vocabulary::Vocabulary;
use crate::predict::{Basis, FitSummary, PredictError, Prediction, Predictor, Saved, Task, settings};
use crate::train::{Evaluation, Observer, read_tensors, write_tensors};

/// Weight of the direction loss in the reference implementation.
const DIRECTION: f64 = 0.1;
const FILE: &str = "model.safetensors";

/// Builds the model unfitted.
pub(super) fn build(table: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    let config: Config = settings(NAME, table)?;
    match config.problem() {
        Some(reason) => Err(PredictError::BadConfig { model: NAME.into(), reason }),
        None => Ok(Box::new(Published { config, fitted: None })),
    }
}

struct Published {
    config: Config,
    fitted: Option<Fitted>,
}

/// What prediction needs.
pub(super) struct Fitted {
    vocabulary: Vocabulary,
    trained: Trained,
    /// Mean change of the training perturbations.
    mean: Vec<f32>,
}

/// States of all nodes and the decoder, with what their rows stand for.
pub(super) struct Trained {
    /// The nodes (rows of the states).
    pub(super) nodes: Arc<GeneIndex>,
    /// n_nodes x H.
    pub(super) states: Tensor,
    pub(super) readout: Readout,
    /// The row of the readout of each measured gene.
    pub(super) rows: Vec<Option<u32>>,
    /// The unit of the outputs.
    pub(super) scale: f32,
}

/// Numbers and names of a fit that are not tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    config: Config,
    scale: f32,
    norms: bool,
    perturbed: Vec<String>,
    nodes: Vec<String>,
    rows: Vec<Option<u32>>,
}

impl Trained {
    /// Outputs for sums over these nodes, one row of measured genes per perturbation; none where a gene has no row.
    pub(super) fn changes(&self, nodes: &[GeneId]) -> Result<Vec<Option<f32>>, PredictError> {
        let ids: Vec<u32> = nodes.iter().map(|n| n.0).collect();
        let ids = Tensor::from_vec(ids, nodes.len(), self.states.device())?;
        let sum = self.states.index_select(&ids, 0)?.sum_keepdim(0)?;
        let out: Vec<f32> = self.readout.outputs(&sum)?.flatten_all()?.to_vec1()?;
        Ok(self.rows.iter().map(|row| row.map(|r| out[r as usize] * self.scale)).collect())
    }
}

impl Predictor for Published {
    fn name(&self) -> &'static str {
        NAME
    }

    fn uses_device(&self) -> bool {
        true
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let mut summary = FitSummary::default();
        let mean = task.responses.mean_delta().to_vec();
        let trained = match self.config.weight_files() {
            Some(files) => import::read(files, self.config.top_k, task, &mut summary.notices)?,
            None => Fit::new(&self.config, task, &mut summary)?.train(observer, &mut summary)?,
        };
        self.fitted = Some(Fitted { vocabulary: Vocabulary::of(task), trained, mean });
        Ok(summary)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        fitted.vocabulary.check(perturbation)?;
        let genes = Arc::clone(fitted.vocabulary.measured());
        let (mean, basis) = match nodes_of(perturbation, &fitted.trained.nodes) {
            _ if perturbation.is_control() => (vec![0.0; genes.len()], Basis::Graph),
            None => (fitted.mean.clone(), Basis::Fallback),
            Some(nodes) => {
                let changes = fitted.trained.changes(&nodes)?;
                (changes.into_iter().zip(&fitted.mean).map(|(c, m)| c.unwrap_or(*m)).collect(), Basis::Graph)
            }
        };
        Ok(Prediction { delta: Delta { genes, mean, sd: None }, basis, distance: None })
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let Fitted { vocabulary, trained, mean } = self.fitted()?;
        let mut tensors = trained.readout.tensors();
        tensors.insert("states".into(), trained.states.clone());
        tensors.insert("mean".into(), Tensor::from_slice(mean, mean.len(), &Device::Cpu)?);
        let tensors: HashMap<String, Tensor> =
            tensors.into_iter().map(|(name, t)| Ok((name, t.contiguous()?))).collect::<candle_core::Result<_>>()?;
        let stored = Stored {
            config: self.config.clone(),
            scale: trained.scale,
            norms: trained.readout.norms,
            perturbed: vocabulary.perturbed(),
            nodes: trained.nodes.names().iter().map(ToString::to_string).collect(),
            rows: trained.rows.clone(),
        };
        Ok(write_tensors(&dir.join(FILE), &tensors, &stored)?)
    }
}

impl Published {
    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

/// Reads a saved model.
pub(super) fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let path = from.dir.join(FILE);
    let broken = |reason: String| PredictError::Saved { path: path.clone(), reason };
    let (mut tensors, stored) = read_tensors::<Stored>(&path, from.device)?;
    let mut take = |name: &str| tensors.remove(name).ok_or_else(|| broken(format!("tensor `{name}` is missing")));
    let (states, mean) = (take("states")?, take("mean")?.to_vec1::<f32>()?);
    if mean.len() != from.genes.len() || stored.rows.len() != from.genes.len() {
        return Err(broken(format!("expected {} genes, got {}", from.genes.len(), mean.len())));
    }
    let readout = Readout::from_tensors(stored.norms, &tensors).map_err(|e| broken(e.to_string()))?;
    let nodes = if from.graph.genes().names().iter().map(AsRef::as_ref).eq(stored.nodes.iter().map(String::as_str)) {
        Arc::clone(from.graph.genes())
    } else {
        Arc::new(GeneIndex::new(&stored.nodes)?)
    };
    let trained = Trained { nodes, states, readout, rows: stored.rows, scale: stored.scale };
    let vocabulary = Vocabulary::of_saved(from, stored.perturbed);
    Ok(Box::new(Published { config: stored.config, fitted: Some(Fitted { vocabulary, trained, mean }) }))
}

/// Everything that the trainings of one fit share.
struct Fit<'a> {
    config: &'a Config,
    course: Course<'a>,
    /// Perturbations whose targets are all nodes, and their nodes.
    responses: Responses,
    nodes: Vec<Vec<GeneId>>,
    shared: Shared,
}

impl<'a> Fit<'a> {
    fn new(config: &'a Config, task: &'a Task<'a>, summary: &mut FitSummary) -> Result<Self, PredictError> {
        let of = |(row, p): (usize, &Perturbation)| Some((row, nodes_of(p, task.graph.genes())?));
        let known = task.responses.perturbations.iter().enumerate().filter_map(of);
        let (rows, nodes): (Vec<usize>, Vec<Vec<GeneId>>) = known.unzip();
        if rows.is_empty() {
            return Err(PredictError::TooFewPerturbations { model: NAME.into(), expected: 1, got: 0 });
        }
        let responses = task.responses.subset(&rows);
        let shared = Shared::new(config, task, &responses, &mut summary.notices)?;
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
        Ok(Self { config, course, responses, nodes, shared })
    }

    fn train(&self, observer: &mut dyn Observer, summary: &mut FitSummary) -> Result<Trained, PredictError> {
        let all: Vec<usize> = (0..self.responses.len()).collect();
        let mut steps = self.config.steps;
        if let Some((train, held_out)) = self.course.split(self.responses.len()) {
            let (_, history) = self.run((0, steps), &train, Some(&held_out), observer)?;
            if let Some(best) = best(&history) {
                steps = best.step;
                let no_change = HeldOut::no_change(&self.responses.subset(&held_out));
                summary.values.extend([("inner.mse".into(), best.loss), ("inner.mse.no_change".into(), no_change)]);
            }
        }
        let (network, _) = self.run((1, steps), &all, None, observer)?;
        let trained = self.trained(&network)?;
        summary.values.push(("steps".into(), steps as f64));
        summary.values.push(("parameters".into(), network.vars.n_values() as f64));
        summary.values.push(("train.direction_loss".into(), self.direction_loss(&trained)?));
        Ok(trained)
    }

    fn run(
        &self,
        (part, steps): (u64, u64),
        rows: &[usize],
        held_out: Option<&[usize]>,
        observer: &mut dyn Observer,
    ) -> Result<(Network, Vec<Evaluation>), PredictError> {
        let shape = (self.course.task.graph.n_genes(), self.responses.genes.len());
        let seed = self.course.task.seed;
        let network = Network::new(shape, self.config.hidden, seed, self.course.device())?;
        let rows_of = |rows: &[usize]| -> Vec<Vec<GeneId>> { rows.iter().map(|&r| self.nodes[r].clone()).collect() };
        let held_out =
            held_out.map(|h| HeldOut::new(&self.shared, &self.responses.subset(h), rows_of(h))).transpose()?;
        let data = (self.responses.subset(rows), rows_of(rows));
        let mut training = Training::new(&network, &self.shared, data, held_out, seed)?;
        let history = self.course.run((part, steps), &network.vars, &mut training, observer)?;
        Ok((network, history))
    }

    fn trained(&self, network: &Network) -> Result<Trained, PredictError> {
        let states = network.states(&self.shared.prior.to_all()?)?.detach();
        let readout = network.readout(&self.shared.coexpression)?.detach()?;
        let rows = (0..self.responses.genes.len() as u32).map(Some).collect();
        Ok(Trained {
            nodes: Arc::clone(self.course.task.graph.genes()),
            states,
            readout,
            rows,
            scale: self.shared.scale,
        })
    }

    /// The reference's loss of directions over the training perturbations: 0.1 (sign(measured) - sign(predicted))^2.
    fn direction_loss(&self, trained: &Trained) -> Result<f64, PredictError> {
        let sign = |v: f32| if v == 0.0 { 0.0 } else { f64::from(v.signum()) };
        let mut sum = 0.0;
        for (nodes, measured) in self.nodes.iter().zip(self.responses.delta.outer_iter()) {
            let predicted = trained.changes(nodes)?;
            let both = measured.iter().zip(&predicted);
            sum += both.map(|(m, p)| (sign(*m) - sign(p.unwrap_or(0.0))).powi(2)).sum::<f64>();
        }
        Ok(DIRECTION * sum / self.responses.delta.len().max(1) as f64)
    }
}

/// What the user should know of the loss and of the co-expression graph.
fn notices(config: &Config, responses: &Responses, of_control_cells: bool) -> Vec<Notice> {
    let mut all = Vec::new();
    if config.loss == config::Loss::Autofocus && training::moments(responses, 1.0).is_none() {
        all.push(Notice::new(
            "gears: the autofocus loss needs variance and third moment of cells, which this table lacks; the squared error \
             is used",
        ));
    }
    if !of_control_cells {
        all.push(Notice::new(
            "gears: the graph has no channel `coexpression` (`grn graph build --coexpression CELLS` makes one); genes whose \
             changes correlate over the training perturbations stand in its place",
        ));
    }
    all
}

/// A matrix of tensors as an array.
fn to_array(x: &Tensor) -> candle_core::Result<Array2<f32>> {
    let values = x.flatten_all()?.to_vec1::<f32>()?;
    Array2::from_shape_vec(x.dims2()?, values).map_err(|e| candle_core::Error::Msg(e.to_string()))
}

#[cfg(test)]
mod tests;
