//! Sparse regression of one gene on its regulators from sums of products.

use ndarray::{Array1, Array2};

/// Rounds of updates; each visits every regulator once.
const ROUNDS: usize = 15;

/// Sums of products of a gene y and its regulators x over n weighted observations.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    /// x'x, k x k.
    pub(super) xx: Array2<f64>,
    /// x'y, length k.
    pub(super) xy: Array1<f64>,
    /// y'y.
    pub(super) yy: f64,
    /// Observations.
    pub(super) n: f64,
}

/// Moments of cells, with what counting noise adds to the variance of y.
#[derive(Debug, Clone)]
pub(super) struct CellMoments {
    /// Covariances without counting noise, per cell (n = 1).
    pub(super) per_cell: Moments,
    /// Cells, times what one counts.
    pub(super) n: f64,
    /// Variance of y from counting.
    pub(super) counting: f64,
}

impl Moments {
    /// From rows of values, y first, and a weight per value.
    pub(super) fn weighted(rows: &[&[f32]], weights: &[f64]) -> Self {
        let k = rows.len() - 1;
        let weighted: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().zip(weights).map(|(&x, w)| f64::from(x) * w).collect()).collect();
        let product = |a: usize, b: usize| weighted[a].iter().zip(rows[b]).map(|(w, &x)| w * f64::from(x)).sum::<f64>();
        let mut xx = Array2::zeros((k, k));
        for a in 0..k {
            for b in 0..=a {
                xx[[a, b]] = product(a + 1, b + 1);
                xx[[b, a]] = xx[[a, b]];
            }
        }
        let n = weights.iter().filter(|w| **w > 0.0).count() as f64;
        Self { xx, xy: (0..k).map(|a| product(a + 1, 0)).collect(), yy: product(0, 0), n }
    }

    /// Mean squared residual of y less x w.
    fn residual(&self, w: &Array1<f64>) -> f64 {
        (self.yy - 2.0 * w.dot(&self.xy) + w.dot(&self.xx.dot(w))) / self.n.max(1.0)
    }
}

/// Effects that are zero with some chance and normal otherwise.
#[derive(Debug)]
pub(super) struct Slab {
    /// Chance that each regulator has an effect.
    pub(super) chances: Vec<f64>,
    /// Variance of the effects there are.
    pub(super) effect_variance: f64,
}

impl Slab {
    /// Posterior mean effects by coordinate ascent, noise variances re-estimated in each round (`least` bounds that of
    /// the training changes). O(rounds k^2).
    pub(super) fn effects(&self, training: &Moments, least: f64, cells: Option<&CellMoments>) -> Vec<f64> {
        let k = self.chances.len();
        let (mut chance, mut mean) = (Array1::from(self.chances.clone()), Array1::<f64>::zeros(k));
        let mut noise = (training.yy / training.n.max(1.0)).max(least);
        let mut cell_noise = cells.map_or(1.0, |c| c.per_cell.yy);
        for _ in 0..ROUNDS {
            let (mut xx, mut xy) = (&training.xx / noise, &training.xy / noise);
            if let Some(cells) = cells {
                let weight = cells.n / (cell_noise + cells.counting).max(f64::MIN_POSITIVE);
                xx.scaled_add(weight, &cells.per_cell.xx);
                xy.scaled_add(weight, &cells.per_cell.xy);
            }
            self.round(&xx, &xy, &mut chance, &mut mean);
            let w = &chance * &mean;
            noise = training.residual(&w).max(least);
            cell_noise = cells.map_or(1.0, |c| c.per_cell.residual(&w).max(0.1 * c.per_cell.yy));
        }
        (chance * mean).to_vec()
    }

    fn round(&self, xx: &Array2<f64>, xy: &Array1<f64>, chance: &mut Array1<f64>, mean: &mut Array1<f64>) {
        let mut w = &*chance * &*mean;
        for j in 0..w.len() {
            let variance = (xx[[j, j]].max(0.0) + self.effect_variance.recip()).recip();
            let left = xy[j] - xx.row(j).dot(&w) + xx[[j, j]] * w[j];
            mean[j] = variance * left;
            let odds = self.chances[j] / (1.0 - self.chances[j]);
            let evidence =
                odds.ln() + 0.5 * (variance / self.effect_variance).ln() + mean[j].powi(2) / (2.0 * variance);
            chance[j] = 1.0 / (1.0 + (-evidence).exp());
            w[j] = chance[j] * mean[j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    /// y = 0.6 x0 + noise; x1 follows x0 with correlation 0.7.
    fn data(n: usize) -> [Vec<f32>; 3] {
        let mut rng = Rng::named(1, "regression");
        let x0: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let x1: Vec<f64> = x0.iter().map(|x| 0.7 * x + 0.71 * rng.normal()).collect();
        let y: Vec<f64> = x0.iter().map(|x| 0.6 * x + 0.5 * rng.normal()).collect();
        [y, x0, x1].map(|v| v.into_iter().map(|x| x as f32).collect())
    }

    #[test]
    fn a_regulator_that_only_correlates_has_no_effect() {
        let rows = data(300);
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let moments = Moments::weighted(&rows, &[1.0; 300]);
        let slab = Slab { chances: vec![0.2; 2], effect_variance: 0.04 };
        let w = slab.effects(&moments, 1e-6, None);
        assert!((w[0] - 0.6).abs() < 0.08 && w[1].abs() < 0.02, "{w:?}");
    }

    #[test]
    fn cells_speak_where_perturbations_are_silent() {
        let rows = data(300);
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let per_cell = Moments::weighted(&rows, &[1.0 / 300.0; 300]);
        let cells = CellMoments { per_cell: Moments { n: 1.0, ..per_cell }, n: 300.0, counting: 0.0 };
        let silent = Moments { xx: Array2::zeros((2, 2)), xy: Array1::zeros(2), yy: 1.0, n: 10.0 };
        let slab = Slab { chances: vec![0.2; 2], effect_variance: 0.04 };
        assert!(slab.effects(&silent, 1e-6, None).iter().all(|w| *w == 0.0));
        let w = slab.effects(&silent, 1e-6, Some(&cells));
        assert!((w[0] - 0.6).abs() < 0.08 && w[1].abs() < 0.02, "{w:?}");
    }
}
