//! Minimising a smooth function of many variables.

use std::collections::VecDeque;

use ndarray::Array1;

/// Pairs of steps and gradient changes that stand in for the curvature.
const MEMORY: usize = 10;
/// Least share of the expected decrease that a step must bring.
const DECREASE: f64 = 1e-4;

/// Limited-memory BFGS with step halving (Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.1).
///
/// `function` gives a value and its gradient. Stops where no gradient entry exceeds `tolerance`, where no shorter step
/// decreases the value, or after `most` steps. For convex functions the result is the minimum; the same start gives the
/// same bits.
///
/// # Complexity
/// One to a few evaluations per step and O(n) memory.
///
/// ```
/// use ndarray::{Array1, array};
/// let bowl = |x: &Array1<f64>| ((x[0] - 1.0).powi(2) + 10.0 * x[1].powi(2), array![2.0 * (x[0] - 1.0), 20.0 * x[1]]);
/// let x = grn::stats::minimise(bowl, array![5.0, 5.0], 100, 1e-9);
/// assert!((x[0] - 1.0).abs() < 1e-9 && x[1].abs() < 1e-9);
/// ```
pub fn minimise(
    function: impl Fn(&Array1<f64>) -> (f64, Array1<f64>),
    start: Array1<f64>,
    most: usize,
    tolerance: f64,
) -> Array1<f64> {
    let mut x = start;
    let (mut value, mut gradient) = function(&x);
    let mut pairs: VecDeque<(Array1<f64>, Array1<f64>)> = VecDeque::new();
    for _ in 0..most {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            break;
        }
        let direction = direction(&gradient, &pairs);
        let slope = direction.dot(&gradient);
        // Without curvature the first step has length 1 at most.
        let scale = if pairs.is_empty() { 1.0 / gradient.dot(&gradient).sqrt().max(1.0) } else { 1.0 };
        let next = (0..40).map(|k| scale * 0.5f64.powi(k)).find_map(|length| {
            let to = &x + &(&direction * length);
            let (value_there, gradient_there) = function(&to);
            (value_there <= value + DECREASE * length * slope).then_some((to, value_there, gradient_there))
        });
        let Some((to, value_there, gradient_there)) = next else { break };
        let (step, change) = (&to - &x, &gradient_there - &gradient);
        if step.dot(&change) > 1e-12 * change.dot(&change) {
            pairs.truncate(MEMORY - 1);
            pairs.push_front((step, change));
        }
        (x, value, gradient) = (to, value_there, gradient_there);
    }
    x
}

/// Minus the approximate inverse Hessian times the gradient (two-loop recursion); the newest pair comes first.
fn direction(gradient: &Array1<f64>, pairs: &VecDeque<(Array1<f64>, Array1<f64>)>) -> Array1<f64> {
    let mut q = -gradient;
    let mut shares = Vec::with_capacity(pairs.len());
    for (step, change) in pairs {
        let share = step.dot(&q) / step.dot(change);
        q.scaled_add(-share, change);
        shares.push(share);
    }
    if let Some((step, change)) = pairs.front() {
        q *= step.dot(change) / change.dot(change);
    }
    for ((step, change), share) in pairs.iter().zip(shares).rev() {
        let other = change.dot(&q) / step.dot(change);
        q.scaled_add(share - other, step);
    }
    q
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// The minimum of Rosenbrock's valley is (1, 1).
    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let valley = |x: &Array1<f64>| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 100.0 * b * b, array![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        };
        let x = minimise(valley, array![-1.2, 1.0], 200, 1e-10);
        assert!((x[0] - 1.0).abs() < 1e-8 && (x[1] - 1.0).abs() < 1e-8, "{x}");
    }

    #[test]
    fn a_minimum_stays_where_it_is() {
        let x = minimise(|x| (x.dot(x), x * 2.0), array![0.0, 0.0, 0.0], 10, 1e-12);
        assert_eq!(x, array![0.0, 0.0, 0.0]);
    }
}
