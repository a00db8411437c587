//! The trait every way of ranking implements, and its entry in the registry.

pub(super) mod boosting;
mod components;
pub(super) mod deg_top;
pub(super) mod degree;
mod examples;
#[cfg(test)]
mod fixture;
pub(super) mod forward;
pub(super) mod frequency;
pub(super) mod interpolation;
pub(super) mod inversion;
pub(super) mod logistic;
pub(super) mod own;
mod own_reading;
pub(super) mod pca_knn;
pub(super) mod random;
pub(super) mod random_forest;
pub(super) mod regulon;
pub(super) mod residual;
pub(super) mod retrieval;
pub(super) mod signs;
pub(super) mod target_shift;
pub(super) mod ulm;
pub(super) mod walk;

use std::sync::{Arc, OnceLock};

use ndarray::{Array2, ArrayView1};

use super::products::Products;
use super::{Atlas, Candidates, Covariance, Frame, Own, Queries, RankError, Response};
use crate::data::Responses;
use crate::graph::GeneGraph;

/// What a scorer is fitted on. It holds training perturbations only: what is not in it cannot leak.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Changes of expression of the training perturbations, n_perturbations x n_genes.
    pub responses: &'a Responses,
    /// Prior knowledge; its genes differ from the measured ones.
    pub graph: &'a GeneGraph,
    /// Centre and units of the training changes.
    pub frame: &'a Frame,
    /// What a model fitted on the same responses expects of every candidate.
    pub atlas: &'a Arc<Atlas>,
    /// The linear response of the same responses, fitted by the first scorer that needs it.
    pub response: &'a OnceLock<Response>,
    /// How genes vary together in control cells, where there are any.
    pub covariance: Option<&'a Covariance>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// The changes whose cause is asked for, as scorers read them; every matrix is n_queries x n_genes and 0 at genes that
/// the queries lack.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The change, turned round where an activation is asked of a screen of knockdowns.
    pub delta: Array2<f32>,
    /// The change less the mean training change.
    pub centred: Array2<f32>,
    /// The change in standard errors where the queries know theirs, else in the spreads of the training changes
    /// ([`Frame::spread`]).
    pub z: Array2<f32>,
    /// Whether the queries have the gene, length n_genes.
    pub known: Vec<bool>,
    /// Products with the atlas, per own-reading mode, when first asked for.
    products: [OnceLock<Arc<Products>>; 2],
}

impl Asked {
    /// These queries times `sign` in this frame.
    pub fn new(queries: &Queries, frame: &Frame, sign: f32) -> Self {
        let centred = frame.centred(queries, sign);
        let delta = &queries.delta * sign;
        let mut z = delta.clone();
        for (q, mut row) in z.outer_iter_mut().enumerate() {
            for (gene, value) in row.iter_mut().enumerate() {
                let error = queries.error.as_ref().map_or(frame.spread[gene], |e| e[[q, gene]]);
                *value = if error > 0.0 { *value / error } else { 0.0 };
            }
        }
        Self { delta, centred, z, known: queries.known.clone(), products: Default::default() }
    }

    /// Products with the responses of an atlas, always the same one.
    pub(super) fn products(&self, atlas: &Atlas, own: Own) -> Arc<Products> {
        let of = &self.products[usize::from(own == Own::Used)];
        Arc::clone(of.get_or_init(|| Arc::new(Products::new(self, atlas, own))))
    }

    /// Log of the mean squared change in units of its noise, per query.
    pub fn strength(&self) -> Vec<f64> {
        let n = self.known.iter().filter(|k| **k).count().max(1) as f64;
        let of = |z: ArrayView1<'_, f32>| (z.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n + 1e-6).ln();
        self.z.outer_iter().map(of).collect()
    }

    /// Number of queries.
    pub fn len(&self) -> usize {
        self.delta.nrows()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Scores candidates by how likely they are upstream of a change.
pub trait Scorer: Send + Sync {
    /// Scores, n_queries x n_candidates; larger is likelier, equal where nothing tells two candidates apart.
    ///
    /// With [`Own::Excluded`] the score of a candidate is no function of the change of that candidate: adding any number
    /// to it leaves the score as it is, to the last bit.
    ///
    /// # Errors
    /// What the scorer's own sources return.
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError>;
}

/// Fits a scorer.
pub type FitScorer = fn(&Known<'_>) -> Result<Box<dyn Scorer>, RankError>;

/// A scorer in the registry.
#[derive(Clone, Copy)]
pub struct ScorerSpec {
    /// Its name on the command line and in tables.
    pub name: &'static str,
    /// One line for lists.
    pub about: &'static str,
    /// Paper or reference implementation.
    pub source: &'static str,
    /// Whether it says anything where the own reading is excluded.
    pub without_own: bool,
    /// Whether the joint score weighs it.
    pub joint: bool,
    /// Fits it.
    pub fit: FitScorer,
}
