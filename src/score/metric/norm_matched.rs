//! Perturbation discrimination that does not reward the size of predicted changes.
//!
//! The predicted change is scaled to the norm (L1 or L2) of the real change of the same perturbation before distances to
//! all real changes are ranked: Liu et al., arXiv 2511.16954. All genes, the own target included; the value is 1 - k / (N - 1)
//! with k the real changes that are nearer than the own one, equally near ones counting half. Cosine needs no scaling. A
//! predicted change of zero stays zero. With fewer than two perturbations there is nothing to rank: an error.

use rayon::prelude::*;

use super::discrimination::{self, Distance};
use super::rank::{position, positions};
use super::{Comparison, ScoreError, Values, others};

pub(super) fn l1(c: &Comparison) -> Result<Values, ScoreError> {
    let norm = |x: ndarray::ArrayView1<'_, f64>| x.iter().map(|v| v.abs()).sum();
    matched(c, "pds_l1_norm_matched", norm, discrimination::l1)
}

pub(super) fn l2(c: &Comparison) -> Result<Values, ScoreError> {
    let norm = |x: ndarray::ArrayView1<'_, f64>| x.dot(&x).sqrt();
    matched(c, "pds_l2_norm_matched", norm, discrimination::l2)
}

pub(super) fn cosine(c: &Comparison) -> Result<Values, ScoreError> {
    let others = others(c, "pds_cosine_mid_rank")?;
    let before = positions(&c.pred.delta, &c.real.delta, discrimination::cosine);
    Ok(before.into_iter().map(|k| Some(1.0 - k / others)).collect())
}

fn matched(
    c: &Comparison,
    name: &'static str,
    norm: fn(ndarray::ArrayView1<'_, f64>) -> f64,
    distance: Distance,
) -> Result<Values, ScoreError> {
    let others = others(c, name)?;
    let of = |own: usize| {
        let (real, pred) = (c.real.delta.row(own), c.pred.delta.row(own));
        let size = norm(pred);
        let scale = if size == 0.0 { 0.0 } else { norm(real) / size };
        // Equal vectors must stay equal.
        let scaled = if scale == 1.0 { pred.to_owned() } else { &pred * scale };
        Some(1.0 - position(scaled.view(), &c.real.delta, own, distance) / others)
    };
    Ok((0..c.n_labels()).into_par_iter().map(of).collect())
}
