//! The learning rate over a fit.

use serde::{Deserialize, Serialize};

/// Linear warm-up, then half a cosine down to zero (Loshchilov and Hutter 2017, without restarts).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps in all.
    pub steps: u64,
}

impl Schedule {
    /// The rate of a step, counted from 0; positive for every step below `steps`.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        let rest = self.steps.saturating_sub(self.warmup).max(1);
        let done = (step - self.warmup).min(rest) as f64 / rest as f64;
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls_to_zero() {
        let schedule = Schedule { peak: 2.0, warmup: 3, steps: 13 };
        let t = |step, expected: f64| assert!((schedule.rate(step) - expected).abs() < 1e-12, "step {step}");
        t(0, 0.5);
        t(2, 1.5);
        t(3, 2.0);
        t(8, 1.0);
        t(13, 0.0);
        t(99, 0.0);
        assert!(schedule.rate(12) > 0.0);
    }
}
