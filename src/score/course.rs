//! The overall score S of profile `course`, with both readings of its discrimination score.
//!
//! S = 100 x the mean of three positions between a baseline b (0) and perfection (1), each cut at 0: DES (u - b) / (1 - b),
//! error 1 - u / b, and discrimination. Profile `course` gives discrimination as nPDS, the rank of the own truth over N, of
//! which less is better: 1 - u / b. The Virtual Cell Challenge gives it as PDS, of which more is better: (u - b) / (1 - b).
//! Both have the same value for a random prediction of N perturbations, (N + 1) / 2N, so a number alone does not tell which
//! of the two it is; read the wrong way, a prediction worse than random scores.

use super::{Best, LogCells, Scorecard, relative_to_baseline};
use crate::data::Scale;
use crate::error::Notice;

/// Means over perturbations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    /// Overlap of significant genes, 1 is best.
    pub des: f64,
    /// Discrimination; what is best depends on the convention.
    pub pds: f64,
    /// Mean absolute error, 0 is best.
    pub mae: f64,
}

/// Which discrimination score is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// nPDS: rank / N, lower is better.
    RankLowerBetter,
    /// PDS: 1 - (rank - 1) / N, higher is better.
    PdsHigherBetter,
}

/// Position of a discrimination score between baseline and perfection, at least 0.
pub fn relative_pds(score: f64, baseline: f64, convention: Convention) -> f64 {
    let best = match convention {
        Convention::RankLowerBetter => Best::Zero,
        Convention::PdsHigherBetter => Best::One,
    };
    relative_to_baseline(score, baseline, best).unwrap_or(f64::NAN)
}

/// S of a prediction and a baseline, both in the same convention; 0 (baseline or worse) to 100.
///
/// ```
/// use grn::score::course::{Convention, Parts, overall};
/// let baseline = Parts { des: 0.2, pds: 0.5, mae: 0.04 };
/// let prediction = Parts { des: 0.6, pds: 0.25, mae: 0.05 };
/// // Half of the way by DES, half by rank, none by error.
/// assert!((overall(prediction, baseline, Convention::RankLowerBetter) - 100.0 / 3.0).abs() < 1e-9);
/// // Read as if higher were better, discrimination gives nothing.
/// assert!((overall(prediction, baseline, Convention::PdsHigherBetter) - 50.0 / 3.0).abs() < 1e-9);
/// ```
pub fn overall(prediction: Parts, baseline: Parts, convention: Convention) -> f64 {
    let relative = |score, baseline, best| relative_to_baseline(score, baseline, best).unwrap_or(f64::NAN);
    let des = relative(prediction.des, baseline.des, Best::One);
    let mae = relative(prediction.mae, baseline.mae, Best::Zero);
    100.0 * (des + relative_pds(prediction.pds, baseline.pds, convention) + mae) / 3.0
}

/// The same score as the other convention has it, for N perturbations and ranks without ties: 1 + 1/N - x both ways.
pub fn converted(pds: f64, n: usize) -> f64 {
    1.0 + 1.0 / n as f64 - pds
}

/// S of a scorecard of profile `course` in both conventions; `None` where one of its metrics is missing.
///
/// The mean of PDS is that of the ranks behind nPDS, so both take the same ranks.
pub fn overall_of(card: &Scorecard) -> Option<[(Convention, f64); 2]> {
    let row = |name: &str| card.rows.iter().find(|r| r.metric.name == name);
    let (des, pds, mae) = (row("overlap_at_N")?, row("npds_cosine")?, row("mae_top_2000")?);
    let rank = [
        Parts { des: des.summary.mean, pds: pds.summary.mean, mae: mae.summary.mean },
        Parts { des: des.baseline, pds: pds.baseline, mae: mae.baseline },
    ];
    let higher = rank.map(|parts| Parts { pds: converted(parts.pds, card.labels.len()), ..parts });
    let s = |[prediction, baseline]: [Parts; 2], convention| (convention, overall(prediction, baseline, convention));
    Some([s(rank, Convention::RankLowerBetter), s(higher, Convention::PdsHigherBetter)])
}

/// What to tell a user whose real cells hold no counts, which `mae_top_2000` and `mae_top_50` choose genes by.
pub fn counts_notice(real: &LogCells) -> Option<Notice> {
    (real.scale() == Scale::Log1p).then(|| {
        Notice::new(
            "the real cells are log1p values: genes of `mae_top_*` are chosen by expm1 of them in place of counts, \
             so scaling to a common total changes the choice",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: Parts = Parts { des: 0.1, pds: 0.5167, mae: 0.05 };

    /// A third of the sum of what each part gains; what is worse than the baseline gains nothing.
    #[test]
    fn parts_are_averaged_after_the_cut() {
        let t = |des: f64, pds: f64, mae: f64, lower: f64, higher: f64| {
            let of = |convention| overall(Parts { des, pds, mae }, BASELINE, convention);
            let got = (of(Convention::RankLowerBetter), of(Convention::PdsHigherBetter));
            assert!((got.0 - lower).abs() < 1e-9 && (got.1 - higher).abs() < 1e-9, "{got:?}");
        };
        t(0.1, 0.5167, 0.05, 0.0, 0.0);
        t(1.0, 0.0, 0.0, 100.0, 200.0 / 3.0);
        t(1.0, 1.0, 0.0, 200.0 / 3.0, 100.0);
        t(0.0, 0.9, 0.2, 0.0, 100.0 / 3.0 * (0.9 - 0.5167) / (1.0 - 0.5167));
    }

    /// Printed discrimination scores 0.5367 and 0.5089 against a random 0.5167 (N = 30): the contribution to S of the first
    /// exists only if higher is better, of the second only if lower is. The difference between the two readings of S is
    /// this contribution: 8.69 - 7.309 and 6.274 - 5.77 in the published comparison of both readings.
    #[test]
    fn the_reading_decides_which_of_two_models_discriminates() {
        let part = |pds, convention| 100.0 / 3.0 * relative_pds(pds, 31.0 / 60.0, convention);
        let t = |pds: f64, higher_minus_lower: f64| {
            let got = part(pds, Convention::PdsHigherBetter) - part(pds, Convention::RankLowerBetter);
            assert!((got - higher_minus_lower).abs() < 6e-3, "{got}, expected {higher_minus_lower}");
        };
        t(0.5367, 8.69 - 7.309);
        t(0.5089, 5.77 - 6.274);
    }

    #[test]
    fn conventions_convert_into_each_other() {
        // N = 4: ranks 1 to 4 are 0.25, 0.5, 0.75, 1 and 1, 0.75, 0.5, 0.25.
        let t = |rank: f64, pds: f64| assert!((converted(rank, 4) - pds).abs() < 1e-15);
        t(0.25, 1.0);
        t(0.5, 0.75);
        t(1.0, 0.25);
        // Random: (N + 1) / 2N in both.
        t(0.625, 0.625);
    }
}
