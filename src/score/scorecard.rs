//! A prediction, its baseline and its ceiling, metric by metric.

use super::comparison::{same_genes, same_labels};
use super::{
    Comparison, Controls, LogCells, Metric, Needs, Profile, ScoreError, Side, Summary, checks, relative_to_baseline,
    spearman_brown,
};
use crate::error::Notice;

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
    /// What to know about the files.
    pub notices: Vec<Notice>,
}

impl Scorecard {
    /// Mean position between baseline and perfection over the metrics that have one: Arc's overall score.
    pub fn overall(&self) -> f64 {
        let relative: Vec<f64> = self.rows.iter().filter_map(|r| r.relative).collect();
        relative.iter().sum::<f64>() / relative.len() as f64
    }
}

/// What is scored and how, beyond the profile.
#[derive(Debug, Clone, Default)]
pub struct ScoreOptions {
    /// Only these metrics of the profile, where there are any.
    pub only: Vec<String>,
    /// Without these metrics.
    pub skip: Vec<String>,
    /// Control cells, where not those of the profile.
    pub controls: Option<Controls>,
    /// Score replicate halves as well, drawn with this seed.
    pub ceiling_seed: Option<u64>,
}

/// Scores predicted against real cells, with the baseline and (with a seed) the replicate ceiling.
///
/// # Errors
/// [`ScoreError::GeneMismatch`], [`ScoreError::PerturbationMismatch`], [`ScoreError::UnknownMetric`],
/// [`ScoreError::TooFewCells`] (ceiling only), and whatever a metric says.
pub fn score(
    pred: &LogCells,
    real: &LogCells,
    profile: &'static Profile,
    options: &ScoreOptions,
) -> Result<Scorecard, ScoreError> {
    same_genes(&real.genes, &pred.genes)?;
    same_labels(&real.labels, &pred.labels)?;
    let metrics = profile.select(&options.only, &options.skip)?;
    let needs = metrics.iter().map(|m| m.needs).max().unwrap_or(Needs::Means);
    let [truth, constant] = Side::of_cells_and_baseline(real, &profile.de, needs)?;
    let controls = options.controls.unwrap_or(profile.controls);
    let pred = match controls {
        Controls::Real => pred.clone().with_controls_of(real)?,
        Controls::Pred => pred.clone(),
    };
    let baseline = Comparison::new(truth.clone(), constant)?;
    let prediction = Comparison::new(truth, Side::of_cells(&pred, &profile.de, needs)?)?;
    let notices = checks(&pred, &prediction, &baseline, controls)?;
    let replicate = options.ceiling_seed.map(|seed| replicate(real, profile, needs, seed)).transpose()?;
    let row = |metric: &'static Metric| {
        let mean = |c: &Comparison| Ok::<f64, ScoreError>(Summary::new(&(metric.evaluate)(c)?).mean);
        let values = (metric.evaluate)(&prediction)?;
        let (summary, baseline) = (Summary::new(&values), mean(&baseline)?);
        let agreement = replicate.as_ref().map(mean).transpose()?;
        Ok(Row {
            metric,
            values,
            summary,
            baseline,
            ceiling: agreement.and_then(|r| spearman_brown(metric, r)),
            relative: relative_to_baseline(summary.mean, baseline, metric.best),
        })
    };
    let rows = metrics.into_iter().map(row).collect::<Result<_, ScoreError>>()?;
    Ok(Scorecard { profile, labels: prediction.labels.clone(), rows, notices })
}

/// One random half of the real cells as the prediction of the other.
fn replicate(real: &LogCells, profile: &Profile, needs: Needs, seed: u64) -> Result<Comparison, ScoreError> {
    let [a, b] = real.halves(seed)?;
    Comparison::new(Side::of_cells(&a, &profile.de, needs)?, Side::of_cells(&b, &profile.de, needs)?)
}
