//! What the kernel predicts: principal components of the changes and, where known, of the significant changes.
//!
//! In a table of effects a perturbation with five significant genes still has an effect on every gene. Learning the
//! significant part of each effect beside the whole, and adding some of it to the prediction, puts genes that change
//! significantly first. How much is chosen on leave-one-out predictions.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};
use rayon::prelude::*;

use crate::data::Responses;
use crate::stats::{LinalgError, average_precision, pca, pearson};

/// Shares of the significant part that are tried.
const SHARES: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0];
/// The share is chosen on at most this many training perturbations, evenly spaced.
const JUDGED: usize = 200;

/// Training changes in few numbers: row = `mean + scores x axes`, and the same for the significant part.
pub(in crate::predict) struct Layers {
    /// n_rows x components.
    pub(in crate::predict) scores: Array2<f64>,
    /// Components x n_genes.
    axes: Array2<f32>,
    /// Components x n_genes, where the table says what is significant.
    significant: Option<Array2<f32>>,
}

impl Layers {
    /// Reduces the changes minus `mean` to `components` principal components.
    pub(in crate::predict) fn new(
        responses: &Responses,
        mean: &Array1<f32>,
        components: usize,
    ) -> Result<Self, LinalgError> {
        let changes = (&responses.delta - mean).mapv(f64::from);
        let n_genes = changes.ncols();
        let part = significant_part(responses);
        let joint = match &part {
            Some(part) => concatenate![Axis(1), changes, *part],
            None => changes,
        };
        let components = pca(joint.view(), components)?;
        let half = |from: usize, to: usize| components.axes.slice(s![.., from..to]).mapv(|v| v as f32);
        let significant = part.map(|_| half(n_genes, 2 * n_genes));
        Ok(Self { axes: half(0, n_genes), significant, scores: components.scores })
    }

    /// Axes of the prediction with this share of the significant part, components x n_genes.
    pub(in crate::predict) fn axes(&self, share: f64) -> Array2<f32> {
        match &self.significant {
            Some(significant) => &self.axes + &(significant * share as f32),
            None => self.axes.clone(),
        }
    }

    /// The share whose leave-one-out predictions (`left_out`, n_rows x components) are best, by the sum over the rows of
    /// average precision on the significant genes, correlation with the change and (where effects have both signs)
    /// squared error relative to that of the base. `base` is what the predictions are added to, n_rows x n_genes or one
    /// row for all.
    pub(in crate::predict) fn best_share(
        &self,
        left_out: &Array2<f64>,
        responses: &Responses,
        base: ArrayView2<'_, f32>,
    ) -> f64 {
        let (Some(significant), Some(_)) = (&responses.significant, &self.significant) else { return 0.0 };
        let every = left_out.nrows().div_ceil(JUDGED).max(1);
        let judged: Vec<usize> = (0..left_out.nrows()).step_by(every).collect();
        let left_out = left_out.mapv(|v| v as f32);
        let two_sided = responses.delta.iter().any(|v| *v < 0.0);
        let score = |share: f64| -> f64 {
            let axes = self.axes(share);
            let of = |&i: &usize| {
                let base = base.row(if base.nrows() == 1 { 0 } else { i });
                let change = left_out.row(i).dot(&axes);
                judge(&change, base, (responses.delta.row(i), significant.row(i)), two_sided)
            };
            judged.par_iter().map(of).collect::<Vec<f64>>().iter().sum()
        };
        let scored = SHARES.map(|share| (share, score(share)));
        scored.into_iter().fold((0.0, f64::NEG_INFINITY), |best, x| if x.1 > best.1 { x } else { best }).0
    }
}

/// Average precision of base + change on the significant genes (by size where effects have both signs), plus correlation
/// of the change with truth - base, minus (both signs) the relative squared error.
fn judge(
    change: &Array1<f32>,
    base: ArrayView1<'_, f32>,
    (truth, significant): (ArrayView1<'_, f32>, ArrayView1<'_, f32>),
    two_sided: bool,
) -> f64 {
    let positive: Vec<bool> = significant.iter().map(|&v| v > 0.0).collect();
    let predicted = &base + change;
    let strength = if two_sided { predicted.mapv(f32::abs) } else { predicted };
    let precision = average_precision(&strength.to_vec(), &positive).unwrap_or(0.0);
    let wanted = &truth - &base;
    let correlation = pearson(&change.to_vec(), &wanted.to_vec()).unwrap_or(0.0);
    let error = if two_sided { square(&(change - &wanted)) / square(&wanted).max(f64::MIN_POSITIVE) } else { 0.0 };
    precision + correlation - error
}

fn square(x: &Array1<f32>) -> f64 {
    x.iter().map(|v| f64::from(*v).powi(2)).sum()
}

/// The effects of significant genes, others 0, rows weighted so that all have the strength of a row with an average
/// number of significant genes; centred over the rows. n_rows x n_genes.
fn significant_part(responses: &Responses) -> Option<Array2<f64>> {
    let significant = responses.significant.as_ref()?;
    let counts: Vec<f64> = significant.outer_iter().map(|r| f64::from(r.sum()).max(1.0)).collect();
    let average = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
    let mut part = (significant * &responses.delta).mapv(f64::from);
    for (mut row, count) in part.outer_iter_mut().zip(&counts) {
        row *= (average / count).sqrt();
    }
    let mean = part.mean_axis(Axis(0))?;
    Some(part - &mean)
}
