//! Rank of the own truth by cosine, over the number of perturbations: nPDS, lower is better.
//!
//! With d_j the real and e_k the predicted change against the control cells of the profile (the real ones, in `course`),
//! R_k is the position of d_k when all d_j are ordered by falling cosine with e_k, from 1, ties at their mean rank; the
//! value is R_k / N. All genes, the own target included. Perfect is 1 / N, random (N + 1) / 2N: the same number as that of
//! the scores where higher is better, which hides the direction. A change of zero has cosine 0 with everything.

use super::rank::positions;
use super::{Comparison, Values, discrimination};

pub(super) fn evaluate(c: &Comparison) -> Values {
    let n = c.n_labels() as f64;
    let before = positions(&c.pred.delta, &c.real.delta, discrimination::cosine);
    before.into_iter().map(|k| Some((1.0 + k) / n)).collect()
}
