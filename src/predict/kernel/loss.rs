//! What a leave-one-out prediction should get right.

use ndarray::{Array2, Axis, Zip};

/// Rows of both shorter than this are taken as this long, so that a zero row has a cosine of 0.
const SHORTEST: f64 = 1e-9;

/// Squared error relative to the squared responses, minus the mean cosine of predicted and true rows: scale and direction
/// count alike. 1 for no change, -1 for a perfect prediction. Both n x r.
pub(in crate::predict) fn loss(predicted: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    let error = (predicted - truth).mapv(|v| v * v).sum() / total(truth);
    error - cosines(predicted, truth).sum() / truth.nrows().max(1) as f64
}

/// Gradient of [`loss`] over the prediction, n x r.
pub(in crate::predict) fn loss_gradient(predicted: &Array2<f64>, truth: &Array2<f64>) -> Array2<f64> {
    let mut gradient = (predicted - truth) * (2.0 / total(truth));
    let cosines = cosines(predicted, truth);
    let n = truth.nrows().max(1) as f64;
    for (i, mut row) in gradient.axis_iter_mut(Axis(0)).enumerate() {
        let (p, t) = (predicted.row(i), truth.row(i));
        let (lp, lt) = (length(p), length(t));
        Zip::from(&mut row).and(p).and(t).for_each(|g, &p, &t| *g -= (t / (lp * lt) - p * cosines[i] / (lp * lp)) / n);
    }
    gradient
}

fn cosines(x: &Array2<f64>, y: &Array2<f64>) -> ndarray::Array1<f64> {
    x.outer_iter().zip(y.outer_iter()).map(|(x, y)| x.dot(&y) / (length(x) * length(y))).collect()
}

fn length(x: ndarray::ArrayView1<'_, f64>) -> f64 {
    x.dot(&x).sqrt().max(SHORTEST)
}

fn total(truth: &Array2<f64>) -> f64 {
    truth.mapv(|v| v * v).sum().max(f64::MIN_POSITIVE)
}
