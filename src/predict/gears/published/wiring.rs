//! The two graphs as the network reads them, normalised as in GEARS' graph layers.

use std::collections::BTreeMap;

use candle_core::Result;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::Config;
use crate::data::{GeneId, GeneIndex, Responses};
use crate::graph::GeneGraph;
use crate::nn::SparseMatrix;
use crate::predict::neighbours::neighbours;

/// The channel in which `grn graph build --coexpression` keeps correlations of control cells.
const CHANNEL: &str = "coexpression";
/// Genes whose correlations with all genes are held at a time.
const BLOCK: usize = 256;

/// Links of a graph: per node its senders with weights, the node itself included.
#[derive(Debug, Clone)]
pub(in crate::predict::gears) struct Links(Vec<Vec<(u32, f32)>>);

impl Links {
    /// Adds the node itself with weight 1 and scales as a graph convolution does (Kipf and Welling 2017): weight / root of
    /// the product of both nodes' sums of weights.
    pub(in crate::predict::gears) fn normalised(mut senders: Vec<Vec<(u32, f32)>>) -> Self {
        senders.iter_mut().zip(0u32..).for_each(|(s, node)| {
            s.retain(|x| x.0 != node);
            s.push((node, 1.0));
            s.sort_by_key(|x| x.0);
        });
        let degree: Vec<f32> = senders.iter().map(|s| s.iter().map(|x| x.1).sum()).collect();
        for (node, senders) in senders.iter_mut().enumerate() {
            senders.iter_mut().for_each(|(from, w)| *w /= (degree[node] * degree[*from as usize]).sqrt());
        }
        Self(senders)
    }

    /// Neighbours in the prior graph, whose merged weight stands where GEARS has the overlap of Gene Ontology terms.
    pub(super) fn of_prior(graph: &GeneGraph, config: &Config) -> Self {
        Self::normalised(neighbours(graph, config.top_k, |e| e.weight))
    }

    /// Co-expression of the measured genes, and whether it is that of control cells (a channel of the graph). A graph
    /// without the channel leaves the correlation of changes over the training perturbations.
    pub(super) fn of_coexpression(graph: &GeneGraph, responses: &Responses, config: &Config) -> (Self, bool) {
        match graph.channel(CHANNEL) {
            Some(_) => (Self::normalised(of_channel(graph, &responses.genes, config)), true),
            None => (Self::normalised(correlated(responses.delta.view(), config)), false),
        }
    }

    /// Messages to these nodes, n_rows x n_nodes.
    pub(super) fn to(&self, nodes: &[u32]) -> Result<SparseMatrix> {
        let of = |(row, &node): (u32, &u32)| self.0[node as usize].iter().map(move |&(from, w)| (row, from, w));
        SparseMatrix::new(nodes.len(), self.0.len(), (0u32..).zip(nodes).flat_map(of).collect())
    }

    /// Messages to all nodes.
    pub(in crate::predict::gears) fn to_all(&self) -> Result<SparseMatrix> {
        self.to(&(0..self.0.len() as u32).collect::<Vec<_>>())
    }
}

fn of_channel(graph: &GeneGraph, genes: &GeneIndex, config: &Config) -> Vec<Vec<(u32, f32)>> {
    let channel = graph.channel(CHANNEL);
    let score = |e: &crate::graph::Edge| e.evidence.iter().find(|(c, _)| Some(*c) == channel).map_or(0.0, |(_, s)| *s);
    let by_node = neighbours(graph, config.coexpressed, score);
    let gene_of: BTreeMap<u32, u32> =
        (0u32..).zip(genes.names()).filter_map(|(gene, name)| Some((graph.genes().resolve(name)?.0, gene))).collect();
    let mut senders = vec![Vec::new(); genes.len()];
    for (node, gene) in &gene_of {
        let all = by_node[*node as usize].iter().filter(|(_, w)| *w > config.correlation);
        senders[*gene as usize] = all.filter_map(|(from, w)| Some((*gene_of.get(from)?, *w))).collect();
    }
    senders
}

/// Genes whose changes over the rows of x correlate. 2 rows genes^2 operations.
fn correlated(x: ArrayView2<'_, f32>, config: &Config) -> Vec<Vec<(u32, f32)>> {
    let n = x.ncols();
    let mut unit = x.t().as_standard_layout().to_owned();
    unit.axis_iter_mut(Axis(0)).for_each(|mut row| {
        let mean = row.mean().unwrap_or_default();
        row.mapv_inplace(|v| v - mean);
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.mapv_inplace(|v| if length > 0.0 { v / length } else { 0.0 });
    });
    let strongest = |(gene, r): (usize, ndarray::ArrayView1<'_, f32>)| {
        let all = r.iter().enumerate().filter(|(other, r)| *other != gene && r.abs() > config.correlation);
        let mut all: Vec<(u32, f32)> = all.map(|(other, r)| (other as u32, r.abs())).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(config.coexpressed);
        all
    };
    let block = |start: usize| -> Vec<Vec<(u32, f32)>> {
        let rows = unit.slice(s![start..(start + BLOCK).min(n), ..]);
        let r: Array2<f32> = rows.dot(&unit.t());
        r.outer_iter().enumerate().map(|(k, r)| strongest((start + k, r))).collect()
    };
    (0..n).into_par_iter().step_by(BLOCK).flat_map_iter(block).collect()
}

/// The nodes of all targets; none where one is not in the graph or there is no target.
pub(super) fn nodes_of(perturbation: &crate::data::Perturbation, graph: &GeneIndex) -> Option<Vec<GeneId>> {
    let nodes: Option<Vec<GeneId>> = perturbation.targets().iter().map(|t| graph.resolve(t)).collect();
    nodes.filter(|n| !n.is_empty())
}
