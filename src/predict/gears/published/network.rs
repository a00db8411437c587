//! The variables, and the way from them to a [`Readout`].

use candle_core::{Device, Result, Tensor};

use super::super::readout::{Layers, Readout, two_layers};
use crate::nn::{SparseMatrix, Variables, rms_norm};

/// Share of the position embedding in the state of a gene, as published.
const POSITION: f64 = 0.2;

/// GEARS' network with normalisation of rows in place of batch normalisation.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vars: Variables,
    gene: Tensor,
    position: Tensor,
    position_layer: [Tensor; 2],
    gene_layers: Layers,
    perturbation: Tensor,
    perturbation_layer: [Tensor; 2],
    fuse: Layers,
    /// (H + 1) x 2H with the bias last, and 2H x H.
    shared: [Tensor; 2],
    w1: Tensor,
    b1: Tensor,
    cross: Layers,
    own: Tensor,
    across: Tensor,
    bias: Tensor,
}

/// Normal weights with variance 1 / in_width and a bias of zeros.
fn linear(v: &mut Variables, name: &str, from: usize, to: usize) -> Result<[Tensor; 2]> {
    let weight = v.normal(&format!("{name}.weight"), &[from, to], (from as f64).powf(-0.5))?;
    Ok([weight, v.zeros(&format!("{name}.bias"), &[to])?])
}

fn layers(v: &mut Variables, name: &str, widths: [usize; 3]) -> Result<Layers> {
    let [w1, b1] = linear(v, &format!("{name}.first"), widths[0], widths[1])?;
    let [w2, b2] = linear(v, &format!("{name}.second"), widths[1], widths[2])?;
    Ok([w1, b1, w2, b2])
}

impl Network {
    /// Seeded initial values for a graph of `nodes` genes and `genes` measured ones; embeddings have about unit length and
    /// tables per gene the standard deviation of Glorot and Bengio (2010), as published.
    pub(super) fn new((nodes, genes): (usize, usize), hidden: usize, seed: u64, device: &Device) -> Result<Self> {
        let mut vars = Variables::new(seed, device);
        let v = &mut vars;
        let unit = (hidden as f64).powf(-0.5);
        let glorot = |fan_in: usize, fan_out: usize| (2.0 / (fan_in + fan_out) as f64).sqrt();
        Ok(Self {
            gene: v.normal("gene", &[genes, hidden], unit)?,
            position: v.normal("position", &[genes, hidden], unit)?,
            position_layer: linear(v, "position.layer", hidden, hidden)?,
            gene_layers: layers(v, "gene.layers", [hidden; 3])?,
            perturbation: v.normal("perturbation", &[nodes, hidden], unit)?,
            perturbation_layer: linear(v, "perturbation.layer", hidden, hidden)?,
            fuse: layers(v, "fuse", [hidden; 3])?,
            shared: [
                v.normal("decoder.first", &[hidden + 1, 2 * hidden], unit)?,
                v.normal("decoder.second", &[2 * hidden, hidden], (2.0 * hidden as f64).powf(-0.5))?,
            ],
            w1: v.normal("w1", &[genes, hidden], glorot(genes, hidden))?,
            b1: v.zeros("b1", &[genes, 1])?,
            cross: layers(v, "cross", [genes, hidden, hidden])?,
            own: v.normal("w2.own", &[genes, 1], glorot(genes, hidden + 1))?,
            across: v.normal("w2.across", &[genes, hidden], glorot(genes, hidden + 1))?,
            bias: v.zeros("b2", &[genes, 1])?,
            vars,
        })
    }

    /// States of the nodes that the messages go to, n x H.
    pub(super) fn states(&self, messages: &SparseMatrix) -> Result<Tensor> {
        let [weight, bias] = &self.perturbation_layer;
        messages.matmul(&self.perturbation)?.matmul(weight)?.broadcast_add(bias)
    }

    /// Everything behind the states. The gene branch (embedding, co-expression layer, MLP) is the same for every
    /// perturbation and computed once.
    pub(super) fn readout(&self, coexpression: &SparseMatrix) -> Result<Readout> {
        let [weight, bias] = &self.position_layer;
        let position = coexpression.matmul(&self.position)?.matmul(weight)?.broadcast_add(bias)?;
        let state = (rms_norm(&self.gene)?.relu()? + (position * POSITION)?)?;
        let base = two_layers(&state, &self.gene_layers, true)?;
        let own = self.w1.matmul(&self.shared[1].t()?)?;
        Ok(Readout {
            norms: true,
            fuse: self.fuse.clone(),
            genes: Tensor::cat(&[&base, &own], 1)?,
            weights: self.shared[0].clone(),
            offset: self.b1.clone(),
            cross: self.cross.clone(),
            own: self.own.clone(),
            across: self.across.clone(),
            bias: self.bias.clone(),
        })
    }
}
