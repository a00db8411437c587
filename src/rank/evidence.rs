//! What every scorer says about every candidate.

use ndarray::Array2;
use rayon::prelude::*;

use super::propagation::Propagation;
use super::retrieval::{self, Products};
use super::{Candidates, FEATURES, Frame, Own, Queries, RankError};
use crate::data::Responses;
use crate::predict::{Basis, Predictor};

/// Own readings beyond this many spreads count as this many.
const LARGEST_OWN: f32 = 10.0;

/// Features of all candidates for queries of one sign and one own-reading mode.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// One matrix per entry of [`FEATURES`], n_queries x n_candidates.
    pub(super) features: [Array2<f32>; FEATURES.len()],
    /// Root of the mean squared training change over |q|: turns projections into cosines. No score uses it.
    to_cosine: Vec<f64>,
    /// Length of the predicted response per candidate.
    pub(super) response_norm: Vec<f64>,
    /// What the predictions rest on.
    pub(super) basis: Vec<Basis>,
}

impl Evidence {
    /// Cosine of query and predicted response.
    pub(super) fn cosine(&self, query: usize, candidate: usize) -> f64 {
        f64::from(self.features[1][[query, candidate]]) * self.to_cosine[query]
    }
}

/// What evidence is gathered from.
pub(super) struct Gather<'a> {
    pub(super) predictor: &'a dyn Predictor,
    pub(super) responses: &'a Responses,
    pub(super) frame: &'a Frame,
    pub(super) propagation: &'a Propagation,
}

impl Gather<'_> {
    /// Evidence for every sign (outer) and own-reading mode (inner).
    pub(super) fn evidence(
        &self,
        queries: &Queries,
        candidates: &Candidates,
        signs: &[f32],
        own: &[Own],
    ) -> Result<Vec<Vec<Evidence>>, RankError> {
        let centred: Vec<Array2<f32>> = signs.iter().map(|&s| self.frame.centred(queries, s)).collect();
        let forward = retrieval::forward(self.predictor, self.frame, queries, &centred, candidates)?;
        let of_sign = |(products, centred): (Products, &Array2<f32>)| {
            let walk = self.walk(queries, centred, candidates);
            let of_own = |own: &Own| self.of_own(*own, &products, centred, &walk, queries, candidates);
            own.iter().map(of_own).collect()
        };
        Ok(forward.into_iter().zip(&centred).map(of_sign).collect())
    }

    /// Cosine with the measured signature of candidates seen in training, NaN for the others.
    pub(super) fn measured(&self, queries: &Queries, candidates: &Candidates, sign: f32) -> Array2<f32> {
        let centred = self.frame.centred(queries, sign);
        retrieval::measured(self.responses, self.frame, queries, &centred, candidates)
    }

    fn of_own(
        &self,
        own: Own,
        products: &Products,
        centred: &Array2<f32>,
        walk: &Array2<f32>,
        queries: &Queries,
        candidates: &Candidates,
    ) -> Evidence {
        let shape = (queries.len(), candidates.len());
        let (products, reading) = match own {
            Own::Excluded => (products.clone(), Array2::zeros(shape)),
            Own::Used => (products.with_own(candidates, centred), self.own_reading(queries, centred, candidates)),
        };
        let (square, scale) = (self.frame.squared_scale, self.frame.squared_scale.sqrt());
        let likelihood = Array2::from_shape_fn(shape, |(q, c)| (products.likelihood(q, c) / square) as f32);
        let projection = Array2::from_shape_fn(shape, |(q, c)| (products.projection(q, c) / scale) as f32);
        Evidence {
            features: [likelihood, projection, walk.clone(), reading],
            to_cosine: centred.outer_iter().map(|q| scale / retrieval::norm(q).max(f64::MIN_POSITIVE)).collect(),
            response_norm: products.squared_norm.iter().map(|n| n.sqrt()).collect(),
            basis: products.basis,
        }
    }

    /// The walk, in units of the root mean square training change.
    fn walk(&self, queries: &Queries, centred: &Array2<f32>, candidates: &Candidates) -> Array2<f32> {
        let unit = (self.frame.squared_scale / self.frame.mean.len().max(1) as f64).sqrt();
        let mut out = Array2::zeros((queries.len(), candidates.len()));
        let uniform = self.propagation.uniform(&queries.known);
        out.outer_iter_mut().into_par_iter().zip(centred.outer_iter().into_par_iter()).for_each(|(mut to, change)| {
            let scores = self.propagation.scores(change, &queries.known, &uniform, candidates);
            to.iter_mut().zip(scores).for_each(|(to, s)| *to = (s / unit) as f32);
        });
        out
    }

    /// How far the candidate itself has fallen, in spreads of that gene over training perturbations of other genes.
    fn own_reading(&self, queries: &Queries, centred: &Array2<f32>, candidates: &Candidates) -> Array2<f32> {
        Array2::from_shape_fn((queries.len(), candidates.len()), |(q, c)| match candidates.gene[c] {
            Some(g) => (-centred[[q, g.index()]] / self.frame.spread[g.index()]).clamp(-LARGEST_OWN, LARGEST_OWN),
            None => 0.0,
        })
    }
}
