//! Kernel ridge regression with its exact leave-one-out predictions.

use ndarray::{Array1, Array2, Axis};

use super::loss::loss;
use crate::stats::{LinalgError, symmetric_eigen};

/// Ridge penalties tried: 0.001 to 1000, eight to a decade.
pub(in crate::predict) fn penalties() -> impl Iterator<Item = f64> {
    (-24..=24).map(|i| 10f64.powf(f64::from(i) / 8.0))
}

/// A kernel matrix in its eigenbasis, and the responses there: every penalty costs O(n^2 r) from here on.
pub(in crate::predict) struct Ridge {
    values: Array1<f64>,
    vectors: Array2<f64>,
    responses: Array2<f64>,
    /// Responses in the eigenbasis, n x r.
    rotated: Array2<f64>,
}

impl Ridge {
    /// Decomposes a kernel (n x n, symmetric, positive semi-definite) for centred responses (n x r). O(n^3).
    pub(in crate::predict) fn new(kernel: &Array2<f64>, responses: Array2<f64>) -> Result<Self, LinalgError> {
        let (values, vectors) = symmetric_eigen(kernel)?;
        Ok(Self { rotated: vectors.t().dot(&responses), values, vectors, responses })
    }

    /// Dual coefficients (K + penalty I)^-1 Y, n x r.
    pub(in crate::predict) fn coefficients(&self, penalty: f64) -> Array2<f64> {
        let scale = self.values.mapv(|v| 1.0 / (v.max(0.0) + penalty)).insert_axis(Axis(1));
        self.vectors.dot(&(&self.rotated * &scale))
    }

    /// (K + penalty I)^-1, n x n.
    pub(in crate::predict) fn precision(&self, penalty: f64) -> Array2<f64> {
        let scale = self.values.mapv(|v| 1.0 / (v.max(0.0) + penalty));
        (&self.vectors * &scale).dot(&self.vectors.t())
    }

    /// Variance of each row given the others, without the noise: 1 / C_ii - penalty, in units of the kernel. Length n.
    pub(in crate::predict) fn left_out_variance(&self, penalty: f64) -> Array1<f64> {
        self.precision(penalty).diag().mapv(|c| 1.0 / c - penalty)
    }

    /// Row i is what the fit without row i predicts for it: with C = (K + penalty I)^-1 it is Y_i - (C Y)_i / C_ii,
    /// exactly, for the centre the responses were given with. n x r.
    pub(in crate::predict) fn left_out(&self, penalty: f64) -> Array2<f64> {
        let scale = self.values.mapv(|v| 1.0 / (v.max(0.0) + penalty));
        let diagonal = (&self.vectors * &self.vectors).dot(&scale).insert_axis(Axis(1));
        &self.responses - &(self.coefficients(penalty) / diagonal)
    }

    /// The penalty with the smallest leave-one-out [`loss`], and that loss: 1 is no better than the mean of the responses,
    /// which the largest penalties approach.
    pub(in crate::predict) fn best_penalty(&self, penalties: impl Iterator<Item = f64>) -> (f64, f64) {
        let scored = penalties.map(|p| (p, loss(&self.left_out(p), &self.responses)));
        scored.fold((1.0, f64::INFINITY), |best, x| if x.1 < best.1 { x } else { best })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{array, s};

    use super::*;
    use crate::stats::solve_spd;

    #[test]
    fn leave_one_out_equals_refitting_without_the_row() {
        let kernel = array![[1.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.0]];
        let y = array![[1.0, -1.0], [0.5, 2.0], [-1.5, 0.2]];
        let left_out = Ridge::new(&kernel, y.clone()).unwrap().left_out(0.7);
        for i in 0..3 {
            let rest: Vec<usize> = (0..3).filter(|&j| j != i).collect();
            let inner = kernel.select(Axis(0), &rest).select(Axis(1), &rest) + Array2::<f64>::eye(2) * 0.7;
            let alpha = solve_spd(&inner, &y.select(Axis(0), &rest)).unwrap();
            let refitted = kernel.slice(s![i, ..]).select(Axis(0), &rest).dot(&alpha);
            assert!((&left_out.slice(s![i, ..]) - &refitted).iter().all(|e| e.abs() < 1e-12));
        }
    }
}
