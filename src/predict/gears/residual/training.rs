//! One training of one network: its steps and, on an inner fold, its held-out rows.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::blocks::{Block, Blocks};
use super::direction::{DirectionTile, Directions};
use super::gate::{Products, best_loss};
use super::network::{Dropout, GeneState, Network};
use super::paths::N_FEATURES;
use super::view::Perturbed;
use crate::nn::{ElementLoss, LossKind, SparseFeatures};
use crate::train::{Evaluation, Steps};

/// What training rows are compared with, n_rows x n_genes each, in units of the scale of the residuals.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) residual: Array2<f32>,
    pub(super) cost: Cost,
    /// Where directions count beside the error.
    pub(super) directions: Option<Directions>,
}

/// What an error costs, per entry.
#[derive(Debug, Clone)]
pub(super) enum Cost {
    Squared,
    Weighted(Array2<f32>),
    Fourth { variance: Array2<f32>, third: Array2<f32> },
}

impl Targets {
    /// The loss over a block of genes.
    fn loss(&self, blocks: &Blocks, at: usize) -> Result<ElementLoss> {
        let tile = |x: &Array2<f32>| -> Arc<[f32]> {
            blocks.columns(&x.view(), blocks.get(at)).iter().copied().collect::<Vec<_>>().into()
        };
        let kind = match &self.cost {
            Cost::Squared => LossKind::Squared,
            Cost::Weighted(w) => LossKind::Weighted(tile(w)),
            Cost::Fourth { variance, third } => LossKind::Fourth { variance: tile(variance), third: tile(third) },
        };
        ElementLoss::new(tile(&self.residual), kind)
    }
}

/// Perturbations and their path features for every block.
#[derive(Debug)]
pub(super) struct Rows {
    perturbed: Perturbed,
    features: Vec<SparseFeatures>,
}

impl Rows {
    pub(super) fn new(perturbed: Perturbed, blocks: &Blocks, path_scale: &[f32; N_FEATURES]) -> Result<Self> {
        let of = |b: &Block| perturbed.features(b.len, |gene| blocks.place(b, gene), path_scale);
        let features = blocks.iter().map(of).collect::<Result<_>>()?;
        Ok(Self { perturbed, features })
    }

    /// Outputs of the network over all genes in the order of the blocks, n_rows x n_genes.
    pub(super) fn outputs(&self, network: &Network, blocks: &Blocks) -> Result<Tensor> {
        let states = blocks.iter().map(|b| network.genes(&b.messages, b.start, b.len)).collect::<Result<Vec<_>>>()?;
        self.outputs_of(network, &states)
    }

    /// The same with the decoder of each block at hand.
    pub(super) fn outputs_of(&self, network: &Network, states: &[GeneState]) -> Result<Tensor> {
        let z = network.perturbations(&self.perturbed, None)?;
        let parts = states.iter().zip(&self.features).map(|(genes, features)| Network::decode(&z, genes, features));
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)
    }
}

/// Held-out rows in the order of the blocks.
#[derive(Debug)]
pub(super) struct HeldOut {
    rows: Rows,
    /// Base prediction, truth and residual, n_rows x n_genes each; the first two centred.
    base: Array2<f32>,
    truth: Array2<f32>,
    residual: Array2<f32>,
    /// What one unit of output is.
    scale: f32,
}

impl HeldOut {
    /// Base and truth are n_rows x n_genes, `mean` is the mean change of the rows that train.
    pub(super) fn new(
        rows: Rows,
        blocks: &Blocks,
        base: &Array2<f32>,
        truth: &Array2<f32>,
        mean: &Array1<f32>,
        scale: f32,
    ) -> Self {
        let ordered = |x: &Array2<f32>| {
            let parts: Vec<Array2<f32>> = blocks.iter().map(|b| blocks.columns(&x.view(), b)).collect();
            let views: Vec<_> = parts.iter().map(|p| p.view()).collect();
            ndarray::concatenate(Axis(1), &views).unwrap_or_else(|_| x.clone())
        };
        let centred = |x: &Array2<f32>| {
            let mut x = ordered(&(x - mean));
            x.axis_iter_mut(Axis(0)).for_each(|mut row| {
                let m = row.iter().map(|&v| f64::from(v)).sum::<f64>() / row.len().max(1) as f64;
                row.mapv_inplace(|v| v - m as f32);
            });
            x
        };
        let residual = ordered(&(truth - base));
        Self { base: centred(base), truth: centred(truth), residual, rows, scale }
    }

    fn products(&self, outputs: &Array2<f32>) -> Vec<Products> {
        let row = |i: usize| {
            let g = outputs.row(i).mapv(|v| v * self.scale);
            let (b, t, r, g) = (self.base.row(i), self.truth.row(i), self.residual.row(i), g.view());
            let sum = g.iter().map(|&v| f64::from(v)).sum::<f64>();
            let gg_raw = dot(g, g);
            Products {
                bb: dot(b, b),
                tt: dot(t, t),
                bt: dot(b, t),
                gb: dot(g, b),
                gt: dot(g, t),
                gg: gg_raw - sum * sum / g.len().max(1) as f64,
                rr: dot(r, r),
                rg: dot(r, g),
                gg_raw,
            }
        };
        (0..outputs.nrows()).map(row).collect()
    }
}

fn dot(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// The steps of a network on training rows.
#[derive(Debug)]
pub(super) struct Training<'a> {
    network: &'a Network,
    blocks: &'a Blocks,
    rows: Rows,
    losses: Vec<(ElementLoss, Option<DirectionTile>)>,
    held_out: Option<HeldOut>,
    dropout: f64,
}

impl<'a> Training<'a> {
    pub(super) fn new(
        network: &'a Network,
        blocks: &'a Blocks,
        rows: Rows,
        (targets, dropout): (&Targets, f64),
        held_out: Option<HeldOut>,
    ) -> Result<Self> {
        let direction =
            |b: usize| targets.directions.as_ref().map(|d| d.tile(blocks, b, network.vars.device())).transpose();
        let losses = (0..blocks.len()).map(|b| Ok((targets.loss(blocks, b)?, direction(b)?))).collect::<Result<_>>()?;
        Ok(Self { network, blocks, rows, losses, held_out, dropout })
    }
}

impl Steps for Training<'_> {
    fn loss(&mut self, step: u64) -> Result<Tensor> {
        let at = (step % self.blocks.len() as u64) as usize;
        let block = self.blocks.get(at);
        let dropout = Dropout { share: self.dropout, step };
        let state = self.network.perturbations(&self.rows.perturbed, Some(dropout))?;
        let genes = self.network.genes(&block.messages, block.start, block.len)?;
        let output = Network::decode(&state, &genes, &self.rows.features[at])?;
        let (error, direction) = &self.losses[at];
        let loss = error.apply(&output)?;
        direction.as_ref().map_or(Ok(loss.clone()), |d| loss + d.loss(&output)?)
    }

    fn evaluate(&mut self, step: u64) -> Result<Option<Evaluation>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let outputs = to_array(&held_out.rows.outputs(self.network, self.blocks)?)?;
        let products = held_out.products(&outputs);
        let kept = products.iter().flat_map(|p| p.to_array()).collect();
        Ok(Some(Evaluation { step, loss: best_loss(&products), kept }))
    }
}

/// A matrix of tensors as an array.
pub(super) fn to_array(x: &Tensor) -> Result<Array2<f32>> {
    let values = x.flatten_all()?.to_vec1::<f32>()?;
    Array2::from_shape_vec(x.dims2()?, values).map_err(|e| candle_core::Error::Msg(e.to_string()))
}
