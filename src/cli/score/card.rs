//! A scorecard as text and as JSON.

use serde_json::{Value, json};

use crate::score::course::{Convention, overall_of};
use crate::score::{Best, Preparation, Row, Scorecard};

/// JSON has no NaN: what is not finite is null.
pub(super) fn number(value: f64) -> Value {
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
            "relative_to_replicate": r.scaled.map(number),
            "replicate_splits": r.anchor.as_ref().map(|a| a.splits.iter().copied().map(number).collect::<Vec<_>>()),
            "n": r.summary.count,
            "n_missing": r.summary.null_count,
        })
    };
    json!({
        "profile": card.profile.name,
        "n_perturbations": card.labels.len(),
        "overall": number(card.overall()),
        "overall_to_replicate": card.scaled().map(number),
        "course_s": overall_of(card).map(|s| s.map(|(convention, s)| json!({ "convention": said(convention), "s": number(s) }))),
        "notices": card.notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "metrics": card.rows.iter().map(metric).collect::<Vec<_>>(),
    })
}

pub(super) fn as_text(card: &Scorecard) -> String {
    let width = card.rows.iter().map(|r| r.metric.name.len()).max().unwrap_or(0).max(28);
    let line = |name: &str, cells: [String; 5], better: &str| {
        let [mean, baseline, ceiling, relative, scaled] = cells;
        format!("{name:<width$} {mean:>10} {baseline:>10} {ceiling:>10} {relative:>10}{scaled}  {better}")
    };
    let of_row = |r: &Row| {
        let cell = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.4}"));
        let [mean, baseline, ceiling, relative] =
            [Some(r.summary.mean), Some(r.baseline), r.ceiling, r.relative].map(cell);
        let scaled = card.scaled().map_or(String::new(), |_| format!(" {:>10}", cell(r.scaled)));
        line(r.metric.name, [mean, baseline, ceiling, relative, scaled], direction(r.metric.best))
    };
    let scaled = card.scaled().map_or(String::new(), |_| format!(" {:>10}", "scaled"));
    let [mean, baseline, ceiling, relative] = ["mean", "baseline", "ceiling", "relative"].map(str::to_owned);
    let head = [
        format!("profile {} over {} perturbations", card.profile.name, card.labels.len()),
        line("metric", [mean, baseline, ceiling, relative, scaled], "better"),
    ];
    head.into_iter().chain(card.rows.iter().map(of_row)).chain(foot(card)).collect::<Vec<_>>().join("\n")
}

/// What the columns mean.
fn foot(card: &Scorecard) -> Vec<String> {
    let [baseline, relative] = match card.profile.preparation {
        Preparation::MeanLog1p => [
            "baseline: the mean of all perturbation means, given to every perturbation",
            "relative: 0 = baseline or worse, 1 = perfect",
        ],
        Preparation::Counts(_) => [
            "baseline: control cells drawn again, scaled to the mean response, for every perturbation",
            "relative: 0 = baseline, 1 = perfect",
        ],
    };
    let mut foot =
        vec![baseline.to_owned(), relative.to_owned(), format!("overall (mean of relative): {:.4}", card.overall())];
    if let Some(scaled) = card.scaled() {
        foot.push(
            "ceiling: halves of the real cells, mean of five splits; scaled: 0 = baseline, 1 = ceiling".to_owned(),
        );
        foot.push(format!("score (mean of scaled): {scaled:.4}"));
    }
    for (convention, s) in overall_of(card).into_iter().flatten() {
        foot.push(format!("S = {s:.2} where discrimination is read as {}", said(convention)));
    }
    foot.push("not comparable with scores of other profiles: tests, controls, genes and ranks differ".to_owned());
    foot
}

fn said(convention: Convention) -> &'static str {
    match convention {
        Convention::RankLowerBetter => "nPDS, rank / N, lower is better",
        Convention::PdsHigherBetter => "PDS, 1 - (rank - 1) / N, higher is better",
    }
}
