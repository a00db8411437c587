//! Scores between two measured points: the baseline (0) and a replicate of the experiment (1).

use super::metric::relative_error;
use super::{Comparison, LogCells, Metric, Needs, Profile, ScoreError, Side, Summary};
use crate::stats::seed_sequence;

/// Splits of the real cells.
const SPLITS: usize = 5;

/// How the score of a metric is placed between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// The metric.
    pub metric: &'static str,
    /// Its value for a perfect prediction.
    pub perfect: f64,
    /// Positions are at least this; where there is no bound, a metric without a value counts as 0.
    pub least: f64,
    /// Positions are at most this.
    pub most: f64,
}

impl Scaling {
    /// The six metrics of the Virtual Cell Challenge 2026, as cell-eval2 0.20.0 bounds them.
    pub const VCC2026: &'static [Self] = &[
        Self::unbounded("pds_cosine"),
        Self { metric: "expr_mse_unbiased_capped_norm", perfect: 0.0, least: 0.0, most: 1.0 },
        Self::unbounded("de_wilcoxon_direction_fidelity_yield_raw"),
        Self::unbounded("de_wilcoxon_direction_reach_raw"),
        Self::unbounded("de_wilcoxon_sig_jaccard"),
        Self { metric: "de_wilcoxon_lfc_nmae", perfect: 0.0, least: -6.0, most: f64::INFINITY },
    ];

    const fn unbounded(metric: &'static str) -> Self {
        Self { metric, perfect: 1.0, least: f64::NEG_INFINITY, most: f64::INFINITY }
    }

    /// (score - baseline) / (one - baseline), bounded. NaN where `one` is not better than the baseline.
    pub fn position(&self, score: f64, baseline: f64, one: f64) -> f64 {
        let span = one - baseline;
        let better = span * (self.perfect - baseline);
        if better.is_nan() || better <= 0.0 {
            return f64::NAN;
        }
        let at = |score: f64| (score - baseline) / span;
        if score.is_finite() {
            at(score).clamp(self.least, self.most)
        } else if self.least.is_finite() {
            self.least
        } else {
            at(0.0)
        }
    }
}

/// A metric between halves of the real cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// Mean over the splits.
    pub mean: f64,
    /// Standard deviation over the splits (divided by their number).
    pub std: f64,
    /// One value per split.
    pub splits: Vec<f64>,
}

impl Anchor {
    /// Summarises splits.
    pub fn new(splits: Vec<f64>) -> Self {
        let n = splits.len() as f64;
        let mean = splits.iter().sum::<f64>() / n;
        let std = (splits.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        Self { mean, std, splits }
    }
}

/// Every metric between the halves of five splits of the real cells, each half with its own control cells.
///
/// The splits are those of cell-eval2 for this seed (its bundles have seed 0). The error of fold changes is taken over the
/// genes that are significant with all cells, `truth`, and relative to their size there: halves find fewer.
///
/// # Errors
/// [`ScoreError::TooFewCells`], [`crate::data::DataError::Temporary`], and whatever a metric says.
pub(super) fn replicates(
    real: &LogCells,
    truth: &Side,
    profile: &Profile,
    metrics: &[&'static Metric],
    needs: Needs,
    seed: u64,
) -> Result<Vec<Anchor>, ScoreError> {
    let mut splits = vec![Vec::with_capacity(SPLITS); metrics.len()];
    for seed in seed_sequence(seed, SPLITS) {
        let [a, b] = real.halves_of_numpy(u64::from(seed))?;
        let c = Comparison::new(profile.prepare(&a, needs)?, profile.prepare(&b, needs)?)?;
        for (splits, metric) in splits.iter_mut().zip(metrics) {
            splits.push(between_halves(metric, truth, &c)?);
        }
    }
    Ok(splits.into_iter().map(Anchor::new).collect())
}

fn between_halves(metric: &Metric, truth: &Side, c: &Comparison) -> Result<f64, ScoreError> {
    if metric.name == "de_wilcoxon_lfc_nmae" {
        let (a, b) = c.tested()?;
        return Ok(Summary::new(&relative_error(c, &truth.tested()?.de, &a.de, &b.de)).mean);
    }
    Ok(metric.summarise(c, &(metric.evaluate)(c)?)?.mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_bounded_as_the_metric_asks() {
        let t = |metric: usize, score: f64, baseline: f64, one: f64, expected: f64| {
            let got = Scaling::VCC2026[metric].position(score, baseline, one);
            assert!((got - expected).abs() < 1e-12 || (got.is_nan() && expected.is_nan()), "{got} {expected}");
        };
        t(0, 0.75, 0.5, 0.9, 0.625);
        t(0, 0.25, 0.5, 0.9, -0.625);
        t(0, 1.0, 0.5, 0.75, 2.0);
        t(0, f64::NAN, 0.5, 1.0, -1.0);
        t(0, 0.7, 0.5, 0.5, f64::NAN);
        t(0, 0.7, 0.5, 0.4, f64::NAN);
        t(1, -0.4, 0.9, 0.1, 1.0);
        t(1, 2.0, 0.9, 0.1, 0.0);
        t(5, 0.3, 0.9, 0.6, 2.0);
        t(5, 90.0, 0.9, 0.6, -6.0);
        t(5, f64::INFINITY, 0.9, 0.6, -6.0);
    }
}
