//! Effects that are never negative.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use crate::data::{Quantity, Responses};

/// The corner of the soft threshold in units of the typical departure from the mean.
const CORNER: f32 = 6.0;

/// The range of a table of effects.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Range {
    /// Effects of both signs.
    Free,
    /// No effect of the training perturbations is negative: x becomes ln(1 + exp(s x)) / s, which keeps the order.
    Positive {
        /// s, in 1 / effect.
        sharpness: f32,
    },
}

impl Range {
    /// The range of a table; levels of expression change in both directions.
    pub(super) fn of(responses: &Responses) -> Self {
        let positive = responses.delta.iter().all(|v| *v >= 0.0);
        if responses.quantity == Quantity::Level || !positive {
            return Self::Free;
        }
        let departures = &responses.delta - &responses.mean_delta();
        let square = departures.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / departures.len().max(1) as f64;
        if square > 0.0 { Self::Positive { sharpness: CORNER / square.sqrt() as f32 } } else { Self::Free }
    }

    /// The prediction within the range.
    pub(super) fn apply(self, delta: &Array1<f32>) -> Array1<f32> {
        match self {
            Self::Free => delta.clone(),
            Self::Positive { sharpness: s } => delta.mapv(|x| (x.max(0.0) * s + (-(x * s).abs()).exp().ln_1p()) / s),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn negative_predictions_come_to_rest_just_above_zero_in_their_order() {
        let bounded = Range::Positive { sharpness: 10.0 }.apply(&array![-5.0, -0.2, 0.0, 0.2, 5.0]);
        assert!(bounded.windows(2).into_iter().all(|w| w[0] < w[1]), "{bounded}");
        // ln(1 + e^-2) / 10 and ln 2 / 10.
        assert!((bounded[1] - 0.012_693).abs() < 1e-5 && (bounded[2] - 0.069_315).abs() < 1e-5);
        assert!((bounded[4] - 5.0).abs() < 1e-6);
        assert_eq!(Range::Free.apply(&array![-1.0]), array![-1.0]);
    }
}
