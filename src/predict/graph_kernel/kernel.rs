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
pub(super) struct Kernel {
    pub(super) similarity: Similarity,
    pub(super) weights: Vec<f64>,
    pub(super) sharpness: f64,
}

/// How a kernel is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredKernel {
    targets: Vec<Option<String>>,
    views: Vec<View>,
    weights: Vec<f64>,
    sharpness: f64,
}

impl Kernel {
    /// Learns the kernel between `targets` from scores (n x r) of the single perturbations at `singles` (positions of
    /// their targets, length n), and returns it with the similarity matrix it gives among all targets.
    pub(super) fn fit(
        graph: &GeneGraph,
        targets: Vec<Option<GeneId>>,
        singles: &[usize],
        scores: &Array2<f64>,
        seed: u64,
    ) -> Result<(Self, Array2<f64>), LinalgError> {
        let mut similarity = Similarity::all(graph, targets);
        let matrices: Vec<Array2<f64>> =
            (0..similarity.views().len()).into_par_iter().map(|v| similarity.matrix(v)).collect();
        let learned = weigh(&matrices, singles, scores, seed)?;
        let keep: Vec<bool> = learned.weights.iter().map(|w| *w >= LEAST_WEIGHT).collect();
        let kept = |x: &[f64]| x.iter().zip(&keep).filter(|(_, k)| **k).map(|(w, _)| *w).collect::<Vec<f64>>();
        let weights = kept(&learned.weights);
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let matrices: Vec<Array2<f64>> = matrices.into_iter().zip(&keep).filter(|(_, k)| **k).map(|(m, _)| m).collect();
        similarity.retain(&keep);
        let mixed = mix(&matrices, &weights);
        let kernel = Self { similarity, weights, sharpness: learned.sharpness };
        let matrix = mixed.mapv(|s| kernel.sharpen(s));
        Ok((kernel, matrix))
    }

    /// The kernel between a gene and every training target; a gene outside the graph is equally far from all.
    pub(super) fn of(&self, gene: Option<GeneId>) -> Array1<f64> {
        self.similarity.of(gene, &self.weights).into_iter().map(|s| self.sharpen(s)).collect()
    }

    fn sharpen(&self, similarity: f64) -> f64 {
        (self.sharpness * (similarity - 1.0)).exp()
    }

    /// Everything but the graph.
    pub(super) fn stored(&self, graph: &crate::data::GeneIndex) -> StoredKernel {
        StoredKernel {
            targets: self.similarity.targets().iter().map(|t| t.map(|g| graph.name(g).to_owned())).collect(),
            views: self.similarity.views().cloned().collect(),
            weights: self.weights.clone(),
            sharpness: self.sharpness,
        }
    }

    /// The kernel in the graph it was learned in; `None` where the graph lacks a target or a channel.
    pub(super) fn restore(stored: StoredKernel, graph: &GeneGraph) -> Option<Self> {
        let StoredKernel { targets, views, weights, sharpness } = stored;
        let node = |name: String| graph.genes().id(&name);
        let known = targets.into_iter().map(|target| target.map_or(Some(None), |name| node(name).map(Some)));
        let targets = known.collect::<Option<Vec<Option<GeneId>>>>()?;
        Some(Self { similarity: Similarity::of_views(graph, views, targets)?, weights, sharpness })
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
