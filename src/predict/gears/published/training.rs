//! The steps of one network.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use ndarray::Array2;

use super::config::Loss;
use super::wiring::Links;
use super::{Config, Network, notices, to_array};
use crate::data::{GeneId, Responses};
use crate::error::Notice;
use crate::nn::{ElementLoss, LossKind, SparseMatrix};
use crate::predict::Task;
use crate::stats::Rng;
use crate::train::{Evaluation, Steps};

/// What all trainings of a fit read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) prior: Links,
    /// n_genes x n_genes.
    pub(super) coexpression: SparseMatrix,
    /// Root mean square of the training changes: the unit of the output.
    pub(super) scale: f32,
    loss: Loss,
    batch: usize,
}

impl Shared {
    pub(super) fn new(config: &Config, task: &Task<'_>, responses: &Responses, told: &mut Vec<Notice>) -> Result<Self> {
        let (coexpression, of_control_cells) = Links::of_coexpression(task.graph, responses, config);
        told.extend(notices(config, responses, of_control_cells));
        let squares: f64 = responses.delta.iter().map(|&v| f64::from(v).powi(2)).sum();
        Ok(Self {
            prior: Links::of_prior(task.graph, config),
            coexpression: coexpression.to_all()?,
            scale: ((squares / responses.delta.len().max(1) as f64).sqrt() as f32).max(f32::MIN_POSITIVE),
            loss: config.loss,
            batch: config.batch,
        })
    }

    /// Messages to the distinct targets, and which of them each perturbation has.
    fn perturbed(&self, nodes: &[Vec<GeneId>]) -> Result<Perturbed> {
        let mut targets: Vec<u32> = nodes.iter().flatten().map(|n| n.0).collect();
        targets.sort_unstable();
        targets.dedup();
        let place = |n: &GeneId| targets.binary_search(&n.0).unwrap_or_default() as u32;
        let entries = (0u32..).zip(nodes).flat_map(|(row, nodes)| nodes.iter().map(move |n| (row, place(n), 1.0)));
        let sum = SparseMatrix::new(nodes.len(), targets.len(), entries.collect())?;
        Ok(Perturbed { messages: self.prior.to(&targets)?, sum })
    }

    /// The loss against some rows, entries in the order of the output (genes x perturbations).
    fn loss(&self, responses: &Responses) -> Result<ElementLoss> {
        let flat = |x: &Array2<f32>| -> Arc<[f32]> { x.t().iter().copied().collect::<Vec<_>>().into() };
        let kind = match (self.loss, moments(responses, self.scale)) {
            (Loss::Autofocus, Some((variance, third))) => {
                LossKind::Fourth { variance: flat(&variance), third: flat(&third) }
            }
            _ => LossKind::Squared,
        };
        ElementLoss::new(flat(&(&responses.delta / self.scale)), kind)
    }
}

/// Variance of control plus perturbed cells and third moment of control minus perturbed cells, in units of `scale`.
pub(super) fn moments(responses: &Responses, scale: f32) -> Option<(Array2<f32>, Array2<f32>)> {
    let control = &responses.control;
    let variance = responses.var.as_ref()? + control.var.as_ref()?;
    let third = control.third.as_ref()? - responses.third.as_ref()?;
    Some((variance / scale.powi(2), third / scale.powi(3)))
}

/// Perturbations as the network reads them.
#[derive(Debug)]
struct Perturbed {
    /// n_targets x n_nodes.
    messages: SparseMatrix,
    /// n_perturbations x n_targets.
    sum: SparseMatrix,
}

impl Perturbed {
    /// Outputs, n_genes x n_perturbations.
    fn outputs(&self, network: &Network, shared: &Shared) -> Result<Tensor> {
        let sums = self.sum.matmul(&network.states(&self.messages)?)?;
        network.readout(&shared.coexpression)?.outputs(&sums)
    }
}

/// Perturbations that choose the number of steps.
#[derive(Debug)]
pub(super) struct HeldOut {
    perturbed: Perturbed,
    /// n_genes x n_perturbations.
    measured: Array2<f32>,
}

impl HeldOut {
    pub(super) fn new(shared: &Shared, responses: &Responses, nodes: Vec<Vec<GeneId>>) -> Result<Self> {
        Ok(Self { perturbed: shared.perturbed(&nodes)?, measured: responses.delta.t().to_owned() })
    }

    /// Mean squared change.
    pub(super) fn no_change(responses: &Responses) -> f64 {
        responses.delta.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / responses.delta.len().max(1) as f64
    }
}

/// The steps of a network on training rows.
#[derive(Debug)]
pub(super) struct Training<'a> {
    network: &'a Network,
    shared: &'a Shared,
    responses: Responses,
    nodes: Vec<Vec<GeneId>>,
    /// All rows, where they fit into one step.
    whole: Option<(Perturbed, ElementLoss)>,
    held_out: Option<HeldOut>,
    seed: u64,
}

impl<'a> Training<'a> {
    pub(super) fn new(
        network: &'a Network,
        shared: &'a Shared,
        (responses, nodes): (Responses, Vec<Vec<GeneId>>),
        held_out: Option<HeldOut>,
        seed: u64,
    ) -> Result<Self> {
        let fits = nodes.len() <= shared.batch;
        let whole = fits.then(|| Ok::<_, candle_core::Error>((shared.perturbed(&nodes)?, shared.loss(&responses)?)));
        Ok(Self { network, shared, whole: whole.transpose()?, responses, nodes, held_out, seed })
    }

    /// The rows of a step, drawn without replacement.
    fn batch(&self, step: u64) -> Result<(Perturbed, ElementLoss)> {
        let mut rows: Vec<usize> = (0..self.nodes.len()).collect();
        Rng::keyed(self.seed, "gears.batch", step, 0).shuffle(&mut rows);
        rows.truncate(self.shared.batch);
        rows.sort_unstable();
        let nodes: Vec<Vec<GeneId>> = rows.iter().map(|&r| self.nodes[r].clone()).collect();
        Ok((self.shared.perturbed(&nodes)?, self.shared.loss(&self.responses.subset(&rows))?))
    }
}

impl Steps for Training<'_> {
    fn loss(&mut self, step: u64) -> Result<Tensor> {
        let drawn = if self.whole.is_none() { Some(self.batch(step)?) } else { None };
        match self.whole.as_ref().or(drawn.as_ref()) {
            Some((perturbed, loss)) => loss.apply(&perturbed.outputs(self.network, self.shared)?),
            None => candle_core::bail!("no perturbation to train on"),
        }
    }

    fn evaluate(&mut self, step: u64) -> Result<Option<Evaluation>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let outputs = to_array(&held_out.perturbed.outputs(self.network, self.shared)?)?;
        let errors = outputs.iter().zip(&held_out.measured).map(|(o, m)| f64::from(o * self.shared.scale - m).powi(2));
        Ok(Some(Evaluation { step, loss: errors.sum::<f64>() / outputs.len().max(1) as f64, kept: Vec::new() }))
    }
}
