//! Optimal transport with entropy.

use ndarray::{Array2, ArrayView2};

/// Gain of the dual, which rises with every iteration, at which they end, as a share of epsilon. Potentials may go on
/// drifting where points that are far apart hardly feel each other; their cost does not.
const GAIN: f64 = 1e-9;
/// The same for the largest change of a potential, where both distributions are the same.
const TOLERANCE: f64 = 1e-9;

/// Entropic transport cost between two uniform distributions of points at these costs (n x m), from the dual:
/// mean f + mean g, where f and g solve the problem with entropy relative to the product of the two (Cuturi 2013; Feydy
/// et al. 2019). In the log domain, from the potential f = `start` (length n). `None` where the cost still rises after
/// `iterations`.
///
/// O(n m) time per iteration.
pub fn sinkhorn_cost(costs: ArrayView2<'_, f64>, epsilon: f64, start: &[f64], iterations: usize) -> Option<f64> {
    let transposed: Array2<f64> = costs.t().to_owned();
    let (mut f, mut before) = (start.to_vec(), f64::NEG_INFINITY);
    for _ in 0..iterations {
        let g = soft_minimum(transposed.view(), &f, epsilon);
        f = soft_minimum(costs, &g, epsilon);
        let cost = mean(&f) + mean(&g);
        if cost - before <= GAIN * epsilon {
            return Some(cost);
        }
        before = cost;
    }
    None
}

/// The potential f = g of a distribution with itself, at symmetric costs, by averaged steps, which converge fast; the cost
/// is twice its mean. `None` where potentials still change.
pub fn sinkhorn_potential(costs: ArrayView2<'_, f64>, epsilon: f64, iterations: usize) -> Option<Vec<f64>> {
    let mut f = vec![0.0; costs.nrows()];
    for _ in 0..iterations {
        let step = soft_minimum(costs, &f, epsilon);
        let change = step.iter().zip(&f).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        f.iter_mut().zip(&step).for_each(|(f, s)| *f = f64::midpoint(*f, *s));
        if change <= TOLERANCE * epsilon {
            return Some(f);
        }
    }
    None
}

/// -epsilon log mean_j exp((potential_j - cost_ij) / epsilon) for each row i.
fn soft_minimum(costs: ArrayView2<'_, f64>, potential: &[f64], epsilon: f64) -> Vec<f64> {
    let of_row = |row: ndarray::ArrayView1<'_, f64>| {
        let exponents = || row.iter().zip(potential).map(|(c, p)| (p - c) / epsilon);
        let largest = exponents().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = exponents().map(|e| (e - largest).exp()).sum();
        -epsilon * (largest + (sum / row.len() as f64).ln())
    };
    costs.outer_iter().map(of_row).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn far_points_cost_their_assignment() {
        // Two points each, matched at cost 1 and 4, crossed at 100: with little entropy the plan is the matching, whose
        // cost is 2.5 and whose relative entropy is ln 2.
        let costs = array![[1.0, 100.0], [100.0, 4.0]];
        let got = sinkhorn_cost(costs.view(), 0.1, &[0.0; 2], 10_000).unwrap();
        assert!((got - (2.5 + 0.1 * 2f64.ln())).abs() < 1e-9, "{got}");
    }

    #[test]
    fn both_iterations_agree_on_a_symmetric_problem() {
        let costs = array![[0.0, 1.0, 4.0], [1.0, 0.0, 2.0], [4.0, 2.0, 0.0]];
        let t = |epsilon: f64| {
            let a = sinkhorn_cost(costs.view(), epsilon, &[0.0; 3], 20_000).unwrap();
            let b = 2.0 * mean(&sinkhorn_potential(costs.view(), epsilon, 20_000).unwrap());
            assert!((a - b).abs() < 1e-7, "{a} {b}");
        };
        t(0.5);
        t(5.0);
    }
}
