//! A prediction, its baseline and its ceiling, metric by metric.

use super::comparison::{same_genes, same_labels};
use super::{
    Comparison, LogCells, Metric, Profile, ScoreError, Side, Summary, mean_profile, metric, relative_to_baseline,
    spearman_brown,
};

/// One metric.
#[derive(Debug, Clone)]
pub struct Row {
    /// The metric.
    pub metric: &'static Metric,
    /// Per perturbation, in the order of the labels; `None` where the metric is not defined.
    pub values: Vec<Option<f64>>,
    /// Over all perturbations.
    pub summary: Summary,
    /// Mean of the same metric for the mean profile (see [`mean_profile`]).
    pub baseline: f64,
    /// Mean of the same metric between random halves of the real cells, stepped up to full size (see
    /// [`spearman_brown`]), where asked for and defined.
    pub ceiling: Option<f64>,
    /// Position between baseline (0) and perfection (1), at least 0.
    pub relative: Option<f64>,
}

/// All metrics of a profile.
#[derive(Debug, Clone)]
pub struct Scorecard {
    /// The profile.
    pub profile: &'static Profile,
    /// The perturbations, sorted.
    pub labels: Vec<String>,
    /// One row per metric.
    pub rows: Vec<Row>,
}

impl Scorecard {
    /// Mean position between baseline and perfection over the metrics that have one: Arc's overall score.
    pub fn overall(&self) -> f64 {
        let relative: Vec<f64> = self.rows.iter().filter_map(|r| r.relative).collect();
        relative.iter().sum::<f64>() / relative.len() as f64
    }
}

/// Scores predicted against real cells, with the baseline and (with a seed) the replicate ceiling.
///
/// # Errors
/// [`ScoreError::GeneMismatch`], [`ScoreError::PerturbationMismatch`], [`ScoreError::TooFewCells`] (ceiling only).
pub fn score(
    pred: &LogCells,
    real: &LogCells,
    profile: &'static Profile,
    ceiling_seed: Option<u64>,
) -> Result<Scorecard, ScoreError> {
    same_genes(&real.genes, &pred.genes)?;
    same_labels(&real.labels, &pred.labels)?;
    let truth = Side::of_cells(real, &profile.de);
    let constant = Side::of_constant(real, &mean_profile(real), &profile.de);
    let baseline = Comparison::new(truth.clone(), constant)?;
    let prediction = Comparison::new(truth, Side::of_cells(pred, &profile.de))?;
    let replicate = ceiling_seed.map(|seed| replicate(real, profile, seed)).transpose()?;
    let row = |metric: &'static Metric| {
        let values = (metric.evaluate)(&prediction);
        let summary = Summary::new(&values);
        let baseline = Summary::new(&(metric.evaluate)(&baseline)).mean;
        let agreement = replicate.as_ref().map(|c| Summary::new(&(metric.evaluate)(c)).mean);
        Row {
            metric,
            values,
            summary,
            baseline,
            ceiling: agreement.and_then(|r| spearman_brown(metric, r)),
            relative: relative_to_baseline(summary.mean, baseline, metric.best),
        }
    };
    let rows = profile.metrics.iter().filter_map(|name| metric(name)).map(row).collect();
    Ok(Scorecard { profile, labels: prediction.labels.clone(), rows })
}

/// One random half of the real cells as the prediction of the other.
fn replicate(real: &LogCells, profile: &Profile, seed: u64) -> Result<Comparison, ScoreError> {
    let [a, b] = real.halves(seed)?;
    Comparison::new(Side::of_cells(&a, &profile.de), Side::of_cells(&b, &profile.de))
}
