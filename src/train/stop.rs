//! When to stop.

use serde::{Deserialize, Serialize};

/// What was measured on held-out rows after a number of steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Steps done.
    pub step: u64,
    /// The held-out loss; lower is better.
    pub loss: f64,
    /// Whatever else the model wants to keep of this evaluation, for example values per row.
    pub kept: Vec<f64>,
}

/// Decides from all evaluations so far whether to stop. It must depend on nothing else, so that a resumed fit stops
/// where an uninterrupted one does.
pub trait StopPolicy {
    /// Whether to stop now.
    fn stops(&self, history: &[Evaluation]) -> bool;
}

/// Runs all planned steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Never;

impl StopPolicy for Never {
    fn stops(&self, _: &[Evaluation]) -> bool {
        false
    }
}

/// Stops when the held-out loss has not improved for this many evaluations in a row.
#[derive(Debug, Clone, Copy)]
pub struct Patience(pub usize);

impl StopPolicy for Patience {
    fn stops(&self, history: &[Evaluation]) -> bool {
        let best = history.iter().enumerate().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss));
        best.is_some_and(|(at, _)| history.len() - 1 - at >= self.0.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_counts_evaluations_since_the_best() {
        let history = |losses: &[f64]| -> Vec<Evaluation> {
            losses.iter().zip(1..).map(|(&loss, step)| Evaluation { step, loss, kept: Vec::new() }).collect()
        };
        let t = |losses: &[f64], expected| assert_eq!(Patience(2).stops(&history(losses)), expected, "{losses:?}");
        t(&[], false);
        t(&[3.0, 2.0, 2.5], false);
        t(&[3.0, 2.0, 2.5, 2.1], true);
        t(&[3.0, 2.0, 2.5, 1.9], false);
        t(&[1.0, 1.0, 1.0], true);
        assert!(!Never.stops(&history(&[1.0, 2.0, 3.0, 4.0])));
    }
}
