//! Multinomial logistic regression on principal components.
//!
//! Classes are the training targets; an example of a pair is half one and half the other. Component scores are divided by
//! one number, so that their mean square is 1; the penalty is half the squared length of the weights (none on the
//! intercepts) beside the summed log loss, as in scikit-learn with C = 1.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::components::Components;
use super::examples::{ByOwn, Classifier, Examples};
use super::{Known, Scorer, ScorerSpec};
use crate::rank::{RankError, softmax};
use crate::stats::minimise;

/// Principal components read.
const COMPONENTS: usize = 50;
/// Steps of the fit at most, and the gradient per example at which it stops before.
const STEPS: usize = 300;
const TOLERANCE: f64 = 1e-6;

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "logistic",
    about: "multinomial logistic regression on principal components (seen genes only)",
    source: "McCullagh and Nelder, Generalized Linear Models, 1989; settings of scikit-learn's LogisticRegression",
    without_own: true,
    joint: false,
    fit: |known| fit(known),
};

fn fit(known: &Known<'_>) -> Result<Box<dyn Scorer>, RankError> {
    Ok(Box::new(ByOwn::fit(known, true, Logistic::fit)?))
}

struct Logistic {
    components: Components,
    scale: f64,
    /// (n_components + 1) x n_targets; the last row has the intercepts.
    weights: Array2<f64>,
}

impl Logistic {
    fn fit(examples: &Examples) -> Result<Self, RankError> {
        let components = Components::fit(examples, COMPONENTS)?;
        let scores = components.project(examples.x.view(), COMPONENTS);
        let mean_square = scores.iter().map(|v| v * v).sum::<f64>() / scores.len().max(1) as f64;
        let scale = if mean_square > 0.0 { 1.0 / mean_square.sqrt() } else { 1.0 };
        let share = examples.y.sum_axis(Axis(1)).insert_axis(Axis(1));
        let weights = regress(&with_intercept(&(scores * scale)), &(&examples.y / &share));
        Ok(Self { components, scale, weights })
    }
}

impl Classifier for Logistic {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError> {
        let scores = self.components.project(x, COMPONENTS) * self.scale;
        let mut out = with_intercept(&scores).dot(&self.weights);
        for mut row in out.outer_iter_mut() {
            let shares = softmax(&row.to_vec());
            row.assign(&Array1::from(shares));
        }
        Ok(out)
    }
}

/// A last column of ones.
fn with_intercept(x: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::ones((x.nrows(), x.ncols() + 1));
    out.slice_mut(s![.., ..x.ncols()]).assign(x);
    out
}

/// Weights (n_features x n_classes) for features whose last column is 1 and shares of classes that sum to 1 by row.
fn regress(x: &Array2<f64>, shares: &Array2<f64>) -> Array2<f64> {
    let shape = (x.ncols(), shares.ncols());
    let loss = |flat: &Array1<f64>| {
        let weights = ArrayView2::from_shape(shape, flat.as_slice().unwrap_or(&[]));
        let Ok(weights) = weights else { return (0.0, Array1::zeros(flat.len())) };
        let mut rest = x.dot(&weights);
        let mut loss = 0.0;
        for (mut row, shares) in rest.outer_iter_mut().zip(shares.outer_iter()) {
            let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            let log_sum = largest + row.mapv(|v| (v - largest).exp()).sum().ln();
            loss += log_sum - row.dot(&shares);
            row.zip_mut_with(&shares, |v, share| *v = (*v - log_sum).exp() - share);
        }
        let mut gradient = x.t().dot(&rest);
        let penalised = weights.slice(s![..-1, ..]);
        gradient.slice_mut(s![..-1, ..]).scaled_add(1.0, &penalised);
        (loss + 0.5 * penalised.iter().map(|w| w * w).sum::<f64>(), gradient.into_iter().collect())
    };
    let flat = minimise(loss, Array1::zeros(shape.0 * shape.1), STEPS, TOLERANCE * x.nrows() as f64);
    flat.into_shape_with_order(shape).unwrap_or_else(|_| Array2::zeros(shape))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::rank::Own;

    /// Coefficients of scikit-learn 1.9.1, LogisticRegression(C=1, tol=1e-10), on the same six points and three classes;
    /// the intercepts less their mean, which no probability depends on.
    #[test]
    fn weights_are_those_of_scikit_learn() {
        let x = array![[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [0.5, -1.0], [1.5, -2.0]];
        let class = [0, 0, 1, 1, 2, 2];
        let shares = Array2::from_shape_fn((6, 3), |(i, c)| f64::from(u8::from(class[i] == c)));
        let got = regress(&with_intercept(&x), &shares);
        let expected = array![
            [-0.560_493, 0.829_544, -0.269_051],
            [0.699_536, 0.194_956, -0.894_493],
            [0.742_009, -1.014_533, 0.272_523]
        ];
        assert!((&got - &expected).iter().all(|d| d.abs() < 1e-4), "{got}");
    }

    #[test]
    fn probabilities_sum_to_one_over_the_training_targets() {
        let delta = array![[2.0, 0.0], [0.0, 2.0], [-2.0, -2.0]];
        let fixture = Fixture::new(&["X", "Y"], &["A", "B+C", "D"], delta);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C", "D", "E"]);
        let got = scorer.scores(&asked(array![[2.0, 0.0], [0.0, 3.0]], &fixture), &candidates, Own::Excluded).unwrap();
        assert!(got.sum_axis(Axis(1)).iter().all(|s| (s - 1.0).abs() < 1e-6));
        assert!(got[[0, 0]] > 0.5 && (got[[1, 1]] - got[[1, 2]]).abs() < 1e-6 && got[[1, 1]] > 0.3);
        assert_eq!(got.column(4), array![0.0, 0.0]);
    }
}
