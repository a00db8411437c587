//! Which model was chosen for each fold.

use serde_json::{Value, json};

use super::text::align;
use crate::predict::Choice;
use crate::score::CvMetric;

/// The choices behind the row `nested`.
pub(super) struct Nested {
    /// The metric that chose.
    pub(super) metric: CvMetric,
    /// Names of the candidates.
    pub(super) names: Vec<String>,
    pub(super) choices: Vec<Choice>,
}

impl Nested {
    /// A line per fold with the inner score of every candidate.
    pub(super) fn text(&self) -> String {
        let head = ["fold".to_owned(), "chosen".to_owned()].into_iter().chain(self.names.iter().cloned());
        let mut lines = vec![head.collect::<Vec<_>>()];
        for choice in &self.choices {
            let scores =
                choice.scores.iter().map(|s| s.map_or_else(|| "-".into(), |s| format!("{:.4}", self.shown(s))));
            let start = [choice.fold.clone(), self.names[choice.chosen].clone()];
            lines.push(start.into_iter().chain(scores).collect());
        }
        format!("Chosen by {} in inner folds of each training part\n{}", self.metric.name(), align(&lines))
    }

    /// Scores of metrics where less is better were turned around for choosing.
    fn shown(&self, score: f64) -> f64 {
        if self.metric.higher_is_better() { score } else { -score }
    }

    pub(super) fn json(&self) -> Value {
        let choice = |c: &Choice| {
            let scores = self.names.iter().zip(&c.scores).map(|(n, s)| (n.clone(), json!(s.map(|s| self.shown(s)))));
            json!({
                "fold": c.fold, "chosen": self.names[c.chosen],
                "inner": scores.collect::<serde_json::Map<_, _>>(),
            })
        };
        json!({ "metric": self.metric.name(), "folds": self.choices.iter().map(choice).collect::<Vec<_>>() })
    }
}
