//! The frame in which changes are compared: what training perturbations have in common, and how large they are.

use ndarray::Array2;

use super::Queries;
use crate::data::{GeneId, Responses};

/// Centre and units from the training perturbations alone.
///
/// No number here depends on a query. A norm of the query would make the score of a gene depend on the change of that
/// gene, even where its coordinate is left out of every product.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Mean training change, length n_genes.
    pub mean: Vec<f32>,
    /// Mean squared norm of the centred training changes.
    pub squared_scale: f64,
    /// Root mean square of the centred training changes per gene, without the perturbations of the gene itself.
    pub spread: Vec<f32>,
}

impl Frame {
    /// The frame of these training responses. O(n_perturbations x n_genes).
    pub fn new(responses: &Responses) -> Self {
        let mean = responses.mean_delta().to_vec();
        let n_genes = mean.len();
        let (mut squares, mut counts) = (vec![0.0f64; n_genes], vec![0u32; n_genes]);
        let mut total = 0.0;
        for (row, perturbation) in responses.delta.outer_iter().zip(&responses.perturbations) {
            let own: Vec<usize> =
                perturbation.targets().iter().filter_map(|t| responses.genes.resolve(t)).map(GeneId::index).collect();
            for (gene, (x, m)) in row.iter().zip(&mean).enumerate() {
                let square = f64::from(x - m).powi(2);
                total += square;
                if !own.contains(&gene) {
                    squares[gene] += square;
                    counts[gene] += 1;
                }
            }
        }
        let spread = squares.iter().zip(&counts).map(|(s, &n)| (s / f64::from(n.max(1))).sqrt() as f32).collect();
        let squared_scale = (total / responses.len().max(1) as f64).max(f64::MIN_POSITIVE);
        Self { mean, squared_scale, spread: floored(spread) }
    }

    /// `sign` x query minus the mean change, n_queries x n_genes, 0 at genes that the queries lack.
    pub(super) fn centred(&self, queries: &Queries, sign: f32) -> Array2<f32> {
        let mut out = queries.delta.clone();
        for mut row in out.outer_iter_mut() {
            for ((x, m), known) in row.iter_mut().zip(&self.mean).zip(&queries.known) {
                *x = if *known { sign * *x - m } else { 0.0 };
            }
        }
        out
    }
}

/// At least a tenth of the median of what is above zero: genes that hardly vary would turn noise into evidence.
pub(super) fn floored(mut values: Vec<f32>) -> Vec<f32> {
    let floor = median(&values).map_or(1.0, |m| m / 10.0);
    values.iter_mut().for_each(|v| *v = v.max(floor));
    values
}

/// Median of what is above zero.
pub(super) fn median(values: &[f32]) -> Option<f32> {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| *v > 0.0).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
