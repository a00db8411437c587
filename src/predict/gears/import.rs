//! Weights of the reference implementation (cell-gears 0.1.2, `model.pt`), for prediction.
//!
//! With fixed statistics, batch normalisation is affine, so the network's evaluation mode is deterministic and can be computed
//! exactly: every normalisation is folded into the linear layer before it or into the embedding it normalises, the last layer
//! of the shared MLP and the vector w1 of each gene become one vector. The co-expression layer is applied to every
//! perturbation as its weights were trained: with the self edge only, since the reference gives the edges to the first
//! graph of a batch alone, which is one of the 300 it averages. The graph of perturbations is not part of `model.pt`; the prior
//! graph of the run takes its place, so the run must be given the graph that the weights were trained with.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::NAME;
use super::published::{Links, Trained};
use super::readout::{Layers, Readout, two_layers};
use crate::data::{GeneId, GeneIndex};
use crate::error::Notice;
use crate::nn::SparseMatrix;
use crate::predict::{PredictError, Task};

/// Added to variances, the default of batch normalisation in PyTorch.
const EPSILON: f64 = 1e-5;
/// Share of the position embedding in the state of a gene.
const POSITION: f64 = 0.2;

/// Reads weights and the names of their genes and perturbations, and puts them together with the graph of the task, of
/// which each node keeps its `top_k` strongest senders.
///
/// # Errors
/// Files that are absent or not what they should be; weights of another shape than the names say.
pub(super) fn read(
    [weights, genes, nodes]: [&Path; 3],
    top_k: usize,
    task: &Task<'_>,
    notices: &mut Vec<Notice>,
) -> std::result::Result<Trained, PredictError> {
    let (genes, nodes) = (names(genes)?, names(nodes)?);
    let failed = |e: candle_core::Error| PredictError::Saved { path: weights.to_owned(), reason: e.to_string() };
    let state = State::load(weights, task.device).map_err(failed)?;
    let rows: Vec<Option<u32>> =
        task.responses.genes.names().iter().map(|name| genes.resolve(name).map(|g| g.0)).collect();
    let missing = rows.iter().filter(|r| r.is_none()).count();
    if missing > 0 {
        let text = format!("{NAME}: {missing} measured genes have no weights; they are predicted as the training mean");
        notices.push(Notice::new(text));
    }
    let nodes = Arc::new(nodes);
    state.trained(&genes, &nodes, &senders(task, &nodes, top_k), rows).map_err(failed)
}

/// One name a line.
fn names(path: &Path) -> std::result::Result<GeneIndex, PredictError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| PredictError::Saved { path: path.to_owned(), reason: e.to_string() })?;
    Ok(GeneIndex::new(text.lines().map(str::trim).filter(|l| !l.is_empty()))?)
}

/// The strongest senders of each perturbation of the weights, as the graph of the task directs them.
fn senders(task: &Task<'_>, nodes: &GeneIndex, top_k: usize) -> Links {
    let graph = task.graph.genes();
    let place: BTreeMap<GeneId, u32> =
        (0u32..).zip(nodes.names()).filter_map(|(k, name)| Some((graph.resolve(name)?, k))).collect();
    let of = |name: &Arc<str>| {
        let Some(node) = graph.resolve(name) else { return Vec::new() };
        let known = task.graph.in_edges(node).filter(|e| e.source != node);
        let mut all: Vec<(u32, f32)> = known.filter_map(|e| Some((*place.get(&e.source)?, e.weight))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(top_k);
        all
    };
    Links::normalised(nodes.names().iter().map(of).collect())
}

/// The tensors of `model.pt`, f32.
struct State(HashMap<String, Tensor>);

impl State {
    fn load(path: &Path, device: &Device) -> Result<Self> {
        let all = candle_core::pickle::read_all(path)?;
        let plain = |name: &str| name.strip_prefix("module.").unwrap_or(name).to_owned();
        let float = all.into_iter().map(|(name, t)| Ok((plain(&name), t.to_dtype(DType::F32)?.to_device(device)?)));
        Ok(Self(float.collect::<Result<_>>()?))
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        match self.0.get(name) {
            Some(t) => Ok(t),
            None => bail!("expected weights of cell-gears with a tensor `{name}`, got none"),
        }
    }

    /// Rows that the reference cuts back to unit length when it looks them up.
    fn embedding(&self, name: &str, rows: usize) -> Result<Tensor> {
        let x = self.get(name)?;
        if x.dim(0)? != rows {
            bail!("`{name}`: expected one row for each of {rows} names, got {}", x.dim(0)?);
        }
        let length = x.sqr()?.sum_keepdim(1)?.sqrt()?;
        let cut = (length.clone() + 1e-7)?.recip()?;
        x.broadcast_mul(&length.gt(1.0)?.where_cond(&cut, &length.ones_like()?)?)
    }

    /// Scale and shift of a batch normalisation with its running statistics.
    fn affine(&self, name: &str) -> Result<[Tensor; 2]> {
        let get = |part: &str| self.get(&format!("{name}.{part}"));
        let scale = (get("weight")? / (get("running_var")? + EPSILON)?.sqrt()?)?;
        let shift = (get("bias")? - (get("running_mean")? * &scale)?)?;
        Ok([scale, shift])
    }

    /// Weights (in x out) and bias of a linear layer.
    fn linear(&self, name: &str) -> Result<[Tensor; 2]> {
        let weight = self.get(&format!("{name}.weight"))?.t()?.contiguous()?;
        Ok([weight, self.get(&format!("{name}.bias"))?.clone()])
    }

    /// Both linear layers of an MLP with the normalisation behind each folded in.
    fn layers(&self, name: &str) -> Result<Layers> {
        let part = |linear: u8, norm: u8| {
            let [scale, shift] = self.affine(&format!("{name}.network.{norm}"))?;
            fold(self.linear(&format!("{name}.network.{linear}"))?, &scale, &shift)
        };
        let ([w1, b1], [w2, b2]) = (part(0, 1)?, part(3, 4)?);
        Ok([w1, b1, w2, b2])
    }

    fn trained(
        &self,
        genes: &GeneIndex,
        nodes: &Arc<GeneIndex>,
        senders: &Links,
        rows: Vec<Option<u32>>,
    ) -> Result<Trained> {
        for more in ["layers_emb_pos.1.lin.weight", "sim_layers.1.lin.weight"] {
            if self.0.contains_key(more) {
                bail!("expected one layer per graph, got weights with `{more}`");
            }
        }
        let messages: SparseMatrix = senders.to_all()?;
        let [weight, bias] = self.linear("sim_layers.0.lin")?;
        let received = messages.matmul(&self.embedding("pert_emb.weight", nodes.len())?)?;
        let states = received.matmul(&weight)?.broadcast_add(&bias)?;
        Ok(Trained { nodes: Arc::clone(nodes), states, readout: self.readout(genes.len())?, rows, scale: 1.0 })
    }

    /// Everything behind the states of perturbations.
    fn readout(&self, n_genes: usize) -> Result<Readout> {
        let [scale, shift] = self.affine("bn_emb")?;
        let gene = self.embedding("gene_emb.weight", n_genes)?.broadcast_mul(&scale)?.broadcast_add(&shift)?.relu()?;
        let [weight, bias] = self.linear("layers_emb_pos.0.lin")?;
        let position = self.embedding("emb_pos.weight", n_genes)?.matmul(&weight)?.broadcast_add(&bias)?;
        let base = two_layers(&(gene + (position * POSITION)?)?, &self.layers("emb_trans_v2")?, false)?;
        // The normalisation of base + perturbation, split between the two.
        let [scale, shift] = self.affine("bn_pert_base")?;
        let base = base.broadcast_mul(&scale)?.broadcast_add(&shift)?;
        let [f1, c1, f2, c2] = self.layers("pert_fuse")?;
        let [f2, c2] = fold([f2, c2], &scale, &scale.zeros_like()?)?;
        let [w, b, w_second, b_second] = self.layers("recovery_w")?;
        let w1 = self.get("indv_w1")?.squeeze(2)?;
        let w2 = self.get("indv_w2")?.squeeze(0)?;
        let hidden = w1.dim(1)?;
        let offset = (w1.matmul(&b_second.unsqueeze(1)?)? + self.get("indv_b1")?)?;
        Ok(Readout {
            norms: false,
            fuse: [f1, c1, f2, c2],
            genes: Tensor::cat(&[&base, &w1.matmul(&w_second.t()?)?], 1)?,
            weights: Tensor::cat(&[&w, &b.unsqueeze(0)?], 0)?,
            offset,
            cross: self.layers("cross_gene_state")?,
            own: w2.narrow(1, 0, 1)?.contiguous()?,
            across: w2.narrow(1, 1, hidden)?.contiguous()?,
            bias: self.get("indv_b2")?.t()?.contiguous()?,
        })
    }
}

/// A linear layer with scale and shift of its output folded in.
fn fold([weight, bias]: [Tensor; 2], scale: &Tensor, shift: &Tensor) -> Result<[Tensor; 2]> {
    Ok([weight.broadcast_mul(scale)?, ((bias * scale)? + shift)?])
}

#[cfg(test)]
mod tests;
