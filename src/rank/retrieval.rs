//! Comparing a query with the response that each candidate would cause.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use rayon::prelude::*;

use super::{Candidates, Frame, Queries, RankError};
use crate::data::{GeneId, Perturbation, Responses};
use crate::predict::{Basis, PredictError, Predictor};

/// Candidates predicted and compared at once: bounds memory to this many rows per thread.
const BLOCK: usize = 128;

/// Products of queries q with candidate responses d, both centred (see [`Frame`]).
///
/// The candidate's own gene is left out of `dot` and `squared_norm`: it is set to zero in d before anything is
/// multiplied, so that no value of q at that gene can reach them.
#[derive(Debug, Clone)]
pub(super) struct Products {
    /// <q, d>, n_queries x n_candidates.
    pub(super) dot: Array2<f32>,
    /// |d|^2 per candidate.
    pub(super) squared_norm: Vec<f64>,
    /// The left-out own coordinate of d; 0 where the candidate is not measured.
    pub(super) own: Vec<f32>,
    /// Whether the response rests on the graph, or only on the training mean.
    pub(super) basis: Vec<Basis>,
}

impl Products {
    /// 2<q, d> - |d|^2: log likelihood of q as d plus noise, up to a factor and a term common to all candidates.
    pub(super) fn likelihood(&self, query: usize, candidate: usize) -> f64 {
        2.0 * f64::from(self.dot[[query, candidate]]) - self.squared_norm[candidate]
    }

    /// <q, d> / |d|: orders candidates as the cosine does, because |q| is common to all; 0 for d = 0.
    pub(super) fn projection(&self, query: usize, candidate: usize) -> f64 {
        let norm = self.squared_norm[candidate].sqrt();
        if norm > 0.0 { f64::from(self.dot[[query, candidate]]) / norm } else { 0.0 }
    }

    /// The same products with the own coordinate, for centred queries (n_queries x n_genes).
    #[must_use]
    pub(super) fn with_own(&self, candidates: &Candidates, centred: &Array2<f32>) -> Self {
        let mut out = self.clone();
        for (c, gene) in candidates.gene.iter().enumerate() {
            let Some(gene) = gene else { continue };
            out.squared_norm[c] += f64::from(self.own[c]).powi(2);
            for q in 0..centred.nrows() {
                out.dot[[q, c]] += centred[[q, gene.index()]] * self.own[c];
            }
        }
        out
    }
}

/// Compares queries with the predicted response of every candidate.
///
/// A candidate perturbed in training has the response the model fitted for it, its own measurement included; the others
/// have a prediction. A candidate the model does not know has the training mean.
///
/// # Complexity
/// One prediction and n_queries x n_genes products per candidate, in parallel over blocks of candidates.
pub(super) fn forward(
    predictor: &dyn Predictor,
    frame: &Frame,
    queries: &Queries,
    centred: &[Array2<f32>],
    candidates: &Candidates,
) -> Result<Vec<Products>, RankError> {
    let all: Vec<usize> = (0..candidates.len()).collect();
    let blocks: Vec<(Vec<Products>, usize)> = all
        .par_chunks(BLOCK)
        .map(|block| {
            let mut responses = Array2::zeros((block.len(), frame.mean.len()));
            let mut basis = Vec::with_capacity(block.len());
            for (&c, mut row) in block.iter().zip(responses.outer_iter_mut()) {
                let (delta, on) = predicted(predictor, &candidates.names[c], frame)?;
                row.assign(&delta);
                basis.push(on);
            }
            let own: Vec<Option<usize>> = block.iter().map(|&c| candidates.gene[c].map(GeneId::index)).collect();
            Ok((compare(centred, frame, queries, responses, &own, &basis), block.len()))
        })
        .collect::<Result<_, RankError>>()?;
    Ok(joined(blocks, centred.len(), queries.len(), candidates.len()))
}

/// Compares queries with the measured signatures of the candidates perturbed in training: the cosine without the own
/// gene, n_queries x n_candidates, NaN for candidates that were not perturbed.
pub(super) fn measured(
    responses: &Responses,
    frame: &Frame,
    queries: &Queries,
    centred: &Array2<f32>,
    candidates: &Candidates,
) -> Array2<f32> {
    let seen: Vec<(usize, usize)> =
        candidates.seen.iter().enumerate().filter_map(|(c, row)| Some((c, (*row)?))).collect();
    let rows: Vec<usize> = seen.iter().map(|s| s.1).collect();
    let own: Vec<Option<usize>> = seen.iter().map(|&(c, _)| candidates.gene[c].map(GeneId::index)).collect();
    let signatures = responses.delta.select(Axis(0), &rows);
    let basis = vec![Basis::Graph; rows.len()];
    let products = compare(std::slice::from_ref(centred), frame, queries, signatures, &own, &basis).remove(0);
    let mut out = Array2::from_elem((queries.len(), candidates.len()), f32::NAN);
    for q in 0..queries.len() {
        let norm = norm(centred.row(q));
        for (k, &(c, _)) in seen.iter().enumerate() {
            out[[q, c]] = if norm > 0.0 { (products.projection(q, k) / norm) as f32 } else { 0.0 };
        }
    }
    out
}

/// Euclidean length.
pub(super) fn norm(x: ArrayView1<'_, f32>) -> f64 {
    x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

fn predicted(predictor: &dyn Predictor, gene: &str, frame: &Frame) -> Result<(Array1<f32>, Basis), RankError> {
    match predictor.predict(&Perturbation::of([gene])) {
        Ok(prediction) => Ok((prediction.delta.mean.into(), prediction.basis)),
        Err(PredictError::UnknownTarget { .. }) => Ok((frame.mean.clone().into(), Basis::Fallback)),
        Err(other) => Err(other.into()),
    }
}

/// Products of each set of centred queries with responses (n_candidates x n_genes, not yet centred).
fn compare(
    centred: &[Array2<f32>],
    frame: &Frame,
    queries: &Queries,
    mut responses: Array2<f32>,
    own: &[Option<usize>],
    basis: &[Basis],
) -> Vec<Products> {
    let mut own_value = vec![0.0; own.len()];
    for (c, mut d) in responses.outer_iter_mut().enumerate() {
        for ((x, m), known) in d.iter_mut().zip(&frame.mean).zip(&queries.known) {
            *x = if *known { *x - m } else { 0.0 };
        }
        if let Some(gene) = own[c] {
            own_value[c] = std::mem::take(&mut d[gene]);
        }
    }
    let squared_norm: Vec<f64> = responses.outer_iter().map(|d| norm(d).powi(2)).collect();
    let products = |q: &Array2<f32>| Products {
        dot: q.dot(&responses.t()),
        squared_norm: squared_norm.clone(),
        own: own_value.clone(),
        basis: basis.to_vec(),
    };
    centred.iter().map(products).collect()
}

/// Puts blocks of candidates side by side, per set of centred queries.
fn joined(blocks: Vec<(Vec<Products>, usize)>, n_sets: usize, n_queries: usize, n_candidates: usize) -> Vec<Products> {
    let empty = || Products {
        dot: Array2::zeros((n_queries, n_candidates)),
        squared_norm: Vec::with_capacity(n_candidates),
        own: Vec::with_capacity(n_candidates),
        basis: Vec::with_capacity(n_candidates),
    };
    let mut out: Vec<Products> = (0..n_sets).map(|_| empty()).collect();
    let mut start = 0;
    for (block, n) in blocks {
        for (to, from) in out.iter_mut().zip(block) {
            to.dot.slice_mut(ndarray::s![.., start..start + n]).assign(&from.dot);
            to.squared_norm.extend(from.squared_norm);
            to.own.extend(from.own);
            to.basis.extend(from.basis);
        }
        start += n;
    }
    out
}
