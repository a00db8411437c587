//! How the parts of a prediction are mixed, in the space of scores.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::predict::kernel::loss;

/// Shares of the trees that are tried.
const TREES: [f64; 5] = [0.0, 0.15, 0.3, 0.45, 0.6];
/// Shares of the step towards similar responses that are tried.
const STEPS: [f64; 4] = [0.0, 0.1, 0.2, 0.3];
/// How sharply similar responses stand out: weights are exp(20 cosine).
const SHARPNESS: f32 = 20.0;
/// A step is never more than this times as long as the prediction it replaces.
const LONGEST: f32 = 3.0;

/// Shares of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Blend {
    /// Share of the trees; the rest is the kernel.
    pub(super) trees: f64,
    /// Share of the mean of similar training responses.
    pub(super) neighbours: f64,
}

impl Blend {
    #[cfg(test)]
    /// Nothing but the kernel.
    pub(super) const KERNEL: Self = Self { trees: 0.0, neighbours: 0.0 };

    /// Kernel and trees, length components; without trees the kernel.
    pub(super) fn models(self, kernel: &Array1<f32>, trees: Option<&Array1<f32>>) -> Array1<f32> {
        match trees {
            Some(trees) => kernel * (1.0 - self.trees as f32) + trees * self.trees as f32,
            None => kernel.clone(),
        }
    }

    /// Moves predicted scores towards the training scores they resemble, at unchanged length; `without` leaves out a
    /// training row.
    pub(super) fn towards_neighbours(
        self,
        predicted: &Array1<f32>,
        training: &Array2<f32>,
        without: Option<usize>,
    ) -> Array1<f32> {
        if self.neighbours == 0.0 {
            return predicted.clone();
        }
        let length = predicted.dot(predicted).sqrt();
        let cosines = training.outer_iter().map(|row| {
            let product = row.dot(predicted) / (length * row.dot(&row).sqrt()).max(f32::MIN_POSITIVE);
            if product.is_finite() { product } else { 0.0 }
        });
        let mut weights: Array1<f32> = cosines.map(|c| (SHARPNESS * (c - 1.0)).exp()).collect();
        without.into_iter().for_each(|row| weights[row] = 0.0);
        let similar = weights.dot(training) / weights.sum().max(f32::MIN_POSITIVE);
        let scale = (length / similar.dot(&similar).sqrt().max(f32::MIN_POSITIVE)).min(LONGEST);
        let share = self.neighbours as f32;
        predicted * (1.0 - share) + similar * (share * scale)
    }

    /// The shares with the smallest loss of the left-out predictions (each n_rows x components) of the true scores, first
    /// that of the trees, then that of the step; and the left-out predictions of the blend.
    pub(super) fn choose(
        truth: &Array2<f64>,
        kernel: &Array2<f64>,
        trees: Option<&Array2<f64>>,
        neighbours: bool,
    ) -> (Self, Array2<f64>) {
        let mixed = |share: f64| match trees {
            Some(trees) => kernel * (1.0 - share) + trees * share,
            None => kernel.clone(),
        };
        let shares = if trees.is_some() { &TREES[..] } else { &TREES[..1] };
        let trees = best(shares, |share| loss(&mixed(share), truth));
        let models = mixed(trees).mapv(|v| v as f32);
        let training = truth.mapv(|v| v as f32);
        let stepped = |share: f64| {
            let blend = Self { trees, neighbours: share };
            let mut out = Array2::<f64>::zeros(truth.raw_dim());
            for (row, mut to) in out.axis_iter_mut(Axis(0)).enumerate() {
                let moved = blend.towards_neighbours(&models.row(row).to_owned(), &training, Some(row));
                to.assign(&moved.mapv(f64::from));
            }
            out
        };
        let steps = if neighbours { &STEPS[..] } else { &STEPS[..1] };
        let step = best(steps, |share| loss(&stepped(share), truth));
        (Self { trees, neighbours: step }, stepped(step))
    }
}

/// The candidate with the smallest value; the first of equals.
fn best(candidates: &[f64], value: impl Fn(f64) -> f64) -> f64 {
    let scored = candidates.iter().map(|&c| (c, value(c)));
    scored.fold((0.0, f64::INFINITY), |best, x| if x.1 < best.1 { x } else { best }).0
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_prediction_moves_towards_the_response_it_resembles_and_keeps_its_length() {
        let training = array![[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]];
        let predicted = array![0.9, 0.3];
        let blend = Blend { trees: 0.0, neighbours: 1.0 };
        let moved = blend.towards_neighbours(&predicted, &training, None);
        let length = |x: &Array1<f32>| x.dot(x).sqrt();
        assert!(moved[1].abs() < 1e-3 && (length(&moved) - length(&predicted)).abs() < 1e-5, "{moved}");
        // Without the first row the second is the nearest.
        let moved = blend.towards_neighbours(&predicted, &training, Some(0));
        assert!(moved[1] > 0.9 && moved[0].abs() < 1e-3, "{moved}");
        assert_eq!(Blend::KERNEL.towards_neighbours(&predicted, &training, None), predicted);
    }

    #[test]
    fn the_better_part_gets_the_larger_share() {
        let truth = array![[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [1.0, 1.0]];
        let (good, bad) = (&truth * 0.8, truth.mapv(|v: f64| 0.3 - v));
        assert_eq!(Blend::choose(&truth, &good, Some(&bad), false).0, Blend::KERNEL);
        assert_eq!(Blend::choose(&truth, &bad, Some(&good), false).0.trees, 0.6);
        assert_eq!(Blend::choose(&truth, &good, None, false).1, good.mapv(|v| f64::from(v as f32)));
    }
}
