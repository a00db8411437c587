//! Every model against every other on the same perturbations.

use serde_json::{Value, json};

use super::table::Report;
use super::text::align;
use crate::score::{Bootstrap, CvMetric, Paired, paired};

/// The mean paired difference of a model and a reference in one metric.
pub(super) struct PairRow {
    model: String,
    reference: String,
    metric: CvMetric,
    paired: Paired,
}

/// Every ordered pair of rows of the table.
pub(super) fn pairs(report: &Report, bootstrap: &Bootstrap) -> Vec<PairRow> {
    let mut rows = Vec::new();
    for model in &report.models {
        for reference in report.models.iter().filter(|r| r.name != model.name) {
            for (metric, values) in &model.scores.values {
                let Some(other) = reference.scores.of(*metric) else { continue };
                let Some(paired) = paired(values, other, bootstrap) else { continue };
                let (model, reference) = (model.name.clone(), reference.name.clone());
                rows.push(PairRow { model, reference, metric: *metric, paired });
            }
        }
    }
    rows
}

/// `paired.tsv`.
pub(super) fn tsv(rows: &[PairRow]) -> String {
    let line = |r: &PairRow| {
        let d = r.paired.difference;
        format!(
            "{}\t{}\t{}\t{:.6}\t{:.6}\t{:.6}\t{:.6}\t{}\n",
            r.model,
            r.reference,
            r.metric.name(),
            d.mean,
            r.paired.se,
            d.low,
            d.high,
            d.n
        )
    };
    "model\treference\tmetric\tdifference\tse\tlow95\thigh95\tn\n".to_owned()
        + &rows.iter().map(line).collect::<String>()
}

/// All rows of the table minus this one, a column per metric.
pub(super) fn text(rows: &[PairRow], reference: &str) -> String {
    let of: Vec<&PairRow> = rows.iter().filter(|r| r.reference == reference).collect();
    let (mut metrics, mut models): (Vec<CvMetric>, Vec<&str>) = (Vec::new(), Vec::new());
    for row in &of {
        if !metrics.contains(&row.metric) {
            metrics.push(row.metric);
        }
        if !models.contains(&row.model.as_str()) {
            models.push(&row.model);
        }
    }
    let head = std::iter::once(format!("minus {reference}"));
    let mut lines = vec![head.chain(metrics.iter().map(|m| super::table::heading(*m))).collect::<Vec<_>>()];
    for model in models {
        let cell = |metric: &CvMetric| {
            of.iter().find(|r| r.model == model && r.metric == *metric).map_or_else(|| "-".into(), |r| cell(&r.paired))
        };
        lines.push(std::iter::once(model.to_owned()).chain(metrics.iter().map(cell)).collect());
    }
    format!("Mean paired difference ± standard error [95 % interval]; * = the interval leaves out 0\n{}", align(&lines))
}

fn cell(paired: &Paired) -> String {
    let (d, se) = (paired.difference, paired.se);
    let differs = if d.low > 0.0 || d.high < 0.0 { "*" } else { "" };
    format!("{:+.4} ± {se:.4} [{:+.4}, {:+.4}]{differs}", d.mean, d.low, d.high)
}

pub(super) fn json(rows: &[PairRow]) -> Value {
    let row = |r: &PairRow| {
        let d = r.paired.difference;
        json!({
            "model": r.model, "reference": r.reference, "metric": r.metric.name(),
            "difference": d.mean, "se": r.paired.se, "low95": d.low, "high95": d.high, "n": d.n,
        })
    };
    rows.iter().map(row).collect()
}
