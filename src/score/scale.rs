//! Aggregated scores read against those of a baseline, as `cell-eval score` does.

use super::{Best, ScoreError, metric, relative_to_baseline};

/// Metrics of cell-eval that are read from its files without being computed here; 1 is best.
const ELSEWHERE: [&str; 2] = ["pearson_edistance", "clustering_agreement"];

/// Every metric of two aggregated results on one scale: 0 is the baseline or worse, 1 is perfect.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledScores {
    /// Metrics and scaled scores: those with best value 0, then those with best value 1, each in the user's order.
    pub metrics: Vec<(String, f64)>,
    /// Metrics without a best value, and those that are not known.
    pub skipped: Vec<String>,
    /// Whether the two results list their metrics in different orders.
    pub reordered: bool,
}

impl ScaledScores {
    /// The mean over the metrics, `avg_score` of cell-eval.
    pub fn average(&self) -> f64 {
        self.metrics.iter().map(|m| m.1).sum::<f64>() / self.metrics.len() as f64
    }
}

/// Scales the means of a user's metrics by those of a baseline: see [`relative_to_baseline`].
///
/// # Errors
/// [`ScoreError::MetricMismatch`] where one side lacks a metric of the other, [`ScoreError::NoMetric`] where no metric
/// has a best value.
pub fn scale(user: &[(String, f64)], base: &[(String, f64)]) -> Result<ScaledScores, ScoreError> {
    let only = |a: &[(String, f64)], b: &[(String, f64)]| -> Vec<String> {
        a.iter().filter(|(name, _)| b.iter().all(|(other, _)| other != name)).map(|m| m.0.clone()).collect()
    };
    let (only_user, only_base) = (only(user, base), only(base, user));
    if !only_user.is_empty() || !only_base.is_empty() {
        let list = |names: Vec<String>| if names.is_empty() { "none".into() } else { crate::error::some_of(names, 5) };
        return Err(ScoreError::MetricMismatch { only_user: list(only_user), only_base: list(only_base) });
    }
    let (mut zero, mut one, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (name, score) in user {
        let Some((_, baseline)) = base.iter().find(|(other, _)| other == name) else { continue };
        let best = best(name);
        match relative_to_baseline(*score, *baseline, best) {
            Some(scaled) if best == Best::Zero => zero.push((name.clone(), scaled)),
            Some(scaled) => one.push((name.clone(), scaled)),
            None => skipped.push(name.clone()),
        }
    }
    let metrics: Vec<(String, f64)> = zero.into_iter().chain(one).collect();
    if metrics.is_empty() {
        return Err(ScoreError::NoMetric { got: crate::error::some_of(&skipped, 5) });
    }
    let reordered = user.iter().map(|m| &m.0).ne(base.iter().map(|m| &m.0));
    Ok(ScaledScores { metrics, skipped, reordered })
}

fn best(name: &str) -> Best {
    let known = metric(name).map(|m| m.best);
    known.unwrap_or(if ELSEWHERE.contains(&name) { Best::One } else { Best::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, f64)]) -> Vec<(String, f64)> {
        cells.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn directions_clipping_and_missing_values() {
        let base = row(&[("pr_auc", 0.5), ("mae", 0.2), ("mse", 0.1), ("roc_auc", 0.5), ("de_nsig_counts_real", 3.0)]);
        let user =
            row(&[("pr_auc", 0.75), ("mae", 0.1), ("mse", 0.3), ("roc_auc", f64::NAN), ("de_nsig_counts_real", 9.0)]);
        let scaled = scale(&user, &base).unwrap();
        assert_eq!(scaled.metrics, row(&[("mae", 0.5), ("mse", 0.0), ("pr_auc", 0.5), ("roc_auc", 0.0)]));
        assert_eq!(scaled.skipped, ["de_nsig_counts_real"]);
        assert_eq!((scaled.average(), scaled.reordered), (0.25, false));
    }

    #[test]
    fn order_is_noticed_and_other_metrics_are_refused() {
        let t = |user: &[(&str, f64)], base: &[(&str, f64)]| scale(&row(user), &row(base));
        assert!(t(&[("mae", 0.1), ("mse", 0.1)], &[("mse", 0.1), ("mae", 0.1)]).unwrap().reordered);
        let (only_user, only_base) = ("`mse`".to_owned(), "none".to_owned());
        let error = ScoreError::MetricMismatch { only_user, only_base };
        assert_eq!(t(&[("mae", 0.1), ("mse", 0.1)], &[("mae", 0.1)]), Err(error));
        assert_eq!(t(&[("other", 0.1)], &[("other", 0.1)]), Err(ScoreError::NoMetric { got: "`other`".into() }));
    }

    /// Two participants' published means: "baseline MAE 0.027, DES 0.106, PDS 0.514", of which one entry with DES 0.18,
    /// PDS 0.61 and MAE 0.036 stood at 9.4 on the leaderboard and one with 0.18, 0.56 and 0.036 at 5.8. From these
    /// rounded inputs the formula gives 9.3 and 5.9.
    #[test]
    fn the_leaderboard_of_the_challenge_is_reproduced() {
        let entry = |des, pds, mae| row(&[("overlap_at_N", des), ("discrimination_score_l1", pds), ("mae", mae)]);
        let base = entry(0.106, 0.514, 0.027);
        let t = |user: &[(String, f64)], printed: f64| {
            let overall = 100.0 * scale(user, &base).unwrap().average();
            assert!((overall - printed).abs() < 0.15, "{overall}, printed {printed}");
        };
        t(&entry(0.18, 0.61, 0.036), 9.4);
        t(&entry(0.18, 0.56, 0.036), 5.8);
    }
}
