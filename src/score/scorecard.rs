//! A prediction, its baseline and its ceiling, metric by metric.

use std::sync::Arc;

use super::anchors::{Anchor, replicates};
use super::ceiling::compare_halves;
use super::comparison::{same_genes, same_labels};
use super::course::counts_notice;
use super::{
    Comparison, Controls, LogCells, Metric, Needs, Profile, ScoreError, Side, Summary, checks, spearman_brown,
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
    /// The same for the baseline: the mean profile (see [`super::mean_profile`]) or the mean response, as the profile has
    /// it.
    pub baseline: f64,
    /// The same between random halves of the real cells, where asked for and defined: stepped up to full size (see
    /// [`spearman_brown`]), or the mean of [`Self::anchor`].
    pub ceiling: Option<f64>,
    /// Position between baseline (0) and perfection (1).
    pub relative: Option<f64>,
    /// The replicate, where asked for, of profiles that score against it.
    pub anchor: Option<Anchor>,
    /// Position between baseline (0) and replicate (1).
    pub scaled: Option<f64>,
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
    /// Mean position between baseline and perfection over the metrics that have one: Arc's overall score of 2025.
    pub fn overall(&self) -> f64 {
        mean(self.rows.iter().filter_map(|r| r.relative))
    }

    /// Mean position between baseline and replicate over the metrics that have one: the score of a context of 2026.
    pub fn scaled(&self) -> Option<f64> {
        let scaled = || self.rows.iter().filter_map(|r| r.scaled);
        scaled().next().map(|_| mean(scaled()))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / n
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
/// [`ScoreError::CountsNeeded`], [`ScoreError::TooFewCells`] (ceiling only), and whatever a metric says.
pub fn score(
    pred: &LogCells,
    real: &LogCells,
    profile: &'static Profile,
    options: &ScoreOptions,
) -> Result<Scorecard, ScoreError> {
    same_genes(&real.genes, &pred.genes)?;
    same_labels(&real.labels, &pred.labels)?;
    profile.check(real, "real")?;
    profile.check(pred, "predicted")?;
    let metrics = profile.select(&options.only, &options.skip)?;
    let needs = metrics.iter().map(|m| m.needs).max().unwrap_or(Needs::Means);
    let [truth, baseline] = profile.prepare_with_baseline(real, needs)?;
    let truth = Arc::new(truth);
    let controls = options.controls.unwrap_or(profile.controls);
    let pred = match controls {
        Controls::Real => pred.clone().with_controls_of(real)?,
        Controls::Pred => pred.clone(),
    };
    let ceilings = match options.ceiling_seed {
        Some(seed) => ceilings(real, &truth, profile, &metrics, needs, seed)?,
        None => vec![(None, None); metrics.len()],
    };
    let mut baseline = Comparison::new(Arc::clone(&truth), baseline)?;
    let of_baseline = |metric: &&'static Metric| metric.summarise(&baseline, &(metric.evaluate)(&baseline)?);
    let baselines = metrics.iter().map(of_baseline).collect::<Result<Vec<Summary>, ScoreError>>()?;
    baseline.pred = Arc::new(baseline.pred.without_tests());
    let prediction = Comparison::new(truth, profile.prepare(&pred, needs)?)?;
    let mut notices = checks(&pred, &prediction, &baseline, controls)?;
    notices.extend(counts_notice(real).filter(|_| profile.name == "course"));
    let row = |((metric, (ceiling, anchor)), baseline): ((&'static Metric, Ceiling), f64)| {
        let values = (metric.evaluate)(&prediction)?;
        let summary = metric.summarise(&prediction, &values)?;
        let position = |one| profile.position(metric, summary.mean, baseline, one);
        let scaled = anchor.as_ref().and_then(|anchor| position(Some(anchor.mean)));
        Ok(Row { metric, values, summary, baseline, ceiling, relative: position(None), anchor, scaled })
    };
    let rows = metrics
        .into_iter()
        .zip(ceilings)
        .zip(baselines.iter().map(|b| b.mean))
        .map(row)
        .collect::<Result<_, ScoreError>>()?;
    Ok(Scorecard { profile, labels: prediction.labels.clone(), rows, notices })
}

/// Ceiling and anchor.
type Ceiling = (Option<f64>, Option<Anchor>);

/// Ceiling and anchor per metric.
fn ceilings(
    real: &LogCells,
    truth: &Side,
    profile: &Profile,
    metrics: &[&'static Metric],
    needs: Needs,
    seed: u64,
) -> Result<Vec<Ceiling>, ScoreError> {
    if !profile.scaling.is_empty() {
        let anchors = replicates(real, truth, profile, metrics, needs, seed)?;
        return Ok(anchors.into_iter().map(|anchor| (Some(anchor.mean), Some(anchor))).collect());
    }
    let halves = compare_halves(real, profile, needs, seed)?;
    let ceiling = |metric: &&'static Metric| {
        let agreement = metric.summarise(&halves, &(metric.evaluate)(&halves)?)?.mean;
        Ok((spearman_brown(metric, agreement), None))
    };
    metrics.iter().map(ceiling).collect()
}
