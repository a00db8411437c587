//! Nearest neighbours as a weighted graph.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::{WeightedGraph, squared_distances};

/// Steps of the bisection for the width of a point, and its tolerance.
const STEPS: usize = 64;
const TOLERANCE: f32 = 1e-5;
/// Smallest width as a share of the mean distance.
const MIN_SHARE: f32 = 1e-3;

/// The union of fuzzy neighbourhoods of UMAP (McInnes, Healy and Melville 2018) over the `k` nearest rows of `x`, the row
/// itself counted among them: umap-learn 0.5 as `scanpy.pp.neighbors` calls it, with exact Euclidean neighbours.
///
/// A point is joined to a neighbour at distance d with strength exp(-(d - rho) / sigma), rho the distance of its nearest
/// neighbour and sigma such that the strengths add up to log2 k; both directions a and b give a + b - ab. Single
/// precision, as there. Every edge counts twice, as scanpy hands both triangles of the matrix to igraph.
///
/// O(n^2 m) time, O(n^2) memory for n rows and m columns.
pub fn fuzzy_neighbour_graph(x: ArrayView2<'_, f64>, k: usize) -> WeightedGraph {
    let n = x.nrows();
    let squared = squared_distances(x, x);
    let nearest = |i: usize| {
        let mut others: Vec<(f32, usize)> =
            (0..n).filter(|&j| j != i).map(|j| (squared[[i, j]].sqrt() as f32, j)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(k.saturating_sub(1));
        others
    };
    let near: Vec<Vec<(f32, usize)>> = (0..n).into_par_iter().map(nearest).collect();
    let mean_of = |row: &[(f32, usize)]| row.iter().map(|(d, _)| d).sum::<f32>() / k as f32;
    let mean = near.iter().map(|row| mean_of(row)).sum::<f32>() / n as f32;
    let strength = |row: &Vec<(f32, usize)>| strengths(row, k, mean_of(row), mean);
    let directed: Vec<std::collections::BTreeMap<usize, f32>> = near.iter().map(strength).collect();
    let union = |i: usize, j: usize| {
        let [a, b] = [(i, j), (j, i)].map(|(from, to)| directed[from].get(&to).copied().unwrap_or(0.0));
        f64::from(a + b - a * b)
    };
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    WeightedGraph::new(n, pairs.map(|(i, j)| (i, j, 2.0 * union(i, j))).filter(|e| e.2 > 0.0))
}

/// Strength of the tie to each neighbour.
fn strengths(row: &[(f32, usize)], k: usize, own_mean: f32, mean: f32) -> std::collections::BTreeMap<usize, f32> {
    let rho = row.iter().map(|r| r.0).find(|&d| d > 0.0).unwrap_or(0.0);
    let floor = MIN_SHARE * if rho > 0.0 { own_mean } else { mean };
    let sigma = width(row, rho, (k as f32).log2()).max(floor);
    let of = |&(d, j): &(f32, usize)| (j, if d <= rho || sigma == 0.0 { 1.0 } else { (-(d - rho) / sigma).exp() });
    row.iter().map(of).collect()
}

/// The width at which strengths add up to `target`.
fn width(row: &[(f32, usize)], rho: f32, target: f32) -> f32 {
    let (mut low, mut high, mut middle) = (0.0f32, f32::MAX, 1.0f32);
    for _ in 0..STEPS {
        let sum: f32 = row.iter().map(|r| if r.0 > rho { (-(r.0 - rho) / middle).exp() } else { 1.0 }).sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = middle;
            middle = f32::midpoint(low, high);
        } else {
            low = middle;
            middle = if high == f32::MAX { middle * 2.0 } else { f32::midpoint(low, high) };
        }
    }
    middle
}
