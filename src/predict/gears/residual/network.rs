//! The network: two graph branches and a per-gene decoder, each computed once per step.

use candle_core::{Result, Tensor};

use super::paths::N_FEATURES;
use super::view::{Perturbed, View};
use crate::nn::{Linear, Mlp, SparseFeatures, SparseMatrix, Variables, rms_norm};
use crate::stats::Rng;

/// A graph network in the shape of GEARS (Roohani et al., Nature Biotechnology 2024).
///
/// With H the hidden width, n perturbations, G genes:
/// - node embeddings = spectral coordinates of the graph + a learned part that starts at zero;
/// - perturbation branch: messages of all kinds to each target, side by side, then an MLP; the sum over the 1-2 targets
///   passes another MLP: z, n x H. Messages are linear in the embeddings (as in GEARS' SGConv), so only rows of targets
///   are computed, never the whole graph;
/// - gene branch: messages to each measured gene, then an MLP: e, G x H;
/// - decoder: d = e M + (a table per gene), G x H, and out = z d';
/// - cross-gene state: c = MLP(z (table' V)), n x H, which reads the output of all genes through a product of H x H, and
///   out += c W';
/// - paths: features of directed paths from the targets to each gene, with weights per gene from e.
///
/// M, the table, W and the weights of paths start at zero, so the first output is exactly zero.
///
/// A step over n perturbations and g genes costs about 6 n g 2H + 6 g H (K H + 2 H) + 6 G H^2 floating point operations
/// with K kinds of messages: 1.2 G at n = 468, g = 2,048, G = 7,225, H = 64, K = 5. Only the n x g block of outputs is
/// held.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vars: Variables,
    spectral: Tensor,
    embedding: Tensor,
    target_mlp: Mlp,
    fuse_mlp: Mlp,
    gene_mlp: Mlp,
    mix: Linear,
    table: Tensor,
    cross_in: Tensor,
    cross_mlp: Mlp,
    cross_out: Tensor,
    path: Linear,
    seed: u64,
}

/// Values dropped at a training step (Srivastava et al. 2014), drawn from seed, step and place alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout {
    /// Share of values dropped.
    pub(super) share: f64,
    /// The training step.
    pub(super) step: u64,
}

impl Dropout {
    /// Drops values of x and scales the others up; `place` tells apart what is dropped in one step.
    fn apply(self, x: &Tensor, seed: u64, place: u64) -> Result<Tensor> {
        if self.share <= 0.0 {
            return Ok(x.clone());
        }
        let mut rng = Rng::keyed(seed, "gears.dropout", self.step, place);
        let (limit, kept) = ((self.share * f64::from(u32::MAX)) as u32, (1.0 - self.share).recip() as f32);
        let mask: Vec<f32> = (0..x.elem_count()).map(|_| if rng.next_u32() < limit { 0.0 } else { kept }).collect();
        x * Tensor::from_vec(mask, x.shape(), x.device())?
    }
}

/// What the decoder needs of some genes, in order.
#[derive(Debug, Clone)]
pub(super) struct GeneState {
    /// g x 2H: decoder and cross-gene weights side by side.
    decoder: Tensor,
    /// g x N_FEATURES.
    path: Tensor,
}

impl GeneState {
    /// The same numbers without the way they were computed.
    pub(super) fn detach(&self) -> Self {
        Self { decoder: self.decoder.detach(), path: self.path.detach() }
    }
}

impl Network {
    /// Seeded initial values.
    pub(super) fn new(view: &View, hidden: usize, seed: u64) -> Result<Self> {
        let mut vars = Variables::new(seed, &view.device);
        let v = &mut vars;
        let (n_genes, width) = (view.n_genes(), view.n_kinds() * hidden);
        Ok(Self {
            spectral: view.spectral_tensor()?,
            embedding: v.zeros("embedding", &[view.n_nodes(), hidden])?,
            target_mlp: Mlp::new(v, "target", [width, hidden, hidden])?,
            fuse_mlp: Mlp::new(v, "fuse", [hidden; 3])?,
            gene_mlp: Mlp::new(v, "gene", [width, hidden, hidden])?,
            mix: Linear::zeros(v, "mix", hidden, hidden)?,
            table: v.zeros("table", &[n_genes, hidden])?,
            cross_in: v.normal("cross.in", &[n_genes, hidden], (n_genes as f64).powf(-0.5))?,
            cross_mlp: Mlp::new(v, "cross", [hidden; 3])?,
            cross_out: v.zeros("cross.out", &[n_genes, hidden])?,
            path: Linear::zeros(v, "path", hidden, N_FEATURES)?,
            vars,
            seed,
        })
    }

    fn receive(&self, messages: &[SparseMatrix]) -> Result<Tensor> {
        let nodes = (&self.spectral + &self.embedding)?;
        let received: Vec<Tensor> = messages.iter().map(|m| m.matmul(&nodes)).collect::<Result<_>>()?;
        Tensor::cat(&received, 1)
    }

    /// z and the cross-gene state side by side, n x 2H; with dropout on messages and z while training.
    pub(super) fn perturbations(&self, perturbed: &Perturbed, dropout: Option<Dropout>) -> Result<Tensor> {
        let drop = |x: Tensor, place| dropout.map_or(Ok(x.clone()), |d| d.apply(&x, self.seed, place));
        let targets = self.target_mlp.forward(&drop(self.receive(&perturbed.messages)?, 0)?)?;
        let z = drop(rms_norm(&self.fuse_mlp.forward(&perturbed.sum.matmul(&targets)?)?)?, 1)?;
        let all_genes = z.matmul(&self.table.t()?.matmul(&self.cross_in)?)?;
        Tensor::cat(&[&z, &self.cross_mlp.forward(&all_genes)?], 1)
    }

    /// The decoder of genes `start..start + len` of the order in which tables are stored.
    pub(super) fn genes(&self, messages: &[SparseMatrix], start: usize, len: usize) -> Result<GeneState> {
        let e = rms_norm(&self.gene_mlp.forward(&self.receive(messages)?)?)?;
        let own = (self.mix.forward(&e)? + self.table.narrow(0, start, len)?)?;
        let decoder = Tensor::cat(&[&own, &self.cross_out.narrow(0, start, len)?], 1)?;
        Ok(GeneState { decoder, path: self.path.forward(&e)? })
    }

    /// The change beyond the base, n x g, in units of the training residuals.
    pub(super) fn decode(state: &Tensor, genes: &GeneState, paths: &SparseFeatures) -> Result<Tensor> {
        state.matmul(&genes.decoder.t()?)? + paths.weigh(&genes.path)?
    }
}
