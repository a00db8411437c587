//! Values per perturbation.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

use super::discrimination::discrimination;
use super::metric::CvMetric;
use crate::data::{Fold, Responses, Split};
use crate::stats::{average_precision, pearson};

/// A prediction this close to m (relative to the largest entry of m) is m up to the rounding of 32-bit floats.
const EQUAL_TO_MEAN: f64 = 1e-5;

/// One value per metric and perturbation; `None` where a metric is not defined.
#[derive(Debug, Clone, PartialEq)]
pub struct CvScores {
    /// By metric, in table order; each has one value per perturbation.
    pub values: Vec<(CvMetric, Vec<Option<f64>>)>,
}

impl CvScores {
    /// The values of a metric, one per perturbation.
    pub fn of(&self, metric: CvMetric) -> Option<&[Option<f64>]> {
        self.values.iter().find(|(m, _)| *m == metric).map(|(_, v)| v.as_slice())
    }

    /// The values of a fold put in the rows of the fold.
    pub(super) fn scatter(n: usize, folds: Vec<(&Fold, Vec<FoldValues>)>, metrics: &[CvMetric]) -> Self {
        let mut values: Vec<_> = metrics.iter().map(|m| (*m, vec![None; n])).collect();
        for (fold, rows) in folds {
            for (&row, of_row) in fold.held_out.iter().zip(rows) {
                for (metric, column) in &mut values {
                    column[row] = of_row.get(*metric);
                }
            }
        }
        Self { values }
    }
}

/// Scores out-of-fold predictions (n_perturbations x n_genes, on the scale of the truth).
///
/// m is the mean of the true rows of the other folds. A prediction equal to m up to float rounding says nothing of its
/// perturbation: its centred correlation is 0 and its discrimination 0.5. A correlation with a constant is 0. Average
/// precision needs `significant`, and a perturbation without a significant gene has none.
pub fn cv_scores(truth: &Responses, split: &Split, predicted: &Array2<f32>) -> CvScores {
    let folds: Vec<_> = split.folds.par_iter().map(|fold| (fold, score_fold(truth, split, fold, predicted))).collect();
    let with_ap = truth.significant.is_some();
    let metrics: Vec<CvMetric> =
        CvMetric::ALL.into_iter().filter(|m| with_ap || *m != CvMetric::AveragePrecision).collect();
    CvScores::scatter(truth.len(), folds, &metrics)
}

/// The values of one perturbation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FoldValues {
    pub(super) ap: Option<f64>,
    pub(super) centred_r: Option<f64>,
    pub(super) disc: Option<f64>,
    pub(super) pearson_delta: Option<f64>,
    pub(super) l2_ratio: Option<f64>,
}

impl FoldValues {
    fn get(&self, metric: CvMetric) -> Option<f64> {
        match metric {
            CvMetric::AveragePrecision => self.ap,
            CvMetric::CentredR => self.centred_r,
            CvMetric::Discrimination => self.disc,
            CvMetric::PearsonDelta => self.pearson_delta,
            CvMetric::L2Ratio => self.l2_ratio,
        }
    }
}

fn score_fold(truth: &Responses, split: &Split, fold: &Fold, predicted: &Array2<f32>) -> Vec<FoldValues> {
    let mean = training_mean(&truth.delta, &split.train(fold));
    let centred =
        |x: &Array2<f32>| -> Vec<Vec<f64>> { fold.held_out.iter().map(|&row| difference(x.row(row), &mean)).collect() };
    let (mut d, t) = (centred(predicted), centred(&truth.delta));
    d.iter_mut().for_each(|row| silence(row, &mean));
    let disc = discrimination(&d, &t);
    let rows = fold.held_out.iter().enumerate().map(|(i, &row)| FoldValues {
        ap: truth.significant.as_ref().and_then(|s| row_precision(predicted.row(row), s.row(row))),
        centred_r: Some(correlation(&d[i], &t[i])),
        disc: disc[i],
        pearson_delta: Some(row_pearson(predicted.row(row), truth.delta.row(row))),
        l2_ratio: distance_ratio(predicted.row(row), truth.delta.row(row), &t[i]),
    });
    rows.collect()
}

/// Mean of the rows at these positions, in double precision.
pub(super) fn training_mean(x: &Array2<f32>, rows: &[usize]) -> Vec<f64> {
    let mut mean = vec![0.0; x.ncols()];
    for &row in rows {
        mean.iter_mut().zip(x.row(row)).for_each(|(m, &v)| *m += f64::from(v));
    }
    mean.iter_mut().for_each(|m| *m /= rows.len().max(1) as f64);
    mean
}

fn difference(row: ArrayView1<'_, f32>, mean: &[f64]) -> Vec<f64> {
    row.iter().zip(mean).map(|(&x, m)| f64::from(x) - m).collect()
}

/// Makes a centred prediction zero where it is m up to the rounding of 32-bit floats.
fn silence(centred: &mut [f64], mean: &[f64]) {
    let largest = |x: &[f64]| x.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    if largest(centred) <= EQUAL_TO_MEAN * largest(mean).max(1e-30) {
        centred.fill(0.0);
    }
}

/// Pearson correlation in double precision; 0 where one side is constant.
fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let (mx, my) = (mean(x), mean(y));
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(a, b)| f(a - mx, b - my)).sum::<f64>();
    let scale = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    if scale > 0.0 { sum(&|a, b| a * b) / scale } else { 0.0 }
}

fn row_pearson(x: ArrayView1<'_, f32>, y: ArrayView1<'_, f32>) -> f64 {
    pearson(&x.to_vec(), &y.to_vec()).unwrap_or(0.0)
}

fn row_precision(score: ArrayView1<'_, f32>, significant: ArrayView1<'_, f32>) -> Option<f64> {
    let positive: Vec<bool> = significant.iter().map(|&s| s > 0.0).collect();
    average_precision(&score.to_vec(), &positive)
}

/// |prediction - truth| / |m - truth|; `None` where the truth is m. `centred` is truth - m.
fn distance_ratio(predicted: ArrayView1<'_, f32>, truth: ArrayView1<'_, f32>, centred: &[f64]) -> Option<f64> {
    let of_mean = centred.iter().map(|c| c * c).sum::<f64>().sqrt();
    let squares = predicted.iter().zip(truth).map(|(&p, &t)| (f64::from(p) - f64::from(t)).powi(2));
    (of_mean > 0.0).then(|| squares.sum::<f64>().sqrt() / of_mean)
}

/// Rows of `x` shifted so that their training mean is that of `to`, fold by fold.
pub(super) fn recentred(x: &Array2<f32>, to: &Array2<f32>, split: &Split) -> Array2<f32> {
    let mut out = x.clone();
    for fold in &split.folds {
        let train = split.train(fold);
        let (from, onto) = (training_mean(x, &train), training_mean(to, &train));
        for &row in &fold.held_out {
            let shift = from.iter().zip(&onto).map(|(f, o)| o - f);
            out.row_mut(row).iter_mut().zip(shift).for_each(|(v, s)| *v = (f64::from(*v) + s) as f32);
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use ndarray::{Array1, array};

    use super::*;
    use crate::data::{ControlProfile, GeneIndex, Perturbation, Quantity};

    /// Four perturbations x three genes in two folds, (0, 1) and (2, 3).
    pub(in crate::score::cv) fn example() -> (Responses, Split) {
        let truth = Responses {
            genes: Arc::new(GeneIndex::new(["X", "Y", "Z"]).unwrap()),
            perturbations: ["A", "B", "C", "D"].map(|t| Perturbation::of([t])).to_vec(),
            delta: array![[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0]],
            var: None,
            third: None,
            n_cells: vec![0; 4],
            control: ControlProfile { mean: Array1::zeros(3), var: None, third: None, n_cells: 0 },
            significant: Some(array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]),
            halves: None,
            quantity: Quantity::Effect,
        };
        let fold = |name: &str, held_out: &[usize]| Fold { name: name.into(), held_out: held_out.to_vec() };
        (truth, Split { n: 4, folds: vec![fold("0", &[0, 1]), fold("1", &[2, 3])] })
    }

    #[test]
    fn values_are_those_calculated_by_hand() {
        let (truth, split) = example();
        // m of fold 0 is (1, 1, 0), of fold 1 (1, 1, 0). Row 0 is predicted as m, row 1 as the truth of row 0.
        let predicted = array![[1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 3.0, 0.0]];
        let scores = cv_scores(&truth, &split, &predicted);
        let t = |metric, expected: [Option<f64>; 4]| {
            let got = scores.of(metric).unwrap();
            let close = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            assert!(got.iter().zip(&expected).all(close), "{metric:?}: {got:?}, expected {expected:?}");
        };
        t(CvMetric::CentredR, [Some(0.0), Some(-1.0), Some(1.0), Some(1.0)]);
        t(CvMetric::Discrimination, [Some(0.5), Some(0.0), Some(1.0), Some(1.0)]);
        // Row 0: X and Y tie, one of two is significant. Row 1: Y and Z tie at 0 behind X. Row 2 has none.
        t(CvMetric::AveragePrecision, [Some(0.5), Some(1.0 / 3.0), None, Some(1.0)]);
        // Row 0: |(1, -1, 0)| both. Row 1: |(2, -2, 0)| over |(1, -1, 0)|. Row 3: |(0, 1, 0)| over |(0, 1, 0)|.
        t(CvMetric::L2Ratio, [Some(1.0), Some(2.0), Some(0.0), Some(1.0)]);
        // Row 0: (1, 1, 0) with (2, 0, 0): covariance (1/3)(4/3) + (1/3)(-2/3) + (-2/3)(-2/3) = 2/3, sizes 2/3 and 8/3.
        let delta = scores.of(CvMetric::PearsonDelta).unwrap();
        assert!((delta[0].unwrap() - 0.5).abs() < 1e-12);
        assert!((delta[2].unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn recentring_moves_the_training_mean_only() {
        let (truth, split) = example();
        let moved = recentred(&(&truth.delta + 5.0), &truth.delta, &split);
        assert_eq!(moved, truth.delta);
    }
}
