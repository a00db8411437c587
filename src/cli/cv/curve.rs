//! Accuracy against the number of training perturbations.

use serde_json::{Value, json};

use super::text::align;
use crate::cli::error::CliError;
use crate::predict::TrainingSize;
use crate::score::{CvMetric, CvRow};

/// One model at one training size.
pub(super) struct CurvePoint {
    pub(super) model: String,
    /// Training perturbations, mean over folds.
    pub(super) n_train: f64,
    pub(super) rows: Vec<CvRow>,
}

/// Sizes as typed: numbers up to 1 are shares, others counts.
pub(super) fn sizes(texts: &[String]) -> Result<Vec<TrainingSize>, CliError> {
    let parse = |text: &String| {
        let value: Option<f64> = text.trim().parse().ok();
        match value {
            Some(v) if v > 0.0 && v <= 1.0 => Ok(TrainingSize::Share(v)),
            Some(v) if v >= 2.0 && v.fract() == 0.0 => Ok(TrainingSize::Count(v as usize)),
            _ => {
                let hint = Some("for example `--curve 0.25,0.5,0.75,1` or `--curve 20,40,80`".to_owned());
                let expected = "shares of the training perturbations (above 0, at most 1) or numbers of them (from 2)";
                Err(CliError::usage("--curve", expected, format!("`{text}`"), hint))
            }
        }
    };
    texts.iter().map(parse).collect()
}

/// `curve.tsv`.
pub(super) fn tsv(points: &[CurvePoint]) -> String {
    let lines = points.iter().flat_map(|p| {
        p.rows.iter().filter_map(move |r| {
            let v = r.value?;
            let metric = r.metric.name();
            Some(format!(
                "{}\t{:.1}\t{metric}\t{:.6}\t{:.6}\t{:.6}\t{}\n",
                p.model, p.n_train, v.mean, v.low, v.high, v.n
            ))
        })
    });
    "model\tn_train\tmetric\tvalue\tlow95\thigh95\tn\n".to_owned() + &lines.collect::<String>()
}

pub(super) fn text(points: &[CurvePoint]) -> String {
    let metrics: Vec<CvMetric> = points.first().map(|p| p.rows.iter().map(|r| r.metric).collect()).unwrap_or_default();
    let head = ["model".to_owned(), "training".to_owned()].into_iter();
    let mut lines = vec![head.chain(metrics.iter().map(|m| super::table::heading(*m))).collect::<Vec<_>>()];
    for point in points {
        let cell =
            |r: &CvRow| r.value.map_or_else(|| "-".into(), |v| format!("{:.3} [{:.3}, {:.3}]", v.mean, v.low, v.high));
        let start = [point.model.clone(), format!("{:.1}", point.n_train)].into_iter();
        lines.push(start.chain(point.rows.iter().map(cell)).collect());
    }
    format!(
        "Accuracy by number of training perturbations (the mean of all of them is the reference throughout)\n{}",
        align(&lines)
    )
}

pub(super) fn json(points: &[CurvePoint]) -> Value {
    let point = |p: &CurvePoint| {
        let metrics = p.rows.iter().filter_map(|r| {
            let v = r.value?;
            Some((r.metric.name().to_owned(), json!({ "mean": v.mean, "low95": v.low, "high95": v.high, "n": v.n })))
        });
        json!({ "model": p.model, "n_train": p.n_train, "metrics": metrics.collect::<serde_json::Map<_, _>>() })
    };
    points.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_counts_are_told_apart() {
        let t = |text: &str, expected| assert_eq!(sizes(&[text.to_owned()]).ok(), expected, "{text}");
        t("0.5", Some(vec![TrainingSize::Share(0.5)]));
        t("1", Some(vec![TrainingSize::Share(1.0)]));
        t("40", Some(vec![TrainingSize::Count(40)]));
        t("0", None);
        t("1.5", None);
        t("half", None);
    }
}
