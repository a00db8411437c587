//! Retrieval from the responses that the forward model predicts.
//!
//! q is the change less the training mean, d the predicted response of a candidate less the same, C the covariance of
//! what predictions of held-out perturbations missed, v the spread that the distance of the candidate stands for. No
//! score is divided by the length of q: that would make the score of a gene depend on its own change.

use std::sync::Arc;

use ndarray::Array2;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::products::Products;
use crate::rank::{Asked, Atlas, Candidates, Own, RankError};

/// 2 <q, d> - |d|^2.
pub(in crate::rank) const LIKELIHOOD: ScorerSpec = ScorerSpec {
    name: "likelihood",
    about: "likelihood of the change as predicted response plus equal noise",
    source: "log density of a normal distribution, less what all candidates share",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Likelihood),
};

/// <q, d> / |d|.
pub(in crate::rank) const COSINE: ScorerSpec = ScorerSpec {
    name: "cosine",
    about: "cosine with the predicted response",
    source: "connectivity by cosine (Duan et al., npj Systems Biology and Applications 2, 2016)",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Cosine),
};

/// <q, C^-1 d> / sqrt(<d, C^-1 d>).
pub(in crate::rank) const WHITENED: ScorerSpec = ScorerSpec {
    name: "whitened",
    about: "cosine with the predicted response where held-out predictions err little",
    source: "matched filter in coloured noise (Turin, IRE Transactions on Information Theory 6, 1960)",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Whitened),
};

/// (2 <q, C^-1 d> - <d, C^-1 d>) / v.
pub(in crate::rank) const DISCOUNTED: ScorerSpec = ScorerSpec {
    name: "discounted",
    about: "likelihood in coloured noise that grows with the distance from the training perturbations",
    source: "predictive variance of a Gaussian process (Rasmussen and Williams 2006, 2.2)",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Discounted),
};

/// log |d|: the same for every query.
pub(in crate::rank) const NO_QUERY: ScorerSpec = ScorerSpec {
    name: "no-query",
    about: "size of the predicted response: a control that never looks at the change",
    source: "",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Size),
};

/// Minus the distance: the same for every query.
pub(in crate::rank) const NEARNESS: ScorerSpec = ScorerSpec {
    name: "nearness",
    about: "similarity to the training perturbations: a control that never looks at the change",
    source: "",
    without_own: true,
    joint: true,
    fit: |known| forward(known, Kind::Nearness),
};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Likelihood,
    Cosine,
    Whitened,
    Discounted,
    Size,
    Nearness,
}

struct Forward {
    kind: Kind,
    atlas: Arc<Atlas>,
    /// Mean squared norm of the centred training changes: the unit of all products.
    square: f32,
}

fn forward(known: &Known<'_>, kind: Kind) -> Result<Box<dyn Scorer>, RankError> {
    Ok(Box::new(Forward { kind, atlas: Arc::clone(known.atlas), square: known.frame.squared_scale as f32 }))
}

impl Scorer for Forward {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let products = asked.products(&self.atlas, own);
        let rows: Vec<Option<usize>> = candidates.names.iter().map(|n| self.atlas.candidates.position(n)).collect();
        let score = |(q, c): (usize, usize)| rows[c].map_or(0.0, |row| self.score(&products, q, row));
        Ok(Array2::from_shape_fn((asked.len(), candidates.len()), score))
    }
}

impl Forward {
    fn score(&self, of: &Products, q: usize, c: usize) -> f32 {
        let n_axes = self.atlas.axes.ncols().max(1) as f32;
        let length = || self.atlas.scores.row(c).dot(&self.atlas.whitened.row(c)).max(0.0);
        match self.kind {
            Kind::Likelihood => (2.0 * of.dot[[q, c]] - of.squared_norm[c]) / self.square,
            Kind::Cosine => over(of.dot[[q, c]], (of.squared_norm[c] * self.square).sqrt()),
            Kind::Whitened => over(of.whitened[[q, c]], (length() * n_axes).sqrt()),
            Kind::Discounted => (2.0 * of.whitened[[q, c]] - length()) / (self.atlas.spread[c] as f32 * n_axes.sqrt()),
            Kind::Size => (of.squared_norm[c] / self.square + 1e-3).ln(),
            Kind::Nearness => -self.atlas.distance[c],
        }
    }
}

/// A ratio that is 0 where nothing is predicted.
fn over(x: f32, y: f32) -> f32 {
    if y > 1e-12 { x / y } else { 0.0 }
}
