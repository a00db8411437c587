//! Pseudo-transient continuation (Kelley and Keyes 1998, SIAM J Numer Anal 35:508): implicit Euler steps along
//! dx/dt = F(x) - x whose length grows as the residual falls, so that they end as steps of Newton's method.
//!
//! It follows the trajectory where a fixed-point iteration circles and where Newton's method alone stops at a minimum of
//! the residual: near a pair of steady states that has just vanished, which the trajectory passes slowly.

use ndarray::{Array1, Array2};

use crate::stats;

/// Steps at most.
const STEPS: usize = 400;
/// Change of an unknown in one step at most.
const REACH: f64 = 1.0;
/// Least length of a step, and how much it may change from one to the next.
const SHORTEST: f64 = 1e-6;
const CHANGE: (f64, f64) = (0.25, 4.0);
/// Step of the finite differences.
const DIFFERENCE: f64 = 1e-7;
/// Unknowns at most: the Jacobian is dense.
const UNKNOWNS: usize = 3_000;

/// The point that the trajectory from `x` ends in, where all of `residual` = F(x) - x are at most `tolerance`, with the
/// number of steps; `None` where it does not end. O(steps x (n evaluations + n^3)) for n unknowns.
pub(super) fn solve(
    mut x: Vec<f64>,
    tolerance: f64,
    residual: &mut dyn FnMut(&[f64]) -> Vec<f64>,
) -> Option<(Vec<f64>, usize)> {
    if x.len() > UNKNOWNS {
        return None;
    }
    let mut r = residual(&x);
    let mut length = 1.0;
    for step in 0..STEPS {
        if largest(&r) <= tolerance {
            return Some((x, step));
        }
        let jacobian = jacobian(&x, &r, residual);
        let (change, taken) = euler_step(&jacobian, &r, length)?;
        x.iter_mut().zip(&change).for_each(|(x, d)| *x += d);
        let there = residual(&x);
        length = taken * (largest(&r) / largest(&there)).clamp(CHANGE.0, CHANGE.1);
        r = there;
    }
    None
}

/// The change over an implicit step of this length, shortened until no unknown goes too far.
fn euler_step(jacobian: &Array2<f64>, r: &[f64], mut length: f64) -> Option<(Array1<f64>, f64)> {
    let r = Array1::from(r.to_vec());
    while length > SHORTEST {
        let matrix = Array2::eye(r.len()) / length - jacobian;
        match stats::solve(&matrix, &r) {
            Ok(change) if change.iter().all(|d| d.abs() <= REACH) => return Some((change, length)),
            _ => length *= CHANGE.0,
        }
    }
    None
}

/// Derivatives of the residuals, n x n, by forward differences.
fn jacobian(x: &[f64], r: &[f64], residual: &mut dyn FnMut(&[f64]) -> Vec<f64>) -> Array2<f64> {
    let mut jacobian = Array2::zeros((x.len(), x.len()));
    let mut moved = x.to_vec();
    for j in 0..x.len() {
        let step = DIFFERENCE * x[j].abs().max(1.0);
        moved[j] = x[j] + step;
        let there = residual(&moved);
        moved[j] = x[j];
        jacobian.column_mut(j).iter_mut().zip(there.iter().zip(r)).for_each(|(to, (a, b))| *to = (a - b) / step);
    }
    jacobian
}

fn largest(r: &[f64]) -> f64 {
    r.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stable_point_is_found_to_the_last_bit() {
        // cos x = x at 0.739085133215.
        let (x, steps) = solve(vec![3.0], 1e-14, &mut |x| vec![x[0].cos() - x[0]]).unwrap();
        assert!((x[0] - 0.739_085_133_215_160_6).abs() < 1e-13 && steps < 40, "{x:?} after {steps}");
    }

    #[test]
    fn a_vanished_pair_of_states_is_passed() {
        // dx/dt = 0.01 + (x - 1)^2 up to x = 3, then down: slow near 1, at rest near 3.6.
        let flow = |x: f64| if x < 3.0 { 0.01 + (x - 1.0).powi(2) } else { 4.01 - 11.0 * (x - 3.0).powi(2) };
        let (x, _) = solve(vec![0.0], 1e-12, &mut |x| vec![flow(x[0])]).unwrap();
        assert!((x[0] - (3.0 + (4.01f64 / 11.0).sqrt())).abs() < 1e-9, "{x:?}");
    }

    #[test]
    fn what_never_rests_is_not_found() {
        assert!(solve(vec![0.3], 1e-12, &mut |x| vec![1.0 + x[0] * x[0]]).is_none());
    }
}
