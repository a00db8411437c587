//! The prior graph as the network sees it: computed once per graph, shared by all folds.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use ndarray::Array2;

use super::config::Config;
use super::messages::Messages;
use super::paths::{N_FEATURES, Paths, Reached};
use crate::data::{GeneId, GeneIndex};
use crate::graph::GeneGraph;
use crate::nn::{SparseFeatures, SparseMatrix};
use crate::predict::spectral::coordinates;

/// Messages, paths and spectral coordinates of a graph, and which node each measured gene is.
#[derive(Debug)]
pub(super) struct View {
    messages: Messages,
    paths: Paths,
    /// n_nodes x hidden.
    pub(super) spectral: Array2<f32>,
    /// Measured gene of a node.
    gene_of: Vec<Option<u32>>,
    /// Node of a measured gene.
    node_of: Vec<Option<GeneId>>,
    pub(super) device: Device,
}

impl View {
    /// Looks at a graph; spectral coordinates are computed where none are given.
    pub(super) fn new(
        graph: &GeneGraph,
        genes: &Arc<GeneIndex>,
        config: &Config,
        spectral: Option<Array2<f32>>,
        device: &Device,
    ) -> Self {
        let messages = Messages::new(graph, config);
        let spectral = spectral.unwrap_or_else(|| coordinates(messages.merged(), config.hidden, 0));
        let node_of: Vec<Option<GeneId>> = genes.names().iter().map(|name| graph.genes().resolve(name)).collect();
        let mut gene_of = vec![None; graph.n_genes()];
        for (gene, node) in node_of.iter().enumerate() {
            if let Some(node) = node {
                gene_of[node.index()] = Some(gene as u32);
            }
        }
        Self { messages, paths: Paths::new(graph), spectral, gene_of, node_of, device: device.clone() }
    }

    /// Number of measured genes.
    pub(super) fn n_genes(&self) -> usize {
        self.node_of.len()
    }

    /// Number of nodes.
    pub(super) fn n_nodes(&self) -> usize {
        self.gene_of.len()
    }

    /// Kinds of messages.
    pub(super) fn n_kinds(&self) -> usize {
        self.messages.n_kinds()
    }

    /// The spectral coordinates as a tensor, n_nodes x hidden.
    pub(super) fn spectral_tensor(&self) -> Result<Tensor> {
        Tensor::from_iter(self.spectral.iter().copied(), &self.device)?.reshape(self.spectral.dim())
    }

    /// Messages to these nodes, one matrix of n_rows x n_nodes per kind; a row without node receives nothing.
    fn messages_to(&self, nodes: &[Option<GeneId>]) -> Result<Vec<SparseMatrix>> {
        let mut entries = vec![Vec::new(); self.n_kinds()];
        for (row, node) in nodes.iter().enumerate() {
            let senders = node.map(|n| self.messages.of(n)).unwrap_or_default();
            for (kind, senders) in senders.into_iter().enumerate() {
                entries[kind].extend(senders.into_iter().map(|(from, weight)| (row as u32, from, weight)));
            }
        }
        entries.into_iter().map(|e| SparseMatrix::new(nodes.len(), self.n_nodes(), e)).collect()
    }

    /// Messages to these measured genes.
    pub(super) fn messages_to_genes(&self, genes: &[u32]) -> Result<Vec<SparseMatrix>> {
        let nodes: Vec<Option<GeneId>> = genes.iter().map(|&g| self.node_of[g as usize]).collect();
        self.messages_to(&nodes)
    }

    /// The perturbations as the network reads them; each is its list of perturbed nodes.
    pub(super) fn perturbed(&self, perturbations: &[Vec<GeneId>]) -> Result<Perturbed> {
        let mut targets: Vec<GeneId> = perturbations.iter().flatten().copied().collect();
        targets.sort_unstable();
        targets.dedup();
        let position = |node: &GeneId| targets.binary_search(node).unwrap_or_default() as u32;
        let rows = perturbations.iter().zip(0u32..);
        let sums = rows.flat_map(|(nodes, row)| nodes.iter().map(move |n| (row, position(n), 1.0))).collect();
        let nodes: Vec<Option<GeneId>> = targets.iter().copied().map(Some).collect();
        let reached = perturbations.iter().map(|nodes| self.reached(nodes)).collect();
        Ok(Perturbed {
            messages: self.messages_to(&nodes)?,
            sum: SparseMatrix::new(perturbations.len(), targets.len(), sums)?,
            reached,
        })
    }

    /// Path features from all targets of a perturbation to measured genes.
    fn reached(&self, nodes: &[GeneId]) -> Reached {
        let mut all = Reached::new();
        for (node, features) in nodes.iter().flat_map(|&n| self.paths.from(n)) {
            if let Some(gene) = self.gene_of[node as usize] {
                let known = all.entry(gene).or_default();
                known.iter_mut().zip(features).for_each(|(k, f)| *k += f);
            }
        }
        all
    }
}

/// Perturbations as the network reads them.
#[derive(Debug)]
pub(super) struct Perturbed {
    /// Messages to the distinct targets, n_targets x n_nodes per kind.
    pub(super) messages: Vec<SparseMatrix>,
    /// 1 where a perturbation has a target, n_perturbations x n_targets.
    pub(super) sum: SparseMatrix,
    /// Path features by measured gene, one per perturbation.
    reached: Vec<Reached>,
}

impl Perturbed {
    /// Number of perturbations.
    pub(super) fn len(&self) -> usize {
        self.reached.len()
    }

    /// One over the root mean square of each path feature over reached genes (1 where nothing is reached).
    pub(super) fn path_scale(&self) -> [f32; N_FEATURES] {
        let (mut squares, mut n) = ([0f64; N_FEATURES], [0f64; N_FEATURES]);
        for features in self.reached.iter().flat_map(|r| r.values()) {
            for (k, &f) in features.iter().enumerate().filter(|(_, f)| **f != 0.0) {
                squares[k] += f64::from(f) * f64::from(f);
                n[k] += 1.0;
            }
        }
        std::array::from_fn(|k| if n[k] > 0.0 { (n[k] / squares[k]).sqrt() as f32 } else { 1.0 })
    }

    /// Scaled path features to a block of measured genes; `place` is the column of a gene in the block, if it is in it.
    pub(super) fn features(
        &self,
        width: usize,
        place: impl Fn(u32) -> Option<u32>,
        scale: &[f32; N_FEATURES],
    ) -> Result<SparseFeatures> {
        let mut entries = Vec::new();
        for (row, reached) in self.reached.iter().enumerate() {
            for (&gene, features) in reached {
                if let Some(column) = place(gene) {
                    let scaled = features.iter().zip(scale).map(|(f, s)| f * s).collect();
                    entries.push(((row as u32, column), scaled));
                }
            }
        }
        SparseFeatures::new((self.len(), width), N_FEATURES, entries)
    }
}
