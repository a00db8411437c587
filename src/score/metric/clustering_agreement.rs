//! Do predicted perturbations cluster as the real ones do? One number for all perturbations, as cell-eval 0.8.2 defines it.
//!
//! Mean profiles of the perturbations (all genes, log1p, without the control) are joined to their 15 nearest neighbours
//! (the profile itself is one of them; fewer perturbations, all but one), weighted as UMAP does, and clustered by Leiden
//! with two iterations and seed 0. Clusters of the real profiles at resolution 1 are compared with those of the predicted
//! ones at 0.2, 0.4, 0.6, 0.8, 1, 1.5 and 2; the value is the best adjusted mutual information, at least 0. NaN for fewer
//! than three perturbations.
//!
//! The best of seven noisy comparisons: where profiles form no clear clusters the value depends on the order in which
//! Leiden visits them. Draws are those of scanpy 1.11 with igraph 1.0, so values agree with that installation.

use rayon::prelude::*;

use super::{Comparison, ScoreError, Values, per_label};
use crate::stats::{WeightedGraph, adjusted_mutual_information, fuzzy_neighbour_graph, leiden};

const NEIGHBOURS: usize = 15;
const OF_REAL: f64 = 1.0;
const OF_PREDICTED: [f64; 7] = [0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0];
const ITERATIONS: usize = 2;
const SEED: u32 = 0;

pub(super) fn evaluate(c: &Comparison) -> Result<Values, ScoreError> {
    let n = c.n_labels();
    let value = if n < 3 { f64::NAN } else { agreement(c, NEIGHBOURS.min(n - 1)) };
    per_label(c, |_| Some(value))
}

fn agreement(c: &Comparison, k: usize) -> f64 {
    let [real, pred] = [&c.real, &c.pred].map(|side| fuzzy_neighbour_graph(side.mean.view(), k));
    let clusters = |graph: &WeightedGraph, resolution| leiden(graph, resolution, ITERATIONS, SEED);
    let truth = clusters(&real, OF_REAL);
    let of = |&resolution: &f64| adjusted_mutual_information(&truth, &clusters(&pred, resolution));
    OF_PREDICTED.par_iter().map(of).collect::<Vec<f64>>().into_iter().fold(0.0, f64::max)
}
