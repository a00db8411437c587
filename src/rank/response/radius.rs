//! The spectral radius of a sparse matrix.

use crate::data::Csr;
use crate::stats::Rng;

/// Products of the power iteration.
const STEPS: usize = 200;

/// Spectral radius of a square matrix by power iteration: the growth per product over the second half of the steps.
///
/// A mean over many steps is used because leading eigenvalues may be complex or of opposite sign, where the growth
/// swings from step to step. O(entries) per step. 0 for a matrix whose powers vanish.
pub(super) fn spectral_radius(w: &Csr<f32>) -> f64 {
    let mut rng = Rng::named(0, "spectral radius");
    let mut x: Vec<f64> = (0..w.n_rows()).map(|_| rng.normal()).collect();
    scale(&mut x);
    let mut growth = 0.0;
    for step in 0..STEPS {
        x = product(w, &x);
        let length = scale(&mut x);
        if length < 1e-12 {
            return 0.0;
        }
        if step >= STEPS / 2 {
            growth += length.ln();
        }
    }
    (growth / (STEPS - STEPS / 2) as f64).exp()
}

/// Brings a vector to length 1 and returns what it was.
fn scale(x: &mut [f64]) -> f64 {
    let length = x.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|v| *v /= length);
    }
    length
}

fn product(w: &Csr<f32>, x: &[f64]) -> Vec<f64> {
    let row = |i| {
        let (columns, values) = w.row(i);
        columns.iter().zip(values).map(|(&j, &v)| f64::from(v) * x[j as usize]).sum()
    };
    (0..w.n_rows()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[(u32, f32)]]) -> Csr<f32> {
        let mut w = Csr::empty(rows.len());
        rows.iter().for_each(|r| w.push_row(r.iter().copied()));
        w
    }

    #[test]
    fn radii_of_small_matrices() {
        let t = |rows: &[&[(u32, f32)]], expected: f64| {
            let got = spectral_radius(&matrix(rows));
            assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        };
        t(&[&[(0, 0.5)], &[(1, -0.25)]], 0.5);
        // Eigenvalues +-sqrt(0.5): the growth swings between the two steps.
        t(&[&[(1, 1.0)], &[(0, 0.5)]], 0.5f64.sqrt());
        // Eigenvalues +-0.5i.
        t(&[&[(1, 0.5)], &[(0, -0.5)]], 0.5);
        t(&[&[(1, 9.0)], &[]], 0.0);
    }
}
