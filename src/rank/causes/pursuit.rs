//! Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad, Asilomar Conference 1993).

use super::overlaps::{Fitted, Overlaps};

/// Sets that grow by the candidate that gains most, all amplitudes fitted again at every step, as long as the information
/// criterion falls; at most `most` genes. O(most m (m + most^3)) for m candidates.
pub(super) fn pursue(overlaps: &Overlaps, most: usize) -> Vec<Fitted> {
    let mut found: Vec<Fitted> = Vec::new();
    while found.len() < most {
        let members = found.last().map_or(&[][..], |f| &f.members);
        let others = (0..overlaps.len()).filter(|m| !members.contains(m));
        let grown = others.map(|m| overlaps.fit(&[members, &[m]].concat()));
        let wanted = grown.filter(|f| f.amplitudes.iter().all(|a| *a != 0.0));
        let best = wanted.fold(None, |best: Option<Fitted>, next| match best {
            Some(best) if best.gain >= next.gain => Some(best),
            _ => Some(next),
        });
        let before = found.last().map_or(0.0, |f| overlaps.bic(f));
        match best {
            Some(best) if overlaps.bic(&best) < before => found.push(best),
            _ => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::causes::fixture::Setting;

    #[test]
    fn the_genes_behind_a_change_are_found_and_counted() {
        for causes in [&[(2, 1.0)][..], &[(2, 1.0), (6, 0.8)], &[(2, 1.0), (6, 0.8), (1, 1.2)]] {
            let overlaps = Setting::new(11, causes).overlaps(false);
            let found = pursue(&overlaps, 8);
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
        assert!(pursue(&Setting::new(13, &[]).overlaps(false), 8).is_empty());
    }
}
