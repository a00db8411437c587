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
        let m = self.steps.len();
        let mut a = vec![vec![0.0; m + 1]; m];
        for i in 0..m {
            for j in 0..m {
                a[i][j] = dot(&self.steps[i].1, &self.steps[j].1);
            }
            a[i][m] = dot(&self.steps[i].1, r);
        }
        let trace: f64 = (0..m).map(|i| a[i][i]).sum();
        (0..m).for_each(|i| a[i][i] += 1e-12 * trace + f64::MIN_POSITIVE);
        eliminate(a)
    }
}

/// Solves a small symmetric positive definite system given as rows with the right-hand side appended.
fn eliminate(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let m = a.len();
    for k in 0..m {
        for i in k + 1..m {
            let factor = a[i][k] / a[k][k];
            for j in k..=m {
                a[i][j] -= factor * a[k][j];
            }
        }
    }
    let mut x = vec![0.0; m];
    for k in (0..m).rev() {
        let known: f64 = (k + 1..m).map(|j| a[k][j] * x[j]).sum();
        x[k] = (a[k][m] - known) / a[k][k];
    }
    x
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
