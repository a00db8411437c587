//! Dependence of any form.

/// Euclidean distances between observations, n x n.
#[derive(Debug, Clone)]
pub struct Distances {
    n: usize,
    values: Vec<f64>,
}

/// Distances with the means that a distance covariance needs.
#[derive(Debug)]
pub struct Centred<'a> {
    distances: &'a Distances,
    row_means: Vec<f64>,
    mean: f64,
}

impl Distances {
    /// Distances between observations given by their coordinates. O(n^2 k).
    pub fn new<const K: usize>(observations: &[[f64; K]]) -> Self {
        let distance = |a: &[f64; K], b: &[f64; K]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
        let rows = observations.iter().flat_map(|a| observations.iter().map(move |b| distance(a, b)));
        Self { n: observations.len(), values: rows.collect() }
    }

    /// Means where observation i counts `weights[i]` times.
    pub fn centred(&self, weights: &[f64]) -> Centred<'_> {
        let total: f64 = weights.iter().sum();
        let mean_of = |row: &[f64]| row.iter().zip(weights).map(|(d, w)| d * w).sum::<f64>() / total;
        let row_means: Vec<f64> = self.values.chunks(self.n.max(1)).map(mean_of).collect();
        let mean = mean_of(&row_means);
        Centred { distances: self, row_means, mean }
    }
}

impl Centred<'_> {
    /// Squared distance covariance (V-statistic): the mean product of doubly centred distances. O(n^2).
    fn covariance(&self, other: &Self, weights: &[f64]) -> f64 {
        let n = self.distances.n;
        let total: f64 = weights.iter().sum();
        let (mut products, mut rows) = (0.0, 0.0);
        for i in (0..n).filter(|&i| weights[i] > 0.0) {
            let (a, b) = (&self.distances.values[i * n..(i + 1) * n], &other.distances.values[i * n..(i + 1) * n]);
            let row: f64 = a.iter().zip(b).zip(weights).map(|((a, b), w)| a * b * w).sum();
            products += weights[i] * row;
            rows += weights[i] * self.row_means[i] * other.row_means[i];
        }
        products / (total * total) - 2.0 * rows / total + self.mean * other.mean
    }
}

/// Distance correlation (Szekely, Rizzo and Bakirov 2007), the square root of the ratio of V-statistics as in the Python
/// package `dcor`: 0 for independence, 1 where one is a scaled rotation of the other; 0 where one does not vary.
///
/// ```
/// use grn::stats::{Distances, distance_correlation};
/// let line = Distances::new(&[[1.0], [2.0], [4.0]]);
/// let twice = Distances::new(&[[2.0], [4.0], [8.0]]);
/// let weights = [1.0; 3];
/// let r = distance_correlation(&line.centred(&weights), &twice.centred(&weights), &weights);
/// assert!((r - 1.0).abs() < 1e-12);
/// ```
pub fn distance_correlation(x: &Centred<'_>, y: &Centred<'_>, weights: &[f64]) -> f64 {
    let scale = (x.covariance(x, weights) * y.covariance(y, weights)).max(0.0).sqrt();
    if scale <= 0.0 { 0.0 } else { (x.covariance(y, weights) / scale).max(0.0).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_double_centring() {
        // x = 0, 1, 3; y = 1, 0, 2, centred by hand: A = [-10/9, 1/9... ] computed from the definition below.
        let (x, y) = ([0.0, 1.0, 3.0], [1.0, 0.0, 2.0]);
        let centred = |v: &[f64; 3]| {
            let d = |i: usize, j: usize| (v[i] - v[j]).abs();
            let row = |i: usize| (0..3).map(|j| d(i, j)).sum::<f64>() / 3.0;
            let all = (0..3).map(row).sum::<f64>() / 3.0;
            (0..9).map(|k| d(k / 3, k % 3) - row(k / 3) - row(k % 3) + all).collect::<Vec<f64>>()
        };
        let (a, b) = (centred(&x), centred(&y));
        let mean = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * q).sum::<f64>() / 9.0;
        let expected = (mean(&a, &b) / (mean(&a, &a) * mean(&b, &b)).sqrt()).sqrt();
        let (dx, dy) = (Distances::new(&x.map(|v| [v])), Distances::new(&y.map(|v| [v])));
        let w = [1.0; 3];
        assert!((distance_correlation(&dx.centred(&w), &dy.centred(&w), &w) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_weight_is_a_repetition() {
        let (x, y) = ([0.0, 1.0, 3.0, 3.0], [1.0, 0.0, 2.0, 2.0]);
        let of = |n: usize, w: &[f64]| {
            let (dx, dy) = (
                Distances::new(&x[..n].iter().map(|&v| [v]).collect::<Vec<_>>()),
                Distances::new(&y[..n].iter().map(|&v| [v]).collect::<Vec<_>>()),
            );
            distance_correlation(&dx.centred(w), &dy.centred(w), w)
        };
        assert!((of(4, &[1.0; 4]) - of(3, &[1.0, 1.0, 2.0])).abs() < 1e-12);
    }
}
