//! Which perturbation moves a state towards another: a wished change in place of a measured one.

use super::{Queries, Ranker, Ranking};
use crate::data::GeneId;

/// Rows of a ranking that are told what they leave over.
const MOST: usize = 200;

impl Ranker {
    /// Gives the first 200 rows of every ranking the share of the wished change that would be left over: the distance
    /// between wish and predicted response over the length of the wish, both over the genes of the query. 0 is all of it,
    /// 1 no better than doing nothing. The response is that of a perturbation as strong as those of the run, turned round
    /// for an activation, the gene's own change included.
    ///
    /// O(n_genes x n_axes) per row.
    pub fn add_left_over(&self, queries: &Queries, rankings: &mut [Ranking]) {
        for (q, ranking) in rankings.iter_mut().enumerate() {
            let wish = queries.delta.row(q);
            let length = wish.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
            for row in ranking.rows.iter_mut().take(MOST) {
                let Some(c) = self.atlas.candidates.position(&row.gene) else { continue };
                let own = self.atlas.candidates.gene[c].map(GeneId::index);
                let response = self.atlas.axes.dot(&self.atlas.scores.row(c));
                let left = (0..wish.len()).filter(|&g| queries.known[g]).map(|g| {
                    let departure = if Some(g) == own { self.atlas.own[c] } else { response[g] };
                    let expected = f32::from(row.direction) * (self.frame.mean[g] + departure);
                    f64::from(wish[g] - expected).powi(2)
                });
                let left = left.sum::<f64>().sqrt();
                row.left_over = (length > 0.0).then(|| (left / length) as f32);
            }
        }
    }
}
