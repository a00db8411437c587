//! What a second measurement of the same size would score.

use super::{Best, Comparison, LogCells, Metric, Needs, Profile, ScoreError, ScoreOptions, Values};

/// The reliability of the whole from the agreement r of two halves: 2r / (1 + r) (Spearman 1910, Brown 1910).
///
/// `None` for metrics that are not bounded by a best value of 1.
pub fn spearman_brown(metric: &Metric, agreement: f64) -> Option<f64> {
    (metric.best == Best::One).then(|| 2.0 * agreement / (1.0 + agreement))
}

/// Agreement of random halves of the same cells.
#[derive(Debug, Clone)]
pub struct Ceiling {
    /// The perturbations, sorted.
    pub labels: Vec<String>,
    /// Per metric.
    pub rows: Vec<CeilingRow>,
}

/// One metric.
#[derive(Debug, Clone)]
pub struct CeilingRow {
    /// The metric.
    pub metric: &'static Metric,
    /// One half as the prediction of the other, per perturbation.
    pub values: Values,
    /// Over all perturbations.
    pub agreement: f64,
    /// The agreement stepped up to the full number of cells (see [`spearman_brown`]).
    pub ceiling: Option<f64>,
}

/// Scores one half of the cells of every label against the other; halves are drawn with `options.ceiling_seed` (0 where
/// there is none). As `cell-eval run --ceiling`, but for the draw.
///
/// # Errors
/// [`ScoreError::TooFewCells`], [`ScoreError::UnknownMetric`], [`ScoreError::CountsNeeded`] and whatever a metric says.
pub fn ceiling(real: &LogCells, profile: &'static Profile, options: &ScoreOptions) -> Result<Ceiling, ScoreError> {
    profile.check(real, "real")?;
    let metrics = profile.select(&options.only, &options.skip)?;
    let needs = metrics.iter().map(|m| m.needs).max().unwrap_or(Needs::Means);
    let halves = compare_halves(real, profile, needs, options.ceiling_seed.unwrap_or(0))?;
    let row = |metric: &'static Metric| {
        let values = (metric.evaluate)(&halves)?;
        let agreement = metric.summarise(&halves, &values)?.mean;
        Ok(CeilingRow { metric, values, agreement, ceiling: spearman_brown(metric, agreement) })
    };
    let rows = metrics.into_iter().map(row).collect::<Result<_, ScoreError>>()?;
    Ok(Ceiling { labels: halves.labels.clone(), rows })
}

/// One random half of the cells as the prediction of the other.
pub(super) fn compare_halves(
    real: &LogCells,
    profile: &Profile,
    needs: Needs,
    seed: u64,
) -> Result<Comparison, ScoreError> {
    let [a, b] = real.halves(seed)?;
    Comparison::new(profile.prepare(&a, needs)?, profile.prepare(&b, needs)?)
}
