//! Newton-Krylov with pseudo-transient continuation (Kelley and Keyes 1998, SIAM J Numer Anal 35:508): implicit Euler steps
//! along dx/dt = F(x) - x whose length grows as the residual falls, so that they end as steps of Newton's method. The
//! linear systems are solved by GMRES, from the action of the Jacobian alone.
//!
//! It follows the trajectory where a fixed-point iteration circles and where Newton's method alone stops at a minimum of
//! the residual: near a pair of steady states that has just vanished, which the trajectory passes slowly.

use super::gmres::gmres;

/// Steps at most.
const STEPS: usize = 400;
/// Change of an unknown in one step at most.
const REACH: f64 = 1.0;
/// Least length of a step, and how much it may change from one to the next.
const SHORTEST: f64 = 1e-6;
const CHANGE: (f64, f64) = (0.25, 4.0);
/// Relative error of a linear solution, and steps spent on it.
const ACCURACY: f64 = 1e-8;
const KRYLOV: usize = 250;

/// The action of a matrix on a vector.
pub(super) type Action = Box<dyn Fn(&[f64]) -> Vec<f64>>;

/// A map F whose fixed point is looked for, n unknowns.
pub(super) trait FixedPoint {
    /// F(x) - x.
    fn residual(&mut self, x: &[f64]) -> Vec<f64>;

    /// The derivative of F at x, as its action on a vector.
    fn derivative(&mut self, x: &[f64]) -> Action;
}

/// The point that the trajectory from `x` ends in, where all of F(x) - x are at most `tolerance`, with the number of
/// steps; `None` where it does not end. O(steps x (one derivative + 250 actions of it)).
pub(super) fn solve(mut x: Vec<f64>, tolerance: f64, map: &mut dyn FixedPoint) -> Option<(Vec<f64>, usize)> {
    let mut r = map.residual(&x);
    let mut length = 1.0;
    for step in 0..STEPS {
        if largest(&r) <= tolerance {
            return Some((x, step));
        }
        let derivative = map.derivative(&x);
        let (change, taken) = euler_step(&*derivative, &r, length)?;
        x.iter_mut().zip(&change).for_each(|(x, d)| *x += d);
        let there = map.residual(&x);
        length = taken * (largest(&r) / largest(&there)).clamp(CHANGE.0, CHANGE.1);
        r = there;
    }
    None
}

/// The change over an implicit step of this length, shortened until no unknown goes too far.
fn euler_step(derivative: &dyn Fn(&[f64]) -> Vec<f64>, r: &[f64], mut length: f64) -> Option<(Vec<f64>, f64)> {
    while length > SHORTEST {
        let mut apply = |v: &[f64]| {
            let moved = derivative(v);
            v.iter().zip(moved).map(|(v, m)| v * (1.0 / length + 1.0) - m).collect()
        };
        match gmres(&mut apply, r, ACCURACY, KRYLOV) {
            Some(change) if change.iter().all(|d| d.abs() <= REACH) => return Some((change, length)),
            _ => length *= CHANGE.0,
        }
    }
    None
}

fn largest(r: &[f64]) -> f64 {
    r.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F(x) = x + flow(x) with the derivative of the flow.
    struct Flow(fn(f64) -> f64, fn(f64) -> f64);

    impl FixedPoint for Flow {
        fn residual(&mut self, x: &[f64]) -> Vec<f64> {
            vec![self.0(x[0])]
        }
        fn derivative(&mut self, x: &[f64]) -> Action {
            let slope = 1.0 + self.1(x[0]);
            Box::new(move |v| vec![slope * v[0]])
        }
    }

    #[test]
    fn a_stable_point_is_found_to_the_last_bit() {
        // cos x = x at 0.739085133215.
        let mut map = Flow(|x| x.cos() - x, |x| -x.sin() - 1.0);
        let (x, steps) = solve(vec![3.0], 1e-14, &mut map).unwrap();
        assert!((x[0] - 0.739_085_133_215_160_6).abs() < 1e-13 && steps < 40, "{x:?} after {steps}");
    }

    #[test]
    fn a_vanished_pair_of_states_is_passed() {
        // dx/dt = 0.01 + (x - 1)^2 up to x = 3, then down: slow near 1, at rest near 3.6.
        let flow = |x: f64| if x < 3.0 { 0.01 + (x - 1.0).powi(2) } else { 4.01 - 11.0 * (x - 3.0).powi(2) };
        let slope = |x: f64| if x < 3.0 { 2.0 * (x - 1.0) } else { -22.0 * (x - 3.0) };
        let (x, _) = solve(vec![0.0], 1e-12, &mut Flow(flow, slope)).unwrap();
        assert!((x[0] - (3.0 + (4.01f64 / 11.0).sqrt())).abs() < 1e-9, "{x:?}");
    }

    #[test]
    fn what_never_rests_is_not_found() {
        assert!(solve(vec![0.3], 1e-12, &mut Flow(|x| 1.0 + x * x, |x| 2.0 * x)).is_none());
    }
}
