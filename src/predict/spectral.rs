//! Where a gene lies in the graph: leading spectral coordinates, the start of its embedding.

use ndarray::{Array1, Array2, ArrayViewMut1, Axis};
use ndarray_linalg::{Eigh, UPLO};
use rayon::prelude::*;

use crate::stats::Rng;

/// Coordinates beyond those asked for, which make the iteration converge faster.
const SPARE: usize = 8;
const ITERATIONS: usize = 6;

/// The leading eigenvectors of D^-1/2 (A + I) D^-1/2 by subspace iteration from a seeded start, each times its eigenvalue,
/// so that directions of which the graph says nothing weigh nothing: n_nodes x `width`.
///
/// Rows are scaled to a root mean square of 1 (nodes without neighbours have whatever direction the iteration left).
/// O(iterations x (nnz width + n_nodes width^2)).
pub(super) fn coordinates(neighbours: &[Vec<(u32, f32)>], width: usize, seed: u64) -> Array2<f32> {
    let links = symmetric(neighbours);
    let n = links.len();
    let mut rng = Rng::named(seed, "gears.spectral");
    let mut basis = Array2::from_shape_simple_fn((n, (width + SPARE).min(n.max(1))), || rng.normal());
    for _ in 0..ITERATIONS {
        basis = orthonormal(&multiply(&links, &basis));
    }
    let weighted = multiply(&links, &basis);
    let mut out = Array2::zeros((n, width));
    for (mut to, from) in out.axis_iter_mut(Axis(0)).zip(weighted.axis_iter(Axis(0))) {
        let used = width.min(from.len());
        let length = from.iter().take(used).map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        let scale = (width as f64).sqrt() / length;
        to.iter_mut().zip(from).for_each(|(t, f)| *t = (f * scale) as f32);
    }
    out
}

/// D^-1/2 (A + I) D^-1/2 by rows, A the larger weight of both directions.
fn symmetric(neighbours: &[Vec<(u32, f32)>]) -> Vec<Vec<(usize, f64)>> {
    let mut rows: Vec<std::collections::BTreeMap<usize, f64>> =
        (0..neighbours.len()).map(|i| std::collections::BTreeMap::from([(i, 1.0)])).collect();
    for (i, of) in neighbours.iter().enumerate() {
        for &(j, w) in of {
            let (j, w) = (j as usize, f64::from(w));
            rows[i].entry(j).and_modify(|v| *v = v.max(w)).or_insert(w);
            rows[j].entry(i).and_modify(|v| *v = v.max(w)).or_insert(w);
        }
    }
    let degree: Vec<f64> = rows.iter().map(|r| r.values().sum()).collect();
    let scaled = |(i, row): (usize, std::collections::BTreeMap<usize, f64>)| {
        row.into_iter().map(|(j, w)| (j, w / (degree[i] * degree[j]).sqrt())).collect()
    };
    rows.into_iter().enumerate().map(scaled).collect()
}

fn multiply(links: &[Vec<(usize, f64)>], x: &Array2<f64>) -> Array2<f64> {
    let mut y = Array2::zeros(x.raw_dim());
    let row = |(mut to, of): (ArrayViewMut1<'_, f64>, &Vec<(usize, f64)>)| {
        of.iter().for_each(|&(j, w)| to.scaled_add(w, &x.row(j)));
    };
    y.axis_iter_mut(Axis(0)).into_par_iter().zip(links.par_iter()).for_each(row);
    y
}

/// The same column space with orthonormal columns, leading directions first: X V L^-1/2 for X'X = V L V'.
///
/// A Gram matrix that LAPACK refuses (it holds a value that is not finite) leaves the columns as they are.
fn orthonormal(x: &Array2<f64>) -> Array2<f64> {
    let Ok((values, vectors)) = x.t().dot(x).eigh(UPLO::Lower) else { return x.clone() };
    let order: Vec<usize> = (0..values.len()).rev().collect();
    let scale: Array1<f64> = order.iter().map(|&i| values[i].max(1e-300).sqrt().recip()).collect();
    x.dot(&(vectors.select(Axis(1), &order) * scale))
}
