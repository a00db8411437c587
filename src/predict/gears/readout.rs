//! From the states of perturbed nodes to changes of all genes: what is left of the network once the graphs have been read.

use std::collections::HashMap;

use candle_core::{Result, Tensor, bail};

use crate::nn::{gene_decoder, rms_norm};

/// Weights and biases of two linear layers.
pub(super) type Layers = [Tensor; 4];

/// The tensors of the decoder. With H the hidden width and G genes, n perturbations:
/// - z = fuse(sum of states of the targets), n x H;
/// - o = gene_decoder(b + z) + offset, G x n (the shared MLP and a vector per gene);
/// - c = cross(o'), n x H: one state that has read all genes;
/// - output = own o + across c' + bias, G x n.
///
/// Each pair of layers is linear, norm, ReLU, linear, norm; a network with `norms` off has its normalisation folded into
/// the weights (batch normalisation with fixed statistics is affine).
#[derive(Debug, Clone)]
pub(super) struct Readout {
    pub(super) norms: bool,
    pub(super) fuse: Layers,
    /// b and v side by side, G x 3H.
    pub(super) genes: Tensor,
    /// (H + 1) x 2H, the bias last.
    pub(super) weights: Tensor,
    /// G x 1.
    pub(super) offset: Tensor,
    pub(super) cross: Layers,
    /// G x 1.
    pub(super) own: Tensor,
    /// G x H.
    pub(super) across: Tensor,
    /// G x 1.
    pub(super) bias: Tensor,
}

impl Readout {
    /// Sums of states (n x H) to outputs, G x n.
    pub(super) fn outputs(&self, sums: &Tensor) -> Result<Tensor> {
        let z = two_layers(sums, &self.fuse, self.norms)?;
        let o = gene_decoder(&self.genes, &z, &self.weights, self.norms)?.broadcast_add(&self.offset)?;
        let c = two_layers(&o.t()?, &self.cross, self.norms)?;
        (o.broadcast_mul(&self.own)? + self.across.matmul(&c.t()?)?)?.broadcast_add(&self.bias)
    }

    /// All tensors by name.
    pub(super) fn tensors(&self) -> HashMap<String, Tensor> {
        let layers = |name: &'static str, l: &Layers| -> Vec<(String, Tensor)> {
            l.iter().enumerate().map(|(k, t)| (format!("{name}.{k}"), t.clone())).collect()
        };
        let single = [
            ("genes", &self.genes),
            ("weights", &self.weights),
            ("offset", &self.offset),
            ("own", &self.own),
            ("across", &self.across),
            ("bias", &self.bias),
        ];
        let single = single.map(|(name, t)| (name.to_owned(), t.clone()));
        single.into_iter().chain(layers("fuse", &self.fuse)).chain(layers("cross", &self.cross)).collect()
    }

    /// The same from [`Readout::tensors`].
    ///
    /// # Errors
    /// A tensor that is missing.
    pub(super) fn from_tensors(norms: bool, from: &HashMap<String, Tensor>) -> Result<Self> {
        let get = |name: &str| match from.get(name) {
            Some(t) => t.contiguous(),
            None => bail!("tensor `{name}` is missing"),
        };
        let layers = |name: &str| -> Result<Layers> {
            let l = |k: u8| get(&format!("{name}.{k}"));
            Ok([l(0)?, l(1)?, l(2)?, l(3)?])
        };
        Ok(Self {
            norms,
            fuse: layers("fuse")?,
            genes: get("genes")?,
            weights: get("weights")?,
            offset: get("offset")?,
            cross: layers("cross")?,
            own: get("own")?,
            across: get("across")?,
            bias: get("bias")?,
        })
    }

    /// The same numbers without the way they were computed.
    pub(super) fn detach(&self) -> Result<Self> {
        let detached = self.tensors().into_iter().map(|(name, t)| (name, t.detach())).collect();
        Self::from_tensors(self.norms, &detached)
    }
}

/// Linear, norm, ReLU, linear, norm: n x width of the first layer to n x width of the second.
pub(super) fn two_layers(x: &Tensor, [w1, b1, w2, b2]: &Layers, norms: bool) -> Result<Tensor> {
    let norm = |x: Tensor| if norms { rms_norm(&x) } else { Ok(x) };
    let hidden = norm(x.matmul(w1)?.broadcast_add(b1)?)?.relu()?;
    norm(hidden.matmul(w2)?.broadcast_add(b2)?)
}
