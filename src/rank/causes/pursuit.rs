//! Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad, Asilomar Conference 1993) by the score of a set.

use super::overlaps::{Fitted, Overlaps};
use super::posterior::deviations;
use crate::rank::Joint;

/// Sets that grow by the candidate that adds most to the score, all amplitudes fitted again at every step, as long as the
/// score rises; at most `most` genes. `scores` are the joint scores of the members. A third gene and those behind it are
/// weighed as the second is. O(most^2 m (m + most^3)) for m candidates.
pub(super) fn pursue(overlaps: &Overlaps, scores: &[f64], weights: &Joint, strength: f64, most: usize) -> Vec<Fitted> {
    let mut found: Vec<Fitted> = Vec::new();
    while found.len() < most {
        let before = found.last();
        let members = before.map_or(&[][..], |f| &f.members);
        let others = (0..overlaps.len()).filter(|m| !members.contains(m));
        let grown = others.map(|m| (scores[m], overlaps.fit(&[members, &[m]].concat())));
        let wanted = grown.filter(|(_, f)| f.amplitudes.iter().all(|a| *a != 0.0));
        let worth = wanted.map(|(score, f)| (rise(overlaps, before, &f, score, weights), f));
        let best = worth.fold(None, |best: Option<(f64, Fitted)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        let enough = if found.is_empty() { weights.none(strength) } else { 0.0 };
        match best {
            Some((rise, best)) if rise > enough => found.push(best),
            _ => break,
        }
    }
    found
}

/// By how much the score of a set rises with its last member, whose own joint score is `score`.
fn rise(overlaps: &Overlaps, before: Option<&Fitted>, set: &Fitted, score: f64, weights: &Joint) -> f64 {
    let (gain, alone) = before.map_or((0.0, 0.0), |b| (b.gain, deviations(b)));
    let added = match set.members.len() {
        1 => 0.0,
        n => {
            let without = |left_out: usize| {
                let kept: Vec<usize> = (0..n).filter(|&i| i != left_out).map(|i| set.members[i]).collect();
                deviations(&overlaps.fit(&kept))
            };
            deviations(set) - (0..n).map(without).fold(0.0, f64::max)
        }
    };
    let further = if before.is_some() { 1.0 } else { 0.0 };
    let parts = [score, set.gain - gain, deviations(set) - alone, added, further];
    parts.iter().zip(&weights.weights).map(|(p, w)| p * w).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::causes::by_information_criterion;
    use crate::rank::causes::fixture::{N_GENES, Setting};

    #[test]
    fn the_genes_behind_a_change_are_found_and_counted() {
        for causes in [&[(2, 1.0)][..], &[(2, 1.0), (6, 0.8)], &[(2, 1.0), (6, 0.8), (1, 1.2)]] {
            let overlaps = Setting::new(11, causes).overlaps(false);
            let found = pursue(&overlaps, &[0.0; 8], &by_information_criterion(N_GENES, 8), 0.0, 8);
            let mut members = found.last().map_or_else(Vec::new, |f| f.members.clone());
            members.sort_unstable();
            let mut wanted: Vec<usize> = causes.iter().map(|c| c.0).collect();
            wanted.sort_unstable();
            assert_eq!(members, wanted);
            assert!(found.windows(2).all(|w| overlaps.bic(&w[1]) < overlaps.bic(&w[0])));
        }
    }

    #[test]
    fn a_change_without_a_cause_is_left_alone() {
        let overlaps = Setting::new(13, &[]).overlaps(false);
        assert!(pursue(&overlaps, &[0.0; 8], &by_information_criterion(N_GENES, 8), 0.0, 8).is_empty());
    }
}
