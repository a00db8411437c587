//! Anderson acceleration of a fixed-point iteration (Walker and Ni 2011, SIAM J Numer Anal 49:1715, type II).

use std::collections::VecDeque;

/// Past steps kept.
const MEMORY: usize = 5;

/// Proposes the next point from the last few points and residuals.
#[derive(Debug, Default)]
pub(super) struct Anderson {
    last: Option<(Vec<f64>, Vec<f64>)>,
    steps: VecDeque<(Vec<f64>, Vec<f64>)>,
}

impl Anderson {
    /// The next point after `x` with residual `r = F(x) - x`: `x + b r` corrected by past differences, where `b` is the
    /// damping. O(memory^2 n).
    pub(super) fn next(&mut self, x: &[f64], r: &[f64], damping: f64) -> Vec<f64> {
        if let Some((x0, r0)) = self.last.replace((x.to_vec(), r.to_vec())) {
            self.steps.push_back((difference(x, &x0), difference(r, &r0)));
            if self.steps.len() > MEMORY {
                self.steps.pop_front();
            }
        }
        let weights = self.weights(r);
        let mut next: Vec<f64> = x.iter().zip(r).map(|(x, r)| x + damping * r).collect();
        for (weight, (dx, dr)) in weights.iter().zip(&self.steps) {
            next.iter_mut().zip(dx.iter().zip(dr)).for_each(|(y, (dx, dr))| *y -= weight * (dx + damping * dr));
        }
        next
    }

    /// Forgets the past.
    pub(super) fn reset(&mut self) {
        self.last = None;
        self.steps.clear();
    }

    /// Least squares of the residual on past differences of residuals, with a small ridge against dependent columns.
    fn weights(&self, r: &[f64]) -> Vec<f64> {
        let row = |(i, (_, dr)): (usize, &(Vec<f64>, Vec<f64>))| {
            let mut row: Vec<f64> = self.steps.iter().map(|(_, other)| dot(dr, other)).collect();
            row[i] *= 1.0 + 1e-12;
            row[i] += f64::MIN_POSITIVE;
            row.push(dot(dr, r));
            row
        };
        let a = self.steps.iter().enumerate().map(row).collect();
        eliminate(a)
    }
}

/// Solves a small symmetric positive definite system given as rows with the right-hand side appended.
fn eliminate(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let m = a.len();
    for k in 0..m {
        let pivot = a[k].clone();
        for row in &mut a[k + 1..] {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut x = vec![0.0; m];
    for (k, row) in a.iter().enumerate().rev() {
        x[k] = (row[m] - dot(&row[k + 1..m], &x[k + 1..])) / row[k];
    }
    x
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_map_is_solved_in_as_many_steps_as_it_has_dimensions() {
        // The eigenvalues are 0.5 and -2: plain iteration diverges.
        let map = |x: &[f64]| vec![-1.5 * x[0] + 2.0 * x[1], 0.5 * x[0] + 1.0];
        let mut x = vec![0.0, 0.0];
        let mut anderson = Anderson::default();
        for _ in 0..6 {
            let r = difference(&map(&x), &x);
            x = anderson.next(&x, &r, 1.0);
        }
        // x0 = -1.5 x0 + 2 x1 and x1 = 0.5 x0 + 1 give x0 = 4/3, x1 = 5/3.
        assert!((x[0] - 4.0 / 3.0).abs() < 1e-6 && (x[1] - 5.0 / 3.0).abs() < 1e-6, "{x:?}");
    }
}
