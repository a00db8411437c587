//! Layers of attention, latent states and the readout.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::{Activation, Module};
use ndarray::Array2;

use super::Config;
use crate::nn::{Neighbourhoods, Variables, rms_norm};

/// The nodes that each layer must compute so that the last one has the targets.
#[derive(Debug)]
pub(super) struct Fields {
    /// Nodes of the input and of each layer's output, ascending; each set holds the next.
    nodes: Vec<Vec<u32>>,
    /// Who listens to whom, per layer.
    layers: Vec<Neighbourhoods>,
}

impl Fields {
    /// Goes from the targets (ascending) back through as many links as there are layers.
    pub(super) fn new(senders: &[Vec<u32>], targets: Vec<u32>, layers: usize) -> Result<Self> {
        let mut nodes = vec![targets];
        for _ in 0..layers {
            let mut wider: Vec<u32> = nodes[0].iter().flat_map(|&n| senders[n as usize].iter().copied()).collect();
            wider.sort_unstable();
            wider.dedup();
            nodes.insert(0, wider);
        }
        let layer = |pair: &[Vec<u32>]| {
            let place = |n: &u32| pair[0].binary_search(n).unwrap_or_default() as u32;
            let of: Vec<Vec<u32>> = pair[1].iter().map(|&n| senders[n as usize].iter().map(place).collect()).collect();
            Neighbourhoods::new(pair[0].len(), &of)
        };
        let layers = nodes.windows(2).map(layer).collect::<Result<_>>()?;
        Ok(Self { nodes, layers })
    }

    /// Rows of one set in an earlier one.
    fn places(&self, of: usize, within: usize, device: &Device) -> Result<Tensor> {
        let place = |n: &u32| self.nodes[within].binary_search(n).unwrap_or_default() as u32;
        Tensor::from_vec(self.nodes[of].iter().map(place).collect::<Vec<_>>(), self.nodes[of].len(), device)
    }
}

/// One layer: weights for senders and receivers, and the attention vector.
#[derive(Debug)]
struct Layer {
    sender: Tensor,
    receiver: Tensor,
    vector: Tensor,
    bias: Tensor,
}

/// The variables.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vars: Variables,
    spectral: Tensor,
    embedding: Tensor,
    layers: Vec<Layer>,
    latent: [Tensor; 2],
    control: Tensor,
    control_layer: [Tensor; 2],
    readout: [Tensor; 4],
    heads: usize,
}

fn linear(v: &mut Variables, name: &str, from: usize, to: usize) -> Result<[Tensor; 2]> {
    let weight = v.normal(&format!("{name}.weight"), &[from, to], (from as f64).powf(-0.5))?;
    Ok([weight, v.zeros(&format!("{name}.bias"), &[to])?])
}

impl Network {
    /// Seeded initial values; `control` is the mean control profile.
    pub(super) fn new(
        config: &Config,
        spectral: &Array2<f32>,
        control: &[f32],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let mut vars = Variables::new(seed, device);
        let v = &mut vars;
        let (h, spread) = (config.hidden, (config.hidden as f64).powf(-0.5));
        let layer = |v: &mut Variables, k: usize| {
            Ok(Layer {
                sender: v.normal(&format!("layer.{k}.sender"), &[h, h], spread)?,
                receiver: v.normal(&format!("layer.{k}.receiver"), &[h, h], spread)?,
                vector: v.normal(&format!("layer.{k}.vector"), &[h], spread)?,
                bias: v.zeros(&format!("layer.{k}.bias"), &[h])?,
            })
        };
        let layers = (0..config.layers).map(|k| layer(v, k)).collect::<Result<Vec<Layer>>>()?;
        let [first, first_bias] = linear(v, "readout.first", config.latent, config.readout)?;
        Ok(Self {
            spectral: Tensor::from_iter(spectral.iter().copied(), device)?.reshape(spectral.dim())?,
            embedding: v.zeros("embedding", &[spectral.nrows(), h])?,
            layers,
            latent: linear(v, "latent", h * (config.layers + 1), config.latent)?,
            control: Tensor::from_slice(control, (1, control.len()), device)?,
            control_layer: linear(v, "control", control.len(), config.latent)?,
            readout: [
                first,
                first_bias,
                v.zeros("readout.second.weight", &[config.readout, control.len()])?,
                v.zeros("readout.second.bias", &[control.len()])?,
            ],
            heads: config.heads,
            vars,
        })
    }

    /// Latent states of the targets, n_targets x latent.
    pub(super) fn states(&self, fields: &Fields) -> Result<Tensor> {
        let device = self.spectral.device();
        let last = fields.nodes.len() - 1;
        let ids = Tensor::from_slice(&fields.nodes[0], fields.nodes[0].len(), device)?;
        let mut x = (&self.spectral + &self.embedding)?.index_select(&ids, 0)?;
        let mut seen = vec![x.index_select(&fields.places(last, 0, device)?, 0)?];
        for (k, (layer, neighbourhoods)) in self.layers.iter().zip(&fields.layers).enumerate() {
            let own = x.index_select(&fields.places(k + 1, k, device)?, 0)?;
            let (l, r) = (x.matmul(&layer.sender)?, own.matmul(&layer.receiver)?.broadcast_add(&layer.bias)?);
            let heard = neighbourhoods.attend(&l, &r, &layer.vector, self.heads)?;
            x = rms_norm(&(own + Activation::Silu.forward(&heard)?)?)?;
            seen.push(x.index_select(&fields.places(last, k + 1, device)?, 0)?);
        }
        Tensor::cat(&seen, 1)?.matmul(&self.latent[0])?.broadcast_add(&self.latent[1])
    }

    /// Everything behind the states.
    pub(super) fn readout(&self) -> Result<Readout> {
        let width = (self.control.dim(1)? as f64).sqrt();
        let control =
            ((self.control.matmul(&self.control_layer[0])? / width)?).broadcast_add(&self.control_layer[1])?;
        Ok(Readout { control, layers: self.readout.clone() })
    }
}

/// From summed states to changes.
#[derive(Debug, Clone)]
pub(super) struct Readout {
    /// The state of the control profile, 1 x latent.
    control: Tensor,
    layers: [Tensor; 4],
}

impl Readout {
    /// Sums of states (n x latent) to outputs, n x n_genes.
    pub(super) fn outputs(&self, sums: &Tensor) -> Result<Tensor> {
        let [w1, b1, w2, b2] = &self.layers;
        let z = rms_norm(&sums.broadcast_add(&self.control)?)?;
        let hidden = Activation::Silu.forward(&rms_norm(&z.matmul(w1)?.broadcast_add(b1)?)?)?;
        hidden.matmul(w2)?.broadcast_add(b2)
    }

    /// All tensors by name.
    pub(super) fn tensors(&self) -> HashMap<String, Tensor> {
        let layers = self.layers.iter().enumerate().map(|(k, t)| (format!("readout.{k}"), t.clone()));
        layers.chain([("control".to_owned(), self.control.clone())]).collect()
    }

    /// The same from [`Readout::tensors`].
    ///
    /// # Errors
    /// A tensor that is missing.
    pub(super) fn from_tensors(from: &HashMap<String, Tensor>) -> Result<Self> {
        let get = |name: &str| match from.get(name) {
            Some(t) => Ok(t.clone()),
            None => bail!("tensor `{name}` is missing"),
        };
        let l = |k: u8| get(&format!("readout.{k}"));
        Ok(Self { control: get("control")?, layers: [l(0)?, l(1)?, l(2)?, l(3)?] })
    }

    /// The same numbers without the way they were computed.
    pub(super) fn detach(&self) -> Self {
        Self { control: self.control.detach(), layers: self.layers.each_ref().map(Tensor::detach) }
    }
}
