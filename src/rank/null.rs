//! Changes without a cause among the candidates.

use ndarray::Array2;

use super::{Frame, Queries};
use crate::stats::Rng;

/// As many null changes as queries.
///
/// Every second one is noise around no change, as large as the standard errors say (where they are known: control cells
/// against control cells). The others are a query with the departures from the mean training change dealt out to other
/// genes, each with its own standard error: as strong as a true change, and like no response.
pub(super) fn nulls(queries: &Queries, frame: &Frame, seed: u64) -> Queries {
    let mut out = queries.clone();
    for q in 0..queries.len() {
        out.names[q] = format!("null.{}", queries.names[q]);
        let mut rng = Rng::keyed(seed, "rank.null", q as u64, 0);
        match &queries.error {
            Some(error) if q % 2 == 0 => noise(&mut out.delta, error, q, &mut rng),
            _ => deal(&mut out, frame, q, &mut rng),
        }
    }
    out
}

fn noise(delta: &mut Array2<f32>, error: &Array2<f32>, q: usize, rng: &mut Rng) {
    delta.row_mut(q).iter_mut().zip(error.row(q)).for_each(|(d, e)| *d = e * rng.normal() as f32);
}

/// Deals the departures of a query out to other genes, together with their errors.
fn deal(out: &mut Queries, frame: &Frame, q: usize, rng: &mut Rng) {
    let genes: Vec<usize> = (0..out.known.len()).filter(|&g| out.known[g]).collect();
    let mut from = genes.clone();
    rng.shuffle(&mut from);
    let departure: Vec<f32> = from.iter().map(|&g| out.delta[[q, g]] - frame.mean[g]).collect();
    let errors: Option<Vec<f32>> = out.error.as_ref().map(|e| from.iter().map(|&g| e[[q, g]]).collect());
    for (k, &g) in genes.iter().enumerate() {
        out.delta[[q, g]] = frame.mean[g] + departure[k];
        if let (Some(to), Some(errors)) = (&mut out.error, &errors) {
            to[[q, g]] = errors[k];
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_null_is_noise_or_a_change_dealt_out_anew() {
        let queries = Queries {
            names: vec!["A".into(), "B".into()],
            delta: array![[5.0, 6.0, 7.0], [1.0, 2.0, 0.0]],
            error: Some(array![[0.1, 0.1, 0.1], [0.1, 0.2, 0.0]]),
            known: vec![true, true, false],
        };
        let frame = Frame { mean: vec![0.5, 0.5, 0.5], squared_scale: 1.0, spread: vec![1.0; 3] };
        let null = nulls(&queries, &frame, 0);
        assert!(null.delta.row(0).iter().all(|v| v.abs() < 1.0));
        let mut dealt = [null.delta[[1, 0]], null.delta[[1, 1]]];
        dealt.sort_by(f32::total_cmp);
        assert_eq!(dealt, [1.0, 2.0]);
        assert_eq!(null.delta[[1, 2]], 0.0);
    }
}
