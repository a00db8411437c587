//! Second measurements of perturbations that were measured once.

use super::{HeldOut, Queries};
use crate::data::Responses;
use crate::stats::Rng;

/// Share of what predictions of other perturbations miss by which another experiment is assumed to differ.
const SHARE: f32 = 0.5;

/// The measured changes of these rows as another experiment might measure them: plus noise as large as their standard
/// errors where these are known, and plus half of what the prediction of some other perturbation misses, which stands for
/// another context.
pub(super) fn replicates(responses: &Responses, held_out: &HeldOut, rows: &[usize], seed: u64) -> Queries {
    let mut out = Queries::of_responses(responses, rows);
    let error = out.error.clone();
    for (q, &row) in rows.iter().enumerate() {
        let mut rng = Rng::keyed(seed, "rank.replicate", row as u64, 0);
        let other = (row + 1 + rng.below(responses.len().max(2) - 1)) % responses.len();
        let missed = &responses.delta.row(other) - &held_out.delta.row(other);
        let mut to = out.delta.row_mut(q);
        to.scaled_add(SHARE, &missed);
        if let Some(error) = &error {
            to.iter_mut().zip(error.row(q)).for_each(|(d, e)| *d += e * rng.normal() as f32);
        }
    }
    out
}
