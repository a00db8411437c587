//! Dense linear algebra through LAPACK.

use std::sync::Once;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use ndarray_linalg::{EigVals, Eigh, Factorize, FactorizeC, InverseC, Solve, SolveC, UPLO};
use thiserror::Error;

/// LAPACK refused a matrix.
#[derive(Debug, Error)]
#[error("{what} failed on a {rows} x {cols} matrix: {source}")]
pub struct LinalgError {
    what: &'static str,
    rows: usize,
    cols: usize,
    source: ndarray_linalg::error::LinalgError,
}

/// Makes OpenBLAS use one thread, once. Its own threads split sums by the number of processors, so that results would
/// differ between machines, and they fight with those of rayon, which parallelise above it.
#[allow(unsafe_code)]
fn single_threaded() {
    unsafe extern "C" {
        fn openblas_set_num_threads(n: std::ffi::c_int);
    }
    static ONCE: Once = Once::new();
    // SAFETY: the function takes a plain integer, may be called at any time, and is part of every OpenBLAS, which is
    // the library `ndarray-linalg` is built with.
    ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
}

/// Principal components.
#[derive(Debug, Clone)]
pub struct Pca {
    /// Scores, n_rows x k: rows of the centred matrix in the axes.
    pub scores: Array2<f64>,
    /// Axes, k x n_cols, orthonormal rows.
    pub axes: Array2<f64>,
    /// Singular values, descending, length k.
    pub singular: Array1<f64>,
}

/// The first `k` principal components of a matrix whose columns are already centred, n_rows x n_cols.
///
/// Works on the smaller Gram matrix: O(min(n, m)^2 max(n, m)) time, O(min(n, m)^2) extra memory. Fewer than `k`
/// components come back where the rank is lower. The sign of an axis is fixed by its largest entry being positive.
pub fn pca(x: ArrayView2<'_, f64>, k: usize) -> Result<Pca, LinalgError> {
    single_threaded();
    let by_rows = x.nrows() <= x.ncols();
    let gram = if by_rows { x.dot(&x.t()) } else { x.t().dot(&x) };
    let (values, vectors) = gram.eigh(UPLO::Lower).map_err(|e| wrap("eigendecomposition", &gram, e))?;
    let largest = values.iter().copied().fold(0.0, f64::max);
    let order: Vec<usize> = (0..values.len()).rev().filter(|&i| values[i] > largest * 1e-12).take(k).collect();
    let singular: Array1<f64> = order.iter().map(|&i| values[i].sqrt()).collect();
    let vectors = vectors.select(Axis(1), &order);
    let mut axes = if by_rows { (&vectors / &singular).t().dot(&x) } else { vectors.t().to_owned() };
    for mut axis in axes.axis_iter_mut(Axis(0)) {
        let peak = axis.iter().copied().fold(0.0f64, |best, v| if v.abs() > best.abs() { v } else { best });
        if peak < 0.0 {
            axis.mapv_inplace(|v| -v);
        }
    }
    let scores = x.dot(&axes.t());
    Ok(Pca { scores, axes, singular })
}

/// Solves A X = B for a symmetric positive definite A (n x n) and B (n x m), by Cholesky. O(n^3 + n^2 m).
pub fn solve_spd(a: &Array2<f64>, b: &Array2<f64>) -> Result<Array2<f64>, LinalgError> {
    if a.is_empty() {
        // LAPACK refuses a matrix without rows.
        return Ok(Array2::zeros(b.raw_dim()));
    }
    single_threaded();
    let factor = a.factorizec(UPLO::Lower).map_err(|e| wrap("Cholesky factorisation", a, e))?;
    let mut out = Array2::zeros(b.raw_dim());
    for (column, mut to) in b.axis_iter(Axis(1)).zip(out.axis_iter_mut(Axis(1))) {
        let solved = factor.solvec(&column.to_owned()).map_err(|e| wrap("Cholesky solve", a, e))?;
        to.slice_mut(s![..]).assign(&solved);
    }
    Ok(out)
}

/// The inverse of a symmetric positive definite matrix, by Cholesky. O(n^3).
pub fn inverse_spd(a: &Array2<f64>) -> Result<Array2<f64>, LinalgError> {
    single_threaded();
    a.invc().map_err(|e| wrap("Cholesky inverse", a, e))
}

/// The solution x of a x = b for a square matrix (LU factorisation). O(n^3).
///
/// # Errors
/// [`LinalgError`] where the matrix is singular.
pub fn solve(a: &Array2<f64>, b: &Array1<f64>) -> Result<Array1<f64>, LinalgError> {
    if a.is_empty() {
        // LAPACK refuses a matrix without rows.
        return Ok(b.clone());
    }
    single_threaded();
    a.factorize().and_then(|lu| lu.solve(b)).map_err(|e| wrap("LU solve", a, e))
}

/// Eigenvalues (ascending) and eigenvectors (columns) of a symmetric matrix, of which the lower triangle is read. O(n^3).
pub fn symmetric_eigen(a: &Array2<f64>) -> Result<(Array1<f64>, Array2<f64>), LinalgError> {
    single_threaded();
    a.eigh(UPLO::Lower).map_err(|e| wrap("eigendecomposition", a, e))
}

/// Eigenvalues of a square matrix as (real, imaginary), in LAPACK's order. O(n^3).
pub fn eigenvalues(a: &Array2<f64>) -> Result<Vec<(f64, f64)>, LinalgError> {
    single_threaded();
    let values = a.eigvals().map_err(|e| wrap("eigendecomposition", a, e))?;
    Ok(values.iter().map(|z| (z.re, z.im)).collect())
}

fn wrap(what: &'static str, a: &Array2<f64>, source: ndarray_linalg::error::LinalgError) -> LinalgError {
    LinalgError { what, rows: a.nrows(), cols: a.ncols(), source }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn components_rebuild_the_matrix() {
        let x = array![[1.0, 2.0, -1.0], [-1.0, 0.5, 3.0], [0.0, -2.5, -2.0], [0.0, 0.0, 0.0]];
        for view in [x.view(), x.t()] {
            let p = pca(view, 3).unwrap();
            let error = (&p.scores.dot(&p.axes) - &view).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
            assert!(error < 1e-12, "{error}");
        }
    }

    #[test]
    fn a_positive_definite_system_is_solved() {
        let (a, x) = (array![[4.0, 1.0], [1.0, 3.0]], array![[1.0, 0.0, 2.0], [-1.0, 5.0, 0.5]]);
        let got = solve_spd(&a, &a.dot(&x)).unwrap();
        assert!((&got - &x).iter().all(|e: &f64| e.abs() < 1e-12));
        assert_eq!(solve_spd(&Array2::zeros((0, 0)), &Array2::zeros((0, 5))).unwrap().dim(), (0, 5));
        let inverse = inverse_spd(&a).unwrap();
        assert!((&inverse.dot(&a) - &Array2::<f64>::eye(2)).iter().all(|e| e.abs() < 1e-12));
    }
}
