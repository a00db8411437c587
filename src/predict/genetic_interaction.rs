//! How two perturbations interact: scores of Norman et al. (Science 2019) as computed by `GI_predict` of GEARS (Roohani,
//! Huang and Leskovec, Nature Biotechnology 2024).
//!
//! With a, b and ab the changes of A, B and A+B over the genes, ab = c1 a + c2 b is fitted by Theil-Sen regression
//! without intercept. Then
//!
//! - magnitude = sqrt(c1^2 + c2^2): sqrt(2) where effects add up; synergy = magnitude / sqrt(2) - 1 where that is above 0,
//!   suppression = 1 - magnitude / sqrt(2) likewise (these two are this program's reading of the magnitude);
//! - dominance = |log10 |c1 / c2||: 0 where both contribute alike;
//! - model fit = distance correlation of (a, b) with ab; fit correlation = Pearson correlation of c1 a + c2 b with ab;
//! - equality of contribution = min / max of the distance correlations of a and of b with ab;
//! - similarity = distance correlation of a with b.
//!
//! Differences to GEARS: the genes are the 500 with the largest change in any of the three, the targets left out (GEARS: a
//! list of its users, or all genes); the pairs of genes of the regression are not random ([`TheilSen`]); and there are
//! intervals: 95 % percentile bootstrap over genes. Genes are not independent, so an interval tells how far a score
//! rests on few genes, not how it would vary in another experiment.

use rayon::prelude::*;

use crate::data::{GeneIndex, Perturbation};
use crate::predict::calibration::own_genes;
use crate::stats::{Distances, Rng, TheilSen, distance_correlation, pearson};

/// Genes used.
const GENES: usize = 500;
/// Bootstrap resamples.
const RESAMPLES: usize = 200;

/// A score with its 95 % bootstrap interval over genes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The scores of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneticInteraction {
    /// Scores in the order of tables.
    pub scores: Vec<Score>,
    /// Genes they rest on.
    pub n_genes: usize,
}

const NAMES: [&str; 10] = [
    "c1",
    "c2",
    "magnitude",
    "synergy",
    "suppression",
    "dominance",
    "equality",
    "model_fit",
    "fit_correlation",
    "similarity",
];

impl GeneticInteraction {
    /// Scores of a pair from the changes of its first target, its second and both, vectors over `genes`. `None` where no
    /// regression is possible: fewer than three genes change, or the singles are proportional.
    pub fn of(pair: &Perturbation, genes: &GeneIndex, [a, b, ab]: [&[f32]; 3], seed: u64) -> Option<Self> {
        let own = own_genes(pair, genes);
        let largest = |g: usize| a[g].abs().max(b[g].abs()).max(ab[g].abs());
        let mut chosen: Vec<usize> = (0..ab.len()).filter(|g| !own.contains(g) && largest(*g) > 0.0).collect();
        chosen.sort_by(|&g, &h| largest(h).total_cmp(&largest(g)).then(g.cmp(&h)));
        chosen.truncate(GENES);
        chosen.sort_unstable();
        let rows: Vec<[f64; 3]> = chosen.iter().map(|&g| [a[g], b[g], ab[g]].map(f64::from)).collect();
        if rows.len() < 3 {
            return None;
        }
        let data = Data::new(rows);
        let n = data.rows.len();
        let (values, coefficients) = data.scores(&vec![1.0; n], None)?;
        let resample = |k: usize| {
            let mut rng = Rng::keyed(seed, "genetic interaction", k as u64, 0);
            let mut weights = vec![0.0; n];
            (0..n).for_each(|_| weights[rng.below(n)] += 1.0);
            data.scores(&weights, Some(coefficients)).map(|s| s.0)
        };
        let resampled: Vec<[f64; 10]> = (0..RESAMPLES).into_par_iter().filter_map(resample).collect();
        let score = |k: usize| {
            let mut all: Vec<f64> = resampled.iter().map(|r| r[k]).collect();
            all.sort_by(f64::total_cmp);
            let at = |share: f64| all.get((share * (all.len().max(1) - 1) as f64).round() as usize).copied();
            let value = values[k];
            Score { name: NAMES[k], value, low: at(0.025).unwrap_or(value), high: at(0.975).unwrap_or(value) }
        };
        Some(Self { scores: (0..NAMES.len()).map(score).collect(), n_genes: n })
    }

    /// A score by name.
    pub fn get(&self, name: &str) -> Option<Score> {
        self.scores.iter().copied().find(|s| s.name == name)
    }
}

/// Changes and what does not depend on weights.
struct Data {
    rows: Vec<[f64; 3]>,
    regression: TheilSen,
    first: Distances,
    second: Distances,
    singles: Distances,
    double: Distances,
}

impl Data {
    fn new(rows: Vec<[f64; 3]>) -> Self {
        let column = |k: usize| Distances::new(&rows.iter().map(|r| [r[k]]).collect::<Vec<_>>());
        Self {
            regression: TheilSen::new(&rows),
            first: column(0),
            second: column(1),
            double: column(2),
            singles: Distances::new(&rows.iter().map(|r| [r[0], r[1]]).collect::<Vec<_>>()),
            rows,
        }
    }

    /// The scores in the order of their names, and the coefficients.
    fn scores(&self, weights: &[f64], start: Option<[f64; 2]>) -> Option<([f64; 10], [f64; 2])> {
        let [c1, c2] = self.regression.coefficients(|i| weights[i], start)?;
        let [first, second, singles, double] =
            [&self.first, &self.second, &self.singles, &self.double].map(|d| d.centred(weights));
        let to_double = [&first, &second, &singles].map(|x| distance_correlation(x, &double, weights));
        let magnitude = c1.hypot(c2);
        let excess = magnitude / std::f64::consts::SQRT_2 - 1.0;
        let largest = to_double[0].max(to_double[1]);
        let equality = if largest > 0.0 { to_double[0].min(to_double[1]) / largest } else { 1.0 };
        let times = |w: f64| std::iter::repeat_n((), w as usize);
        let (mut fitted, mut measured) = (Vec::new(), Vec::new());
        for (row, &w) in self.rows.iter().zip(weights) {
            times(w).for_each(|()| {
                fitted.push(c1 * row[0] + c2 * row[1]);
                measured.push(row[2]);
            });
        }
        let correlation = pearson(&fitted, &measured).unwrap_or(0.0);
        let dominance = (c1.abs().max(1e-9) / c2.abs().max(1e-9)).log10().abs();
        let similarity = distance_correlation(&first, &second, weights);
        let scores = [
            c1,
            c2,
            magnitude,
            excess.max(0.0),
            (-excess).max(0.0),
            dominance,
            equality,
            to_double[2],
            correlation,
            similarity,
        ];
        Some((scores, [c1, c2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes of 80 genes under A and B, and under A+B as `combine` says of both and of noise.
    fn scores(combine: impl Fn(f64, f64, f64) -> f64) -> GeneticInteraction {
        let mut rng = Rng::named(5, "interaction");
        let genes = GeneIndex::new((0..80).map(|g| format!("G{g}"))).unwrap();
        let mut columns: [Vec<f32>; 3] = Default::default();
        for _ in 0..80 {
            let (a, b, noise) = (rng.normal(), rng.normal(), 0.02 * rng.normal());
            [a, b, combine(a, b, noise)].into_iter().zip(&mut columns).for_each(|(x, column)| column.push(x as f32));
        }
        let [a, b, ab] = &columns;
        GeneticInteraction::of(&Perturbation::of(["G0", "G1"]), &genes, [a, b, ab], 1).unwrap()
    }

    #[test]
    fn known_interactions_have_known_scores() {
        let near = |of: &GeneticInteraction, name: &str, expected: f64| {
            let score = of.get(name).unwrap();
            assert!((score.value - expected).abs() < 0.05, "{score:?}, expected {expected}");
            assert!(score.low <= score.value + 1e-9 && score.value <= score.high + 1e-9, "{score:?}");
        };
        let additive = scores(|a, b, noise| a + b + noise);
        near(&additive, "magnitude", std::f64::consts::SQRT_2);
        near(&additive, "synergy", 0.0);
        near(&additive, "dominance", 0.0);
        near(&additive, "fit_correlation", 1.0);
        assert_eq!(additive.n_genes, 78);
        let synergy = scores(|a, b, noise| 2.0 * a + 2.0 * b + noise);
        near(&synergy, "synergy", 1.0);
        near(&synergy, "suppression", 0.0);
        let suppression = scores(|a, b, noise| 0.5 * a + 0.5 * b + noise);
        near(&suppression, "suppression", 0.5);
        let dominant = scores(|a, b, noise| a + 0.1 * b + noise);
        near(&dominant, "dominance", 1.0);
        assert!(dominant.get("equality").unwrap().high < 0.6);
        let other = scores(|a, b, _| (a * b).signum());
        assert!(other.get("model_fit").unwrap().value < additive.get("model_fit").unwrap().value - 0.3);
    }

    #[test]
    fn proportional_singles_have_no_scores() {
        let genes = GeneIndex::new(["A", "B", "C", "D", "E"]).unwrap();
        let a = [1.0, 2.0, 3.0, 4.0, 5.0f32];
        assert_eq!(GeneticInteraction::of(&Perturbation::of(["A", "B"]), &genes, [&a, &a, &a], 1), None);
    }
}
