//! A graph network in the shape of GEARS, trained on what a simpler model leaves unexplained and let in only as far as
//! held-out perturbations say.
//!
//! Prediction = base(p) + gate x network(p). The base is another model of the registry ([`Config::base`]). Message
//! passing trained end to end on a few hundred knockdowns loses to a kernel on the same graph; added to it, it can only
//! help or be shut out:
//!
//! - The network learns residuals: measured change minus the base's prediction by inner cross-validation, never minus
//!   its in-sample fit, whose residuals are nearly zero. Its last layers start at zero, so training starts exactly at
//!   the base.
//!   Where a table says which effects are significant, the bases that leave residuals are fitted without that layer.
//! - Gate and number of steps are chosen on the same inner folds: a network trained on the residuals of the other folds
//!   predicts each fold. The gate is 0 unless the network lowers the mean held-out loss (half 1 - centred correlation,
//!   half relative squared error) by more than one standard error of the paired difference, and worsens neither half.
//!   With gate 0 the prediction is the base's, bit for bit, and no network is kept.
//! - Nothing of a held-out fold reaches the network that predicts it: the residuals of the other folds come from bases
//!   fitted without that fold (with three folds: on the third one alone). Residuals from bases that had seen the fold
//!   would carry its rows with a negative sign into their neighbours, and the network would look worse than it is.
//!
//! GEARS is a function of the perturbation only (expression enters as a last addition), so training on cells repeats the
//! same forward pass; here each step sees every perturbation once, as a pseudobulk (`loss = "autofocus"` keeps GEARS' loss
//! over pairs of cells, through moments).
//!
//! A target outside the graph keeps the base's prediction and label; so does the target gene itself, whose fall under a
//! knockdown the base knows better.

mod blocks;
mod config;
mod direction;
mod gate;
mod messages;
mod network;
mod paths;
mod residuals;
mod training;
mod view;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use self::blocks::Blocks;
use self::config::Config;
use self::gate::{Choice, choose};
use self::network::{GeneState, Network};
use self::paths::N_FEATURES;
use self::residuals::{Residuals, changes_only, out_of_fold, without};
use self::training::{HeldOut, Rows, Targets, Training, to_array};
use self::view::View;
use super::NAME;
use crate::data::{GeneId, GeneIndex, Perturbation, Responses, Split};
use crate::error::Notice;
use crate::nn::{AdamWSettings, Schedule};
use crate::predict::{FitSummary, LeftOut, PredictError, Prediction, Predictor, Saved, Task, settings, spec};
use crate::train::{
    Checkpoint, Evaluation, Never, Observer, Patience, Plan, StopPolicy, Trainer, read_tensors, write_tensors,
};

/// Inner folds smaller than this say nothing about a gate.
const LEAST_PER_FOLD: usize = 4;
/// Steps between checkpoints.
const CHECKPOINT_EVERY: u64 = 20;

/// Builds the model unfitted.
pub(super) fn build(table: &toml::Table) -> Result<Box<dyn Predictor>, PredictError> {
    Ok(Box::new(Gears::new(settings(NAME, table)?)?))
}

/// The model.
struct Gears {
    config: Config,
    base: Box<dyn Predictor>,
    fitted: Option<Fitted>,
}

/// What prediction needs beside the base.
struct Fitted {
    gate: f32,
    genes: Arc<GeneIndex>,
    correction: Option<Correction>,
}

/// Trained networks and the graph they read.
struct Correction {
    stored: Stored,
    graph_genes: Arc<GeneIndex>,
    view: View,
    blocks: Blocks,
    networks: Vec<(Network, Vec<GeneState>)>,
}

/// Numbers of a fit that are not tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    config: Config,
    seed: u64,
    gate: f32,
    /// Root mean square of the training residuals: the unit of the network's output.
    scale: f32,
    path_scale: [f32; N_FEATURES],
}

impl Gears {
    fn new(config: Config) -> Result<Self, PredictError> {
        if let Some(reason) = config.problem() {
            return Err(PredictError::BadConfig { model: NAME.into(), reason });
        }
        let base = (spec(&config.base)?.build)(&config.base_settings)?;
        Ok(Self { config, base, fitted: None })
    }

    fn fitted(&self) -> Result<&Fitted, PredictError> {
        self.fitted.as_ref().ok_or_else(|| PredictError::NotFitted { model: NAME.into() })
    }
}

impl Predictor for Gears {
    fn name(&self) -> &'static str {
        NAME
    }

    fn uses_device(&self) -> bool {
        true
    }

    fn fit(&mut self, task: &Task<'_>, observer: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        let mut summary = self.base.fit(&Task { checkpoint: None, resume: false, ..*task }, observer)?;
        summary.values.iter_mut().for_each(|(name, _)| name.insert_str(0, "base."));
        let genes = Arc::clone(&task.responses.genes);
        let known = known_rows(task);
        let (mut gate, mut correction) = (0.0, None);
        if known.len() < LEAST_PER_FOLD * self.config.folds {
            summary.notices.push(Notice::new(format!(
                "{NAME}: {} training perturbations have all their targets in the graph, too few for {} inner folds; \
                 the prediction is that of {}",
                known.len(),
                self.config.folds,
                self.config.base
            )));
        } else {
            let fit = Fit::new(&self.config, task, known)?;
            summary.notices.extend(residuals::notice(self.config.loss, task.responses));
            let choice = fit.choose(observer)?;
            gate = choice.gate as f32;
            summary.values.extend(fit.report(&choice));
            correction = (gate > 0.0).then(|| fit.train(&choice, observer)).transpose()?;
        }
        self.fitted = Some(Fitted { gate, genes, correction });
        Ok(summary)
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let fitted = self.fitted()?;
        let mut prediction = self.base.predict(perturbation)?;
        if let Some(correction) = &fitted.correction {
            correction.add(perturbation, &fitted.genes, &mut prediction.delta.mean)?;
        }
        Ok(prediction)
    }

    fn left_out(&self) -> Option<LeftOut<'_>> {
        self.fitted.as_ref().filter(|fitted| fitted.correction.is_none()).and_then(|_| self.base.left_out())
    }

    fn save(&self, dir: &Path) -> Result<(), PredictError> {
        let fitted = self.fitted()?;
        self.base.save(&dir.join(BASE))?;
        let Some(c) = &fitted.correction else {
            let stored =
                Stored { config: self.config.clone(), seed: 0, gate: fitted.gate, scale: 1.0, path_scale: [1.0; 4] };
            return Ok(write_tensors(&dir.join(FILE), &HashMap::new(), &stored)?);
        };
        let mut tensors = HashMap::from([(SPECTRAL.to_owned(), c.view.spectral_tensor()?)]);
        for (k, (network, _)) in c.networks.iter().enumerate() {
            tensors.extend(network.vars.snapshot(&format!("network.{k}."))?);
        }
        Ok(write_tensors(&dir.join(FILE), &tensors, &c.stored)?)
    }
}

/// Folder of the base in a saved model.
pub(super) const BASE: &str = "base";
const FILE: &str = "model.safetensors";
const SPECTRAL: &str = "spectral";

/// Reads a saved model.
pub(super) fn load(from: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    let (tensors, stored) = read_tensors::<Stored>(&from.dir.join(FILE), from.device)?;
    let base = (spec(&stored.config.base)?.load)(&Saved { dir: &from.dir.join(BASE), ..from.clone() })?;
    let (config, gate) = (stored.config.clone(), stored.gate);
    let correction = (gate > 0.0).then(|| Correction::read(from, stored, &tensors)).transpose()?;
    let fitted = Fitted { gate, genes: Arc::clone(&from.genes), correction };
    Ok(Box::new(Gears { config, base, fitted: Some(fitted) }))
}

impl Correction {
    fn read(from: &Saved<'_>, stored: Stored, tensors: &HashMap<String, Tensor>) -> Result<Self, PredictError> {
        let broken = |reason: String| PredictError::Saved { path: from.dir.join(FILE), reason };
        let spectral = tensors.get(SPECTRAL).ok_or_else(|| broken("expected a tensor `spectral`, got none".into()))?;
        let spectral = to_array(spectral)?;
        if spectral.nrows() != from.graph.n_genes() {
            let (expected, got) = (spectral.nrows(), from.graph.n_genes());
            return Err(broken(format!("expected the graph of the fit with {expected} genes, got {got}")));
        }
        let view = View::new(from.graph, &from.genes, &stored.config, Some(spectral), from.device);
        let blocks = Blocks::new(&view, stored.config.genes_per_step, stored.seed)?;
        let network = |k: u64| {
            let network = Network::new(&view, stored.config.hidden, stored.seed)?;
            network.vars.restore(&format!("network.{k}."), tensors).map_err(|e| broken(e.to_string()))?;
            ready(network, &blocks)
        };
        let networks = (0..stored.config.seeds).map(network).collect::<Result<_, PredictError>>()?;
        Ok(Self { graph_genes: Arc::clone(from.graph.genes()), stored, view, blocks, networks })
    }

    /// Adds the gated mean output of the networks, except where a target is unknown or the gene is itself a target.
    fn add(&self, perturbation: &Perturbation, genes: &GeneIndex, delta: &mut [f32]) -> Result<(), PredictError> {
        let Some(nodes) = nodes_of(perturbation, &self.graph_genes).filter(|n| !n.is_empty()) else { return Ok(()) };
        let rows = Rows::new(self.view.perturbed(&[nodes])?, &self.blocks, &self.stored.path_scale)?;
        let share = self.stored.gate * self.stored.scale / self.networks.len().max(1) as f32;
        let own: Vec<usize> =
            perturbation.targets().iter().filter_map(|t| genes.resolve(t)).map(GeneId::index).collect();
        for (network, states) in &self.networks {
            let outputs = to_array(&rows.outputs_of(network, states)?)?;
            for (gene, d) in delta.iter_mut().enumerate().filter(|(gene, _)| !own.contains(gene)) {
                *d += share * outputs[[0, self.blocks.position(gene)]];
            }
        }
        Ok(())
    }
}

/// A trained network with the decoder of every block.
fn ready(network: Network, blocks: &Blocks) -> Result<(Network, Vec<GeneState>), PredictError> {
    let states = blocks.iter().map(|b| Ok(network.genes(&b.messages, b.start, b.len)?.detach()));
    let states = states.collect::<Result<_, PredictError>>()?;
    Ok((network, states))
}

/// The nodes of all targets; none where one is not in the graph.
fn nodes_of(perturbation: &Perturbation, graph: &GeneIndex) -> Option<Vec<GeneId>> {
    perturbation.targets().iter().map(|t| graph.resolve(t)).collect()
}

/// Rows whose targets are all in the graph, with their nodes.
fn known_rows(task: &Task<'_>) -> Vec<(usize, Vec<GeneId>)> {
    let of = |(row, p): (usize, &Perturbation)| Some((row, nodes_of(p, task.graph.genes())?));
    task.responses.perturbations.iter().enumerate().filter_map(of).collect()
}

/// Everything that the trainings of one fit share.
struct Fit<'a> {
    config: &'a Config,
    task: &'a Task<'a>,
    /// Nodes of the rows that take part.
    nodes: Vec<Vec<GeneId>>,
    /// The rows that take part.
    responses: Responses,
    split: Split,
    view: View,
    blocks: Blocks,
    path_scale: [f32; N_FEATURES],
    fingerprint: String,
}

impl<'a> Fit<'a> {
    fn new(config: &'a Config, task: &'a Task<'a>, known: Vec<(usize, Vec<GeneId>)>) -> Result<Self, PredictError> {
        let (rows, nodes): (Vec<usize>, Vec<Vec<GeneId>>) = known.into_iter().unzip();
        let responses = task.responses.subset(&rows);
        let split = Split::seeded(rows.len(), config.folds, task.seed)?;
        let view = View::new(task.graph, &task.responses.genes, config, None, task.device);
        let blocks = Blocks::new(&view, config.genes_per_step, task.seed)?;
        let path_scale = view.perturbed(&nodes)?.path_scale();
        let fingerprint = crate::predict::course::fingerprint(config, task);
        Ok(Self { config, task, nodes, responses, split, view, blocks, path_scale, fingerprint })
    }

    fn rows(&self, rows: &[usize]) -> Result<Rows, PredictError> {
        let nodes: Vec<Vec<GeneId>> = rows.iter().map(|&r| self.nodes[r].clone()).collect();
        Ok(Rows::new(self.view.perturbed(&nodes)?, &self.blocks, &self.path_scale)?)
    }

    /// Trains on the residuals of some rows for at most `steps`; the k-th training of this fit.
    fn train_on(
        &self,
        part: u64,
        (rows, targets, steps, seed): (&[usize], &Targets, u64, u64),
        held_out: Option<HeldOut>,
        observer: &mut dyn Observer,
    ) -> Result<(Network, Vec<Evaluation>), PredictError> {
        let network = Network::new(&self.view, self.config.hidden, seed)?;
        let policy: &dyn StopPolicy = if held_out.is_some() { &Patience(self.config.patience) } else { &Never };
        let learnt = (targets, self.config.dropout);
        let mut training = Training::new(&network, &self.blocks, self.rows(rows)?, learnt, held_out)?;
        let trainer = Trainer { plan: self.plan(part, steps), vars: &network.vars, checkpoint: self.checkpoint(part) };
        let outcome = trainer.run(&mut training, policy, observer)?;
        Ok((network, outcome.history))
    }

    fn plan(&self, part: u64, steps: u64) -> Plan {
        let c = self.config;
        let parts = c.folds as u64 + c.seeds;
        Plan {
            model: NAME.into(),
            steps,
            schedule: Schedule { peak: c.learning_rate, warmup: c.steps / 20, steps: c.steps },
            optimiser: AdamWSettings { weight_decay: c.weight_decay, ..AdamWSettings::default() },
            clip: c.clip,
            evaluate_every: c.evaluate_every,
            part: (part * c.steps, parts * c.steps),
        }
    }

    fn checkpoint(&self, part: u64) -> Option<Checkpoint> {
        self.task.checkpoint.map(|dir| Checkpoint {
            path: dir.join(format!("gears.{part}.safetensors")),
            fit: self.fingerprint.clone(),
            every: CHECKPOINT_EVERY,
            resume: self.task.resume,
        })
    }

    /// Trains once per inner fold and chooses gate and steps.
    fn choose(&self, observer: &mut dyn Observer) -> Result<Choice, PredictError> {
        let mut histories = Vec::new();
        let base = out_of_fold(self.config, self.task, &self.responses, &self.split, observer)?;
        for (part, fold) in self.split.folds.iter().enumerate() {
            let train = self.split.train(fold);
            let outside = self.responses.subset(&train);
            let inner = without(&self.split, part);
            let learnt = self.residuals(&outside, &inner, observer)?;
            let select = |x: &Array2<f32>| x.select(Axis(0), &fold.held_out);
            let (base, truth) = (select(&base), select(&self.responses.delta));
            let rows = self.rows(&fold.held_out)?;
            let held_out = HeldOut::new(rows, &self.blocks, &base, &truth, &outside.mean_delta(), learnt.scale);
            let spec = (train.as_slice(), &learnt.targets, self.config.steps, self.task.seed);
            histories.push(self.train_on(part as u64, spec, Some(held_out), observer)?.1);
        }
        Ok(choose(&histories))
    }

    /// What out-of-fold bases leave of the changes of some rows.
    fn residuals(
        &self,
        rows: &Responses,
        split: &Split,
        observer: &mut dyn Observer,
    ) -> Result<Residuals, PredictError> {
        let base = out_of_fold(self.config, self.task, &changes_only(rows), split, observer)?;
        Ok(Residuals::new(self.config, rows, &base))
    }

    /// Trains the networks that are kept, on all rows, for the chosen number of steps.
    fn train(&self, choice: &Choice, observer: &mut dyn Observer) -> Result<Correction, PredictError> {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        let learnt = self.residuals(&self.responses, &self.split, observer)?;
        let one = |k: u64, observer: &mut dyn Observer| {
            let spec = (all.as_slice(), &learnt.targets, choice.steps, self.task.seed + k);
            let (network, _) = self.train_on(self.config.folds as u64 + k, spec, None, observer)?;
            ready(network, &self.blocks)
        };
        let networks = (0..self.config.seeds).map(|k| one(k, observer)).collect::<Result<_, PredictError>>()?;
        let stored = Stored {
            config: self.config.clone(),
            seed: self.task.seed,
            gate: choice.gate as f32,
            scale: learnt.scale,
            path_scale: self.path_scale,
        };
        let view = View::new(
            self.task.graph,
            &self.task.responses.genes,
            self.config,
            Some(self.view.spectral.clone()),
            self.task.device,
        );
        let blocks = Blocks::new(&view, self.config.genes_per_step, self.task.seed)?;
        Ok(Correction { graph_genes: Arc::clone(self.task.graph.genes()), stored, view, blocks, networks })
    }

    fn report(&self, choice: &Choice) -> Vec<(String, f64)> {
        let n_parameters =
            Network::new(&self.view, self.config.hidden, self.task.seed).map_or(0, |n| n.vars.n_values());
        [
            ("gate", choice.gate),
            ("inner.loss.base", choice.base_loss),
            ("inner.loss.network", choice.best_loss),
            ("inner.standard_error", choice.standard_error),
            ("steps", choice.steps as f64),
            ("parameters", n_parameters as f64),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

#[cfg(test)]
mod tests;
