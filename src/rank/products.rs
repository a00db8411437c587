//! Products of changes with predicted responses, which several scorers share.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::without_own::WithoutOwn;
use super::{Asked, Atlas, Own};
use crate::data::GeneId;

/// Products of queries q with the responses d of an atlas.
///
/// With [`Own::Excluded`] the gene of a candidate takes no part in its products, bit by bit.
#[derive(Debug, Clone)]
pub(super) struct Products {
    /// <q, d>, n_queries x n_candidates.
    pub(super) dot: Array2<f32>,
    /// <q, d> with the inverse covariance of the residuals, on the axes of the atlas; the own gene is always left out.
    pub(super) whitened: Array2<f32>,
    /// |d|^2 over the genes of the queries, per candidate.
    pub(super) squared_norm: Vec<f32>,
}

impl Products {
    /// O(n_queries x (n_genes + n_candidates) x n_axes).
    pub(super) fn new(asked: &Asked, atlas: &Atlas, own: Own) -> Self {
        let genes: Vec<Option<usize>> = atlas.candidates.gene.iter().map(|g| g.map(GeneId::index)).collect();
        let of_query = |q: usize| {
            let query = asked.centred.row(q);
            let without = WithoutOwn::new(query, atlas.axes.view());
            let one = |(c, gene): (usize, &Option<usize>)| {
                let on_axes = without.sum(*gene);
                let own = match (own, gene) {
                    (Own::Used, Some(g)) => query[*g] * atlas.own[c],
                    _ => 0.0,
                };
                (on_axes.dot(&atlas.scores.row(c)) + own, on_axes.dot(&atlas.whitened.row(c)))
            };
            genes.par_iter().enumerate().map(one).collect::<Vec<(f32, f32)>>()
        };
        let rows: Vec<Vec<(f32, f32)>> = (0..asked.len()).into_par_iter().map(of_query).collect();
        let table =
            |of: fn(&(f32, f32)) -> f32| Array2::from_shape_fn((rows.len(), genes.len()), |(q, c)| of(&rows[q][c]));
        Self { dot: table(|p| p.0), whitened: table(|p| p.1), squared_norm: norms(asked, atlas, own, &genes) }
    }
}

/// |d|^2 over the genes that the queries have.
fn norms(asked: &Asked, atlas: &Atlas, own: Own, genes: &[Option<usize>]) -> Vec<f32> {
    let mut axes = atlas.axes.clone();
    for (mut row, _) in axes.outer_iter_mut().zip(&asked.known).filter(|(_, known)| !**known) {
        row.fill(0.0);
    }
    let gram = axes.t().dot(&axes);
    let norm = |(c, gene): (usize, &Option<usize>)| {
        let z = atlas.scores.row(c);
        let at_own = gene.map_or(0.0, |g| axes.row(g).dot(&z));
        let own = if own == Own::Used && gene.is_some_and(|g| asked.known[g]) { atlas.own[c] } else { 0.0 };
        let along: Array1<f32> = gram.dot(&z);
        (z.dot(&along) - at_own * at_own).max(0.0) + own * own
    };
    genes.par_iter().enumerate().map(norm).collect()
}
