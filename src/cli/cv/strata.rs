//! Who gains over the mean baseline, and who does not.

use serde_json::{Value, json};

use super::covariates::Covariates;
use super::table::{Report, ScoredModel};
use super::text::align;
use crate::score::{Bootstrap, CvMetric, Interval, Stratum, terciles};

/// The gain of a model over the mean in a third of the perturbations.
pub(super) struct StratumRow {
    model: String,
    covariate: &'static str,
    stratum: Stratum,
    metric: CvMetric,
    /// Mean of model - mean baseline, with its interval.
    gain: Interval,
}

/// Every model but the mean itself, by degree, effect size and distance, for every metric.
pub(super) fn strata(report: &Report, covariates: &Covariates, bootstrap: &Bootstrap) -> Vec<StratumRow> {
    let Some(mean) = report.baseline() else { return Vec::new() };
    let mut rows = Vec::new();
    for model in report.models.iter().filter(|m| m.name != "mean") {
        for (covariate, values) in respects(model, covariates) {
            for stratum in terciles(&values) {
                for (metric, own) in &model.scores.values {
                    let Some(base) = mean.of(*metric) else { continue };
                    let (own, base) = (stratum.of(own), stratum.of(base));
                    let Some(gain) = bootstrap.difference(&own, &base) else { continue };
                    let (model, stratum) = (model.name.clone(), stratum.clone());
                    rows.push(StratumRow { model, covariate, stratum, metric: *metric, gain });
                }
            }
        }
    }
    rows
}

/// What perturbations are sorted by: the model's own distance where it has one, else hops in the graph.
fn respects(model: &ScoredModel, covariates: &Covariates) -> Vec<(&'static str, Vec<Option<f64>>)> {
    let distance: Vec<Option<f64>> = model.predictions.distance.iter().map(|d| d.map(f64::from)).collect();
    let distance =
        if distance.iter().any(Option::is_some) { ("distance", distance) } else { ("hops", covariates.hops.clone()) };
    // Sizes that differ by rounding only (tables of ranks) are one size, and one size makes no groups.
    let effect = covariates.effect.iter().map(|v| format!("{v:.4e}").parse().ok()).collect();
    let mut all = vec![("degree", covariates.degree.clone()), ("effect", effect), distance];
    all.retain(|(_, values)| values.iter().flatten().any(|v| Some(v) != values.iter().flatten().next()));
    all
}

/// `strata.tsv`.
pub(super) fn tsv(rows: &[StratumRow]) -> String {
    let head = "model\tcovariate\tstratum\tfrom\tto\tmetric\tgain_over_mean\tlow95\thigh95\tn\n";
    let line = |r: &StratumRow| {
        let (from, to) = r.stratum.range.map_or_else(Default::default, |(a, b)| (number(a), number(b)));
        let g = r.gain;
        format!(
            "{}\t{}\t{}\t{from}\t{to}\t{}\t{:.6}\t{:.6}\t{:.6}\t{}\n",
            r.model,
            r.covariate,
            r.stratum.name,
            r.metric.name(),
            g.mean,
            g.low,
            g.high,
            g.n
        )
    };
    head.to_owned() + &rows.iter().map(line).collect::<String>()
}

/// The same for people, two metrics side by side.
pub(super) fn text(rows: &[StratumRow]) -> String {
    const SHOWN: [CvMetric; 2] = [CvMetric::CentredR, CvMetric::L2Ratio];
    let mut lines = vec![
        ["model", "by", "stratum", "from", "to", "n", "centred_r gain", "l2_ratio gain"].map(String::from).to_vec(),
    ];
    for first in rows.iter().filter(|r| r.metric == SHOWN[0]) {
        let same = |r: &&StratumRow| {
            r.model == first.model && r.covariate == first.covariate && r.stratum.name == first.stratum.name
        };
        let gain = |metric: CvMetric| {
            let row = rows.iter().find(|r| same(r) && r.metric == metric);
            row.map_or_else(String::new, |r| format!("{:+.3} [{:+.3}, {:+.3}]", r.gain.mean, r.gain.low, r.gain.high))
        };
        let (from, to) = first.stratum.range.map_or_else(Default::default, |(a, b)| (number(a), number(b)));
        let n = first.gain.n.to_string();
        let mut line =
            vec![first.model.clone(), first.covariate.to_owned(), first.stratum.name.to_owned(), from, to, n];
        line.extend(SHOWN.map(gain));
        lines.push(line);
    }
    format!("Gain over the mean baseline by what is known of the perturbation [95 % interval]\n{}", align(&lines))
}

pub(super) fn json(rows: &[StratumRow]) -> Value {
    let row = |r: &StratumRow| {
        json!({
            "model": r.model, "covariate": r.covariate, "stratum": r.stratum.name,
            "from": r.stratum.range.map(|r| r.0), "to": r.stratum.range.map(|r| r.1), "metric": r.metric.name(),
            "gain_over_mean": r.gain.mean, "low95": r.gain.low, "high95": r.gain.high, "n": r.gain.n,
        })
    };
    rows.iter().map(row).collect()
}

/// Whole numbers without decimals.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
