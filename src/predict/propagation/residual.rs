//! Kernel ridge on what propagation leaves: perturbations that propagate alike also err alike.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis};

use crate::stats::{LinalgError, inverse_spd};

/// Penalties tried.
const PENALTIES: [f64; 8] = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0];

/// A fitted ridge.
#[derive(Debug, Clone)]
pub(super) struct Residual {
    /// Propagated changes of the training perturbations, rows of length 1, n x n_genes.
    pub(super) rows: Array2<f32>,
    /// n x n_genes.
    pub(super) coefficients: Array2<f32>,
}

impl Residual {
    /// Ridge with the penalty of the smallest leave-one-out error; none where leaving it out is better. `propagated` and
    /// `left` are n x n_genes.
    pub(super) fn fit(
        mut propagated: Array2<f32>,
        left: &Array2<f64>,
    ) -> Result<(Option<Self>, Vec<(String, f64)>), LinalgError> {
        for mut row in propagated.outer_iter_mut() {
            let norm = row.dot(&row).sqrt();
            row.mapv_inplace(|x| if norm > 0.0 { x / norm } else { 0.0 });
        }
        let kernel = propagated.dot(&propagated.t()).mapv(f64::from);
        let gram = left.dot(&left.t());
        let total = gram.diag().sum();
        let mut best = (total, None);
        for penalty in PENALTIES {
            let inverse = inverse(&kernel, penalty)?;
            let squares = inverse.dot(&gram).dot(&inverse);
            let error = squares.diag().iter().zip(inverse.diag()).map(|(s, c)| s / (c * c)).sum::<f64>();
            if error < best.0 {
                best = (error, Some(penalty));
            }
        }
        let explained = if total > 0.0 { 1.0 - best.0 / total } else { 0.0 };
        let Some(penalty) = best.1 else { return Ok((None, vec![("residual.explained".into(), 0.0)])) };
        let coefficients = inverse(&kernel, penalty)?.dot(left).mapv(|x| x as f32);
        let values = vec![("residual.penalty".into(), penalty), ("residual.explained".into(), explained)];
        Ok((Some(Self { rows: propagated, coefficients }), values))
    }

    /// Adds what the ridge says of a propagated change; returns its distance to the nearest training perturbation, 1 -
    /// the largest cosine, within 0..=1.
    pub(super) fn add(&self, propagated: ArrayView1<'_, f32>, delta: &mut Array1<f32>) -> f32 {
        let norm = propagated.dot(&propagated).sqrt();
        if norm <= 0.0 {
            return 1.0;
        }
        let similarity = self.rows.dot(&propagated) / norm;
        let mut to: ArrayViewMut1<'_, f32> = delta.view_mut();
        to += &similarity.dot(&self.coefficients);
        (1.0 - similarity.fold(0.0f32, |a, &b| a.max(b))).clamp(0.0, 1.0)
    }
}

fn inverse(kernel: &Array2<f64>, penalty: f64) -> Result<Array2<f64>, LinalgError> {
    let mut ridge = kernel.clone();
    ridge.diag_mut().mapv_inplace(|v| v + penalty);
    debug_assert_eq!(ridge.len_of(Axis(0)), ridge.len_of(Axis(1)));
    inverse_spd(&ridge)
}
