//! Chances of sets of one and two genes.

use rayon::prelude::*;

use super::overlaps::{Fitted, Overlaps};
use crate::rank::Joint;

/// What is known of a set: the sum of its members' scores, what the fit gains, the same in standard deviations, how many of
/// these the weaker member adds, and whether there are two.
pub(super) const FEATURES: [&str; 5] = ["scores", "gain", "deviations", "added", "two"];

/// Chances of sets.
pub(super) struct Posterior {
    /// Sets of one and two, likeliest first.
    pub(super) sets: Vec<(Fitted, f64)>,
    pub(super) none: f64,
    pub(super) two: f64,
    /// Per member its chance to be in the set, likeliest first.
    pub(super) marginal: Vec<(usize, f64)>,
}

/// Weights for a ranker that was not calibrated: the extended information criterion alone (Chen and Chen, Biometrika 95,
/// 2008), by which none, one and two of `n` candidates are equally likely beforehand.
pub(crate) fn by_information_criterion(n_axes: usize, n: usize) -> Joint {
    let per_gene = 0.5 * (n_axes.max(1) as f64).ln();
    let pairs_per_single = (n.max(2) - 1) as f64 / 2.0;
    Joint {
        features: FEATURES.map(str::to_owned).to_vec(),
        weights: vec![0.0, 1.0, 0.0, 0.0, -per_gene - pairs_per_single.ln()],
        none: [per_gene + (n.max(1) as f64).ln(), 0.0],
        temperature: 1.0,
    }
}

/// All sets of one and two members, singles first, in the order of the members.
pub(super) fn fit_all(overlaps: &Overlaps) -> Vec<Fitted> {
    let n = overlaps.len();
    let ones = (0..n).into_par_iter().map(|m| vec![overlaps.fit(&[m])]);
    let twos = (0..n).into_par_iter().map(|a| (a + 1..n).map(|b| overlaps.fit(&[a, b])).collect());
    ones.chain(twos).collect::<Vec<Vec<Fitted>>>().into_iter().flatten().collect()
}

/// Twice the gain is chi-squared where there is no cause: its root is in standard deviations.
pub(super) fn deviations(of: &Fitted) -> f64 {
    (2.0 * of.gain.max(0.0)).sqrt()
}

/// The features of a set; `fitted` begins with all single members.
pub(super) fn features(of: &Fitted, fitted: &[Fitted], scores: &[f64]) -> [f64; FEATURES.len()] {
    let sum: f64 = of.members.iter().map(|&m| scores[m]).sum();
    let alone = of.members.iter().map(|&m| deviations(&fitted[m])).fold(0.0, f64::max);
    let two = of.members.len() == 2;
    let added = if two { deviations(of) - alone } else { 0.0 };
    [sum, of.gain, deviations(of), added, f64::from(u8::from(two))]
}

/// Weighs all sets of one and two; `scores` are the joint scores of the members, best first.
pub(super) fn posterior(overlaps: &Overlaps, scores: &[f64], weights: &Joint, strength: f64) -> Posterior {
    let fitted = fit_all(overlaps);
    let score = |of: &Fitted| features(of, &fitted, scores).iter().zip(&weights.weights).map(|(f, w)| f * w).sum();
    let of_sets: Vec<f64> = fitted.iter().map(score).collect();
    let (probability, none) = weights.probabilities(&of_sets, weights.none(strength));
    let mut sums = vec![0.0; overlaps.len()];
    let mut two = 0.0;
    for (of, p) in fitted.iter().zip(&probability) {
        of.members.iter().for_each(|&m| sums[m] += p);
        two += if of.members.len() == 2 { *p } else { 0.0 };
    }
    let mut marginal: Vec<(usize, f64)> = sums.into_iter().enumerate().collect();
    marginal.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut sets: Vec<(Fitted, f64)> = fitted.into_iter().zip(probability).collect();
    sets.sort_by(|a, b| b.1.total_cmp(&a.1));
    Posterior { sets, none, two, marginal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::causes::fixture::{N_GENES, Setting};

    /// Without calibration the information criterion decides between none, one and two.
    #[test]
    fn chances_add_up_and_lie_with_the_causes() {
        let weights = by_information_criterion(N_GENES, 8);
        for (causes, two) in [(&[][..], false), (&[(3, 1.0)], false), (&[(3, 1.0), (5, 0.9)], true)] {
            let overlaps = Setting::new(17, causes).overlaps(false);
            let found = posterior(&overlaps, &[0.0; 8], &weights, 0.0);
            let sum: f64 = found.sets.iter().map(|s| s.1).sum();
            assert!((sum + found.none - 1.0).abs() < 1e-9);
            assert_eq!(found.two > 0.5, two, "{} {}", found.two, found.none);
            assert_eq!(found.none > 0.5, causes.is_empty(), "{}", found.none);
            if let Some((first, _)) = causes.first().map(|_| &found.sets[0]) {
                assert_eq!(first.members, causes.iter().map(|c| c.0).collect::<Vec<_>>());
            }
            // A marginal is the sum over the sets that hold the member.
            let (m, p) = found.marginal[0];
            let of_sets: f64 = found.sets.iter().filter(|s| s.0.members.contains(&m)).map(|s| s.1).sum();
            assert!((p - of_sets).abs() < 1e-12);
        }
    }

    /// Scores of members count with the weights that were taught.
    #[test]
    fn scores_of_members_are_added_up() {
        let overlaps = Setting::new(19, &[]).overlaps(false);
        let weights = Joint { weights: vec![1.0, 0.0, 0.0, 0.0, -100.0], ..by_information_criterion(N_GENES, 8) };
        let scores = [9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0, 0.0];
        let found = posterior(&overlaps, &scores, &weights, 0.0);
        assert_eq!(found.sets[0].0.members, [0]);
        assert!((found.sets[0].1 / found.sets[1].1 - 1f64.exp()).abs() < 1e-6);
        let pairs = Joint { weights: vec![1.0, 0.0, 0.0, 0.0, 0.0], ..weights };
        assert_eq!(posterior(&overlaps, &scores, &pairs, 0.0).sets[0].0.members, [0, 6]);
    }
}
