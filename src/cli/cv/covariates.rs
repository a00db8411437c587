//! What is known of each perturbation that may decide how well it is predicted.

use crate::data::{GeneId, Perturbation, Responses, Split};
use crate::graph::GeneGraph;

/// One value per perturbation.
pub(super) struct Covariates {
    pub(super) n_cells: Vec<u64>,
    /// Euclidean norm of the measured change.
    pub(super) effect: Vec<f64>,
    /// Genes that change significantly, where the input says so.
    pub(super) n_significant: Option<Vec<usize>>,
    /// Genes that the graph joins to the target (the best known target of a pair).
    pub(super) degree: Vec<Option<f64>>,
    /// Hops from the target to the nearest training target of the fold (the farther target of a pair).
    pub(super) hops: Vec<Option<f64>>,
}

impl Covariates {
    /// Looks everything up. O(folds (V + E) + n_perturbations x n_genes).
    pub(super) fn new(responses: &Responses, split: &Split, graph: &GeneGraph) -> Self {
        let norm = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let significant =
            |s: &ndarray::Array2<f32>| s.outer_iter().map(|r| r.iter().filter(|&&x| x > 0.0).count()).collect();
        let degree = |p: &Perturbation| nodes(p, graph).into_iter().flatten().map(|g| graph.n_partners(g)).max();
        Self {
            n_cells: responses.n_cells.clone(),
            effect: responses.delta.outer_iter().map(norm).collect(),
            n_significant: responses.significant.as_ref().map(significant),
            degree: responses.perturbations.iter().map(|p| degree(p).map(|d| d as f64)).collect(),
            hops: hops(responses, split, graph),
        }
    }
}

/// The node of each target, where the graph has it.
fn nodes(perturbation: &Perturbation, graph: &GeneGraph) -> Vec<Option<GeneId>> {
    perturbation.targets().iter().map(|t| graph.genes().resolve(t)).collect()
}

fn hops(responses: &Responses, split: &Split, graph: &GeneGraph) -> Vec<Option<f64>> {
    let mut out = vec![None; responses.len()];
    for fold in &split.folds {
        let trained = split.train(fold);
        let from: Vec<GeneId> =
            trained.iter().flat_map(|&i| nodes(&responses.perturbations[i], graph)).flatten().collect();
        let hops = graph.hops_from(&from);
        for &row in &fold.held_out {
            let of_targets = nodes(&responses.perturbations[row], graph).into_iter().map(|g| hops[g?.index()]);
            let farthest: Option<Vec<u32>> = of_targets.collect();
            out[row] = farthest.and_then(|h| h.into_iter().max()).map(f64::from);
        }
    }
    out
}
