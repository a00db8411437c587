//! Linear systems known only by their action on vectors.

/// Solves `A x = b` by GMRES (Saad and Schultz 1986, SIAM J Sci Stat Comput 7:856) without restarts: x after at most `steps`
/// steps, or sooner where |A x - b| has fallen to `tolerance` |b|; `None` where it has not.
///
/// # Complexity
/// O(steps x (one application + steps x n)); memory O(steps x n).
pub(super) fn gmres(
    apply: &mut dyn FnMut(&[f64]) -> Vec<f64>,
    b: &[f64],
    tolerance: f64,
    steps: usize,
) -> Option<Vec<f64>> {
    let size = norm(b);
    if size == 0.0 {
        return Some(vec![0.0; b.len()]);
    }
    let mut basis = vec![scaled(b, 1.0 / size)];
    let mut triangle = Triangle::new(size);
    for _ in 0..steps.min(b.len()) {
        let mut w = apply(basis.last()?);
        let mut column: Vec<f64> = Vec::with_capacity(basis.len() + 1);
        for v in &basis {
            let along = dot(v, &w);
            w.iter_mut().zip(v).for_each(|(w, v)| *w -= along * v);
            column.push(along);
        }
        let rest = norm(&w);
        column.push(rest);
        let left = triangle.push(column);
        if !left.is_finite() {
            return None;
        }
        if left <= tolerance * size || rest == 0.0 {
            return (left <= tolerance * size).then(|| combine(&basis, &triangle.solve()));
        }
        basis.push(scaled(&w, 1.0 / rest));
    }
    None
}

/// The Hessenberg matrix of the iteration, kept triangular by Givens rotations.
struct Triangle {
    columns: Vec<Vec<f64>>,
    rotations: Vec<(f64, f64)>,
    right: Vec<f64>,
}

impl Triangle {
    fn new(size: f64) -> Self {
        Self { columns: Vec::new(), rotations: Vec::new(), right: vec![size] }
    }

    /// Adds a column; returns the length of the residual.
    fn push(&mut self, mut column: Vec<f64>) -> f64 {
        for (k, &(c, s)) in self.rotations.iter().enumerate() {
            (column[k], column[k + 1]) = (c * column[k] + s * column[k + 1], c * column[k + 1] - s * column[k]);
        }
        let k = self.rotations.len();
        let length = column[k].hypot(column[k + 1]);
        let (c, s) = if length == 0.0 { (1.0, 0.0) } else { (column[k] / length, column[k + 1] / length) };
        column[k] = length;
        column.truncate(k + 1);
        self.rotations.push((c, s));
        self.columns.push(column);
        let right = self.right[k];
        self.right[k] = c * right;
        self.right.push(-s * right);
        (s * right).abs()
    }

    fn solve(&self) -> Vec<f64> {
        let m = self.columns.len();
        let mut y = vec![0.0; m];
        for k in (0..m).rev() {
            let known: f64 = (k + 1..m).map(|j| self.columns[j][k] * y[j]).sum();
            y[k] = (self.right[k] - known) / self.columns[k][k];
        }
        y
    }
}

fn combine(basis: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; basis[0].len()];
    for (v, weight) in basis.iter().zip(weights) {
        x.iter_mut().zip(v).for_each(|(x, v)| *x += weight * v);
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn scaled(a: &[f64], by: f64) -> Vec<f64> {
    a.iter().map(|x| x * by).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn a_random_system_is_solved() {
        let n = 60;
        let entry = |i: usize, j: usize| {
            let off = Rng::keyed(1, "matrix", i as u64, j as u64).normal() / 10.0;
            if i == j { 2.0 + off } else { off }
        };
        let truth: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let mut apply = |x: &[f64]| (0..n).map(|i| (0..n).map(|j| entry(i, j) * x[j]).sum()).collect::<Vec<f64>>();
        let b = apply(&truth);
        let x = gmres(&mut apply, &b, 1e-12, n).unwrap();
        assert!(x.iter().zip(&truth).all(|(x, t)| (x - t).abs() < 1e-9));
        assert!(gmres(&mut apply, &b, 1e-12, 2).is_none());
    }

    #[test]
    fn a_singular_system_is_refused() {
        assert!(gmres(&mut |x| vec![x[0], 0.0], &[1.0, 1.0], 1e-9, 10).is_none());
        assert_eq!(gmres(&mut |x| vec![x[0], 0.0], &[2.0, 0.0], 1e-9, 10), Some(vec![2.0, 0.0]));
    }
}
