//! A scorecard as text and as JSON.

use serde_json::{Value, json};

use crate::score::{Best, Row, Scorecard};

/// JSON has no NaN: what is not finite is null.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

pub(super) fn direction(best: Best) -> &'static str {
    match best {
        Best::One => "higher",
        Best::Zero => "lower",
        Best::None => "none",
    }
}

pub(super) fn as_json(card: &Scorecard) -> Value {
    let metric = |r: &Row| {
        json!({
            "metric": r.metric.name,
            "about": r.metric.about,
            "unit": r.metric.unit,
            "better": direction(r.metric.best),
            "mean": number(r.summary.mean),
            "baseline": number(r.baseline),
            "ceiling": r.ceiling.map(number),
            "relative_to_baseline": r.relative.map(number),
            "n": r.summary.count,
            "n_missing": r.summary.null_count,
        })
    };
    json!({
        "profile": card.profile.name,
        "n_perturbations": card.labels.len(),
        "overall": number(card.overall()),
        "notices": card.notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "metrics": card.rows.iter().map(metric).collect::<Vec<_>>(),
    })
}

pub(super) fn as_text(card: &Scorecard) -> String {
    let line = |name: &str, cells: [String; 4], better: &str| {
        let [mean, baseline, ceiling, relative] = cells;
        format!("{name:<28} {mean:>10} {baseline:>10} {ceiling:>10} {relative:>10}  {better}")
    };
    let of_row = |r: &Row| {
        let cell = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.4}"));
        let cells = [Some(r.summary.mean), Some(r.baseline), r.ceiling, r.relative].map(cell);
        line(r.metric.name, cells, direction(r.metric.best))
    };
    let head = [
        format!("profile {} over {} perturbations", card.profile.name, card.labels.len()),
        line("metric", ["mean", "baseline", "ceiling", "relative"].map(str::to_owned), "better"),
    ];
    let foot = [
        "baseline: the mean of all perturbation means, given to every perturbation".to_owned(),
        "relative: 0 = baseline or worse, 1 = perfect".to_owned(),
        format!("overall (mean of relative): {:.4}", card.overall()),
    ];
    head.into_iter().chain(card.rows.iter().map(of_row)).chain(foot).collect::<Vec<_>>().join("\n")
}
