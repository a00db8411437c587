//! Intervals of predicted changes by split conformal prediction.
//!
//! Gene g has a scale s_g, the root mean square of its held-out errors over perturbations, shrunk towards the median
//! over genes; the scale that goes with an error is computed without its perturbation. Scores are |error| / s_g. Perturbations,
//! not genes, are exchangeable: each one's scores are an empirical distribution, their average over the n perturbations
//! of a stratum gets weight n / (n + 1), and the half-width is s_g times the smallest score at which this reaches the
//! level (hierarchical conformal prediction: Lee, Barber and Willett, JRSS B 2025; split conformal: Lei et al., JASA
//! 2018). So, over genes and new perturbations of the stratum, the interval holds the change that a screen like this
//! one MEASURES, its noise included, at least at that level on average. Strata are ranges of the distance to the
//! training targets, and pairs.

use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::stats::Rng;

/// Errors that the median over genes counts for in the scale of a gene.
const PRIOR: f64 = 3.0;
/// Perturbations of a stratum, at least.
const STRATUM: usize = 25;
/// Strata by distance, at most.
const STRATA: usize = 4;
/// Steps of the stored distribution of scores.
pub(super) const STEPS: usize = 1000;
/// Parts of the cross-validated coverage.
const PARTS: usize = 5;

/// How large errors are, per gene and stratum.
#[derive(Debug, Clone)]
pub(super) struct Intervals {
    pub(super) strata: Strata,
    /// Scale of each gene, length n_genes.
    pub(super) scale: Array1<f32>,
    /// Scores at the shares 0, 1/1000, ..., 1 of each stratum, n_strata x 1001.
    pub(super) scores: Array2<f32>,
}

/// Which perturbations have errors alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Strata {
    /// Ascending distances that divide singles; pairs, where there are enough, come last.
    edges: Vec<f32>,
    pairs: bool,
    /// Training perturbations per stratum.
    n: Vec<usize>,
}

/// What the stratum of a perturbation depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) distance: Option<f32>,
    pub(super) pair: bool,
}

impl Strata {
    fn new(places: &[Place]) -> Self {
        let pairs = places.iter().filter(|p| p.pair).count() >= STRATUM && places.iter().any(|p| !p.pair);
        let mut distances: Vec<f32> = places.iter().filter(|p| !(pairs && p.pair)).filter_map(|p| p.distance).collect();
        distances.sort_by(f32::total_cmp);
        let parts = (distances.len() / STRATUM).clamp(1, STRATA);
        let mut edges: Vec<f32> = (1..parts).map(|k| distances[k * distances.len() / parts]).collect();
        edges.dedup();
        let mut strata = Self { edges, pairs, n: Vec::new() };
        let mut n = vec![0; strata.len()];
        places.iter().for_each(|&p| n[strata.of(p)] += 1);
        strata.n = n;
        strata
    }

    /// Number of strata.
    pub(super) fn len(&self) -> usize {
        self.edges.len() + 1 + usize::from(self.pairs)
    }

    /// The stratum of a perturbation; without a distance it counts among the farthest.
    pub(super) fn of(&self, place: Place) -> usize {
        if place.pair && self.pairs {
            return self.len() - 1;
        }
        place.distance.map_or(self.edges.len(), |d| self.edges.partition_point(|&edge| edge <= d))
    }
}

impl Intervals {
    /// Learns from held-out errors, n_perturbations x n_genes. O(n_perturbations x n_genes x log).
    pub(super) fn fit(errors: &Array2<f32>, places: &[Place]) -> Self {
        let rows: Vec<usize> = (0..errors.nrows()).collect();
        Self::of_rows(errors, places, &rows)
    }

    fn of_rows(errors: &Array2<f32>, places: &[Place], rows: &[usize]) -> Self {
        let strata = Strata::new(&rows.iter().map(|&row| places[row]).collect::<Vec<_>>());
        let squares = Squares::of(errors, rows);
        let mut scores = Array2::zeros((strata.len(), STEPS + 1));
        for (k, mut to) in scores.outer_iter_mut().enumerate() {
            let of_stratum = rows.iter().filter(|&&row| strata.of(places[row]) == k);
            let mut all: Vec<f32> = of_stratum.flat_map(|&row| squares.scores(errors.row(row))).collect();
            all.sort_unstable_by(f32::total_cmp);
            to.iter_mut().enumerate().for_each(|(step, to)| *to = at_share(&all, step as f64 / STEPS as f64));
        }
        Self { scale: squares.scale(), strata, scores }
    }

    /// Half-width over the scale of a gene at this level, and whether the stratum has perturbations enough for it.
    pub(super) fn width(&self, place: Place, level: f64) -> (f32, bool) {
        let stratum = self.strata.of(place);
        let n = self.strata.n[stratum] as f64;
        let share = level * (n + 1.0) / n.max(1.0);
        let step = (share * STEPS as f64 - 1e-9).ceil().clamp(0.0, STEPS as f64) as usize;
        // Pairs without pairs to learn from: errors of two parts.
        let parts = if place.pair && !self.strata.pairs { std::f32::consts::SQRT_2 } else { 1.0 };
        (parts * self.scores[[stratum, step]], share <= 1.0)
    }

    /// Share of errors within the intervals of each level, each perturbation judged by intervals fitted without it.
    pub(super) fn coverage(errors: &Array2<f32>, places: &[Place], levels: &[f64]) -> Vec<f64> {
        let n = errors.nrows();
        let mut order: Vec<usize> = (0..n).collect();
        Rng::named(0, "coverage").shuffle(&mut order);
        let mut inside = vec![0usize; levels.len()];
        for part in 0..PARTS.min(n) {
            let (rest, judged): (Vec<_>, Vec<_>) = order.iter().enumerate().partition(|(k, _)| k % PARTS != part);
            let mut rest: Vec<usize> = rest.into_iter().map(|(_, &row)| row).collect();
            rest.sort_unstable();
            let intervals = Self::of_rows(errors, places, &rest);
            for (_, &row) in judged {
                for (inside, &level) in inside.iter_mut().zip(levels) {
                    let width = intervals.width(places[row], level).0;
                    let within = |(e, s): &(&f32, &f32)| e.abs() <= width * **s;
                    *inside += errors.row(row).iter().zip(&intervals.scale).filter(within).count();
                }
            }
        }
        inside.into_iter().map(|n| n as f64 / errors.len().max(1) as f64).collect()
    }
}

/// Sums of squared errors per gene.
struct Squares {
    sum: Array1<f64>,
    n: f64,
    /// Median mean square over the genes.
    median: f64,
}

impl Squares {
    fn of(errors: &Array2<f32>, rows: &[usize]) -> Self {
        let mut sum = Array1::<f64>::zeros(errors.ncols());
        for &row in rows {
            sum.zip_mut_with(&errors.row(row), |s, &e| *s += f64::from(e).powi(2));
        }
        let n = rows.len() as f64;
        let mut means: Vec<f64> = sum.iter().map(|s| s / n.max(1.0)).collect();
        let median = crate::data::median(&mut means).unwrap_or(0.0).max(1e-12);
        Self { sum, n, median }
    }

    fn shrunk(&self, sum: f64, n: f64) -> f32 {
        ((sum.max(0.0) + PRIOR * self.median) / (n + PRIOR)).sqrt() as f32
    }

    fn scale(&self) -> Array1<f32> {
        self.sum.mapv(|s| self.shrunk(s, self.n))
    }

    /// Scores of one row, each by the scale of its gene without this row.
    fn scores<'a>(&'a self, errors: ArrayView1<'a, f32>) -> impl Iterator<Item = f32> + 'a {
        let of = |(&e, &s): (&f32, &f64)| e.abs() / self.shrunk(s - f64::from(e).powi(2), self.n - 1.0);
        errors.into_iter().zip(&self.sum).map(of)
    }
}

/// The smallest of the sorted values with at least this share of them at or below it; the largest for 1.
fn at_share(sorted: &[f32], share: f64) -> f32 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of 200 perturbations x 50 genes whose spread grows with the distance and with the gene.
    fn errors(seed: u64, far: f64) -> (Array2<f32>, Vec<Place>) {
        let mut rng = Rng::named(seed, "errors");
        let places: Vec<Place> =
            (0..200).map(|_| Place { distance: Some(rng.uniform() as f32), pair: false }).collect();
        let sd = |i: usize, g: usize| {
            let distance = f64::from(places[i].distance.unwrap_or(0.0));
            (1.0 + far * distance) * (1.0 + g as f64 / 10.0)
        };
        let errors = Array2::from_shape_fn((200, 50), |(i, g)| (sd(i, g) * rng.normal()) as f32);
        (errors, places)
    }

    #[test]
    fn intervals_hold_what_they_say_near_and_far() {
        for seed in 0..3 {
            let (train, places) = errors(seed, 4.0);
            let intervals = Intervals::fit(&train, &places);
            let (test, at) = errors(seed + 100, 4.0);
            let inside = |range: std::ops::Range<f32>| {
                let rows = (0..200).filter(|&i| at[i].distance.is_some_and(|d| range.contains(&d)));
                let hits: Vec<bool> = rows
                    .flat_map(|i| {
                        let width = intervals.width(at[i], 0.9).0;
                        let row = test.row(i).to_vec();
                        let scale = intervals.scale.clone();
                        row.into_iter().zip(scale).map(move |(e, s)| e.abs() <= width * s)
                    })
                    .collect();
                hits.iter().filter(|h| **h).count() as f64 / hits.len() as f64
            };
            // Unstratified intervals would hold over 98 % of the near and under 84 % of the far errors.
            for range in [0.0..0.25, 0.75..1.0] {
                let share = inside(range.clone());
                assert!((0.84..0.96).contains(&share), "{range:?}: {share}");
            }
            assert!((Intervals::coverage(&train, &places, &[0.9])[0] - 0.9).abs() < 0.03);
        }
    }

    #[test]
    fn few_perturbations_and_no_distance_still_have_intervals() {
        let errors = Array2::from_shape_fn((4, 3), |(i, g)| (i + g) as f32 - 2.0);
        let places = vec![Place { distance: None, pair: false }; 4];
        let intervals = Intervals::fit(&errors, &places);
        assert_eq!(intervals.strata.len(), 1);
        let (width, enough) = intervals.width(places[0], 0.9);
        assert!(width > 0.0 && !enough);
        assert!(intervals.width(places[0], 0.7).1);
        // A pair without pairs in training is wider.
        assert!(intervals.width(Place { distance: None, pair: true }, 0.9).0 > width);
    }
}
