//! Distances between the rows of matrices.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Below this share of the squared norms a squared distance is rounding.
const ROUNDING: f64 = 1e-12;

/// Squared Euclidean distances of all rows of `a` (n x k) to all rows of `b` (m x k), n x m, as |x|^2 + |y|^2 - 2 xy: one
/// matrix product. Never negative; 0 where rows are equal up to rounding. O(n m k).
///
/// ```
/// use ndarray::array;
/// let d = grn::stats::squared_distances(array![[0.0, 0.0], [3.0, 4.0]].view(), array![[3.0, 4.0]].view());
/// assert_eq!(d, array![[25.0], [0.0]]);
/// ```
pub fn squared_distances(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let norms = |x: ArrayView2<'_, f64>| -> Array1<f64> { x.map_axis(Axis(1), |row| row.dot(&row)) };
    let (of_a, of_b) = (norms(a), norms(b));
    let mut out = a.dot(&b.t());
    for ((i, j), value) in out.indexed_iter_mut() {
        let norms = of_a[i] + of_b[j];
        let squared = norms - 2.0 * *value;
        *value = if squared <= norms * ROUNDING { 0.0 } else { squared };
    }
    out
}
