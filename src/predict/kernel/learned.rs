//! The kernel: a learned mixture of similarities, sharpened.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::similarity::{Similarity, View};
use super::weights::{Learned, learn, mix};
use crate::data::GeneId;
use crate::graph::GeneGraph;
use crate::stats::{LinalgError, Rng};

/// Fewer perturbations than this cannot tell which of a dozen views matter: all views weigh the same.
const LEAST_TO_LEARN: usize = 50;
/// Views are weighed on at most this many perturbations, drawn by the seed.
const MOST_TO_LEARN: usize = 600;
/// Views with less weight are dropped.
const LEAST_WEIGHT: f64 = 0.01;
/// Where the optimiser starts, and what holds where there is too little to learn from.
const SHARPNESS: f64 = 1.0;
const PENALTY: f64 = 0.1;

/// k = exp(sharpness (sum of weight x similarity - 1)).
#[derive(Debug)]
pub(in crate::predict) struct Kernel {
    pub(in crate::predict) similarity: Similarity,
    /// Weights of the views of the graph.
    pub(in crate::predict) weights: Vec<f64>,
    /// Weights of similarities that come from elsewhere, in the order in which they were given.
    pub(in crate::predict) others: Vec<f64>,
    pub(in crate::predict) sharpness: f64,
}

/// How a kernel is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::predict) struct StoredKernel {
    targets: Vec<Option<String>>,
    views: Vec<View>,
    weights: Vec<f64>,
    others: Vec<f64>,
    sharpness: f64,
}

impl Kernel {
    /// Learns the kernel between the targets of `similarity` from scores (n x r) of the single perturbations at `singles`
    /// (positions of their targets, length n), and returns it with the matrix it gives among all targets. `others` are
    /// further similarities among the targets, each n_targets x n_targets with a diagonal of 1.
    pub(in crate::predict) fn fit(
        mut similarity: Similarity,
        others: Vec<Array2<f64>>,
        singles: &[usize],
        scores: &Array2<f64>,
        seed: u64,
    ) -> Result<(Self, Array2<f64>), LinalgError> {
        let n_views = similarity.views().len();
        let mut matrices: Vec<Array2<f64>> = (0..n_views).into_par_iter().map(|v| similarity.matrix(v)).collect();
        matrices.extend(others);
        let learned = weigh(&matrices, singles, scores, seed)?;
        let keep: Vec<bool> = learned.weights.iter().map(|w| *w >= LEAST_WEIGHT).collect();
        let total: f64 = learned.weights.iter().zip(&keep).filter(|(_, k)| **k).map(|(w, _)| w).sum();
        let mut weights: Vec<f64> =
            learned.weights.iter().zip(&keep).map(|(w, k)| if *k { w / total } else { 0.0 }).collect();
        let mixed = mix(&matrices, &weights);
        let others = weights.split_off(n_views);
        weights.retain(|w| *w > 0.0);
        similarity.retain(&keep[..n_views]);
        let kernel = Self { similarity, weights, others, sharpness: learned.sharpness };
        let matrix = mixed.mapv(|s| kernel.sharpen(s));
        Ok((kernel, matrix))
    }

    /// The kernel between a gene and every training target; a gene outside the graph is equally far from all. `others`
    /// are its similarities that come from elsewhere, one row of length n_targets each.
    pub(in crate::predict) fn of(&self, gene: Option<GeneId>, others: &[Array1<f64>]) -> Array1<f64> {
        let mut similarity = Array1::from(self.similarity.of(gene, &self.weights));
        others.iter().zip(&self.others).for_each(|(row, weight)| similarity.scaled_add(*weight, row));
        similarity.mapv(|s| self.sharpen(s))
    }

    fn sharpen(&self, similarity: f64) -> f64 {
        (self.sharpness * (similarity - 1.0)).exp()
    }

    /// Everything but the graph.
    pub(in crate::predict) fn stored(&self, graph: &crate::data::GeneIndex) -> StoredKernel {
        StoredKernel {
            targets: self.similarity.targets().iter().map(|t| t.map(|g| graph.name(g).to_owned())).collect(),
            views: self.similarity.views().cloned().collect(),
            weights: self.weights.clone(),
            others: self.others.clone(),
            sharpness: self.sharpness,
        }
    }

    /// The kernel in the graph it was learned in; `None` where the graph lacks a target or a channel.
    pub(in crate::predict) fn restore(stored: StoredKernel, graph: &GeneGraph) -> Option<Self> {
        let StoredKernel { targets, views, weights, others, sharpness } = stored;
        let node = |name: String| graph.genes().id(&name);
        let known = targets.into_iter().map(|target| target.map_or(Some(None), |name| node(name).map(Some)));
        let targets = known.collect::<Option<Vec<Option<GeneId>>>>()?;
        Some(Self { similarity: Similarity::of_views(graph, views, targets)?, weights, others, sharpness })
    }
}

fn weigh(matrices: &[Array2<f64>], singles: &[usize], scores: &Array2<f64>, seed: u64) -> Result<Learned, LinalgError> {
    let n = singles.len();
    if n < LEAST_TO_LEARN {
        let weights = vec![1.0 / matrices.len() as f64; matrices.len()];
        return Ok(Learned { weights, sharpness: SHARPNESS, penalty: PENALTY });
    }
    let mut rows: Vec<usize> = (0..n).collect();
    if n > MOST_TO_LEARN {
        Rng::named(seed, "graph-kernel").shuffle(&mut rows);
        rows.truncate(MOST_TO_LEARN);
        rows.sort_unstable();
    }
    let targets: Vec<usize> = rows.iter().map(|&r| singles[r]).collect();
    let part = |m: &Array2<f64>| m.select(Axis(0), &targets).select(Axis(1), &targets);
    let matrices: Vec<Array2<f64>> = matrices.iter().map(part).collect();
    learn(&matrices, &scores.select(Axis(0), &rows), SHARPNESS, PENALTY)
}
