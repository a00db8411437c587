//! Robust regression on two predictors.

/// Pairs of observations solved at most.
const MOST: usize = 100_000;
const ITERATIONS: usize = 300;

/// Theil-Sen regression y = c1 x1 + c2 x2 without intercept (Dang et al. 2008): the spatial median of the exact solutions
/// of pairs of observations.
///
/// All pairs are used while there are at most 100,000; of more observations each is paired with those at a fixed set of
/// distances in their order (cyclic, spread evenly up to half the circle), so the result depends on no random number.
/// Pairs without a unique solution are left out. `sklearn.linear_model.TheilSenRegressor` draws its pairs at random
/// where there are more than `max_subpopulation`.
#[derive(Debug, Clone)]
pub struct TheilSen {
    /// Observations and their solution.
    solutions: Vec<(u32, u32, [f64; 2])>,
}

impl TheilSen {
    /// Solves the pairs of observations (x1, x2, y). O(min(n^2, 100,000)).
    pub fn new(observations: &[[f64; 3]]) -> Self {
        let pairs = pairs(observations.len());
        let solve = |(i, j): (usize, usize)| {
            let ([a, b, y], [c, d, z]) = (observations[i], observations[j]);
            let determinant = a * d - b * c;
            let size = a.hypot(b) * c.hypot(d);
            let solution = [(y * d - b * z) / determinant, (a * z - y * c) / determinant];
            (determinant.abs() > 1e-9 * size).then_some((i as u32, j as u32, solution))
        };
        Self { solutions: pairs.into_iter().filter_map(solve).collect() }
    }

    /// The coefficients where observation i counts `weight(i)` times; `None` where no pair has a solution.
    ///
    /// Spatial median by Weiszfeld's iteration in the form of Vardi and Zhang (PNAS 2000), from `start` or the mean.
    pub fn coefficients(&self, weight: impl Fn(usize) -> f64, start: Option<[f64; 2]>) -> Option<[f64; 2]> {
        let weighted = self.solutions.iter().map(|&(i, j, s)| (weight(i as usize) * weight(j as usize), s));
        let points: Vec<(f64, [f64; 2])> = weighted.filter(|(w, _)| *w > 0.0).collect();
        let total: f64 = points.iter().map(|p| p.0).sum();
        let mean = |k: usize| points.iter().map(|(w, s)| w * s[k]).sum::<f64>() / total;
        if points.is_empty() {
            return None;
        }
        let mut at = start.unwrap_or_else(|| [mean(0), mean(1)]);
        for _ in 0..ITERATIONS {
            let next = step(&points, at);
            let moved = (next[0] - at[0]).hypot(next[1] - at[1]);
            at = next;
            if moved <= 1e-9 * (1.0 + at[0].hypot(at[1])) {
                break;
            }
        }
        Some(at)
    }
}

/// One step towards the spatial median.
fn step(points: &[(f64, [f64; 2])], at: [f64; 2]) -> [f64; 2] {
    let (mut sum, mut weights, mut pull, mut here) = ([0.0; 2], 0.0, [0.0; 2], 0.0);
    for &(w, p) in points {
        let away = [p[0] - at[0], p[1] - at[1]];
        let distance = away[0].hypot(away[1]);
        if distance < 1e-12 {
            here += w;
            continue;
        }
        for k in 0..2 {
            sum[k] += w * p[k] / distance;
            pull[k] += w * away[k] / distance;
        }
        weights += w / distance;
    }
    let force = pull[0].hypot(pull[1]);
    if weights == 0.0 || force <= here {
        return at;
    }
    // Points at the present place hold it back.
    let hold = here / force;
    std::array::from_fn(|k| (1.0 - hold) * sum[k] / weights + hold * at[k])
}

fn pairs(n: usize) -> Vec<(usize, usize)> {
    if n * n.saturating_sub(1) / 2 <= MOST {
        return (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
    }
    let distances = (MOST / n).max(1);
    let stride = (n / 2 / distances).max(1);
    (0..distances).flat_map(|k| (0..n).map(move |i| (i, (i + 1 + k * stride) % n))).filter(|(i, j)| i != j).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn outliers_do_not_move_the_coefficients() {
        for n in [60, 900] {
            let mut rng = Rng::named(3, "theil-sen");
            let observations: Vec<[f64; 3]> = (0..n)
                .map(|i| {
                    let (a, b) = (rng.normal(), rng.normal());
                    // Every tenth observation is far off; least squares would be as well.
                    let y = if i % 10 == 0 { 30.0 } else { 0.7 * a - 0.2 * b + 0.01 * rng.normal() };
                    [a, b, y]
                })
                .collect();
            let [a, b] = TheilSen::new(&observations).coefficients(|_| 1.0, None).unwrap();
            assert!((a - 0.7).abs() < 0.02 && (b + 0.2).abs() < 0.02, "{n}: {a} {b}");
        }
    }

    #[test]
    fn exact_data_are_solved_and_parallel_ones_are_not() {
        let exact: Vec<[f64; 3]> = (1..6).map(|i| [f64::from(i), f64::from(i * i), f64::from(2 * i - i * i)]).collect();
        let [a, b] = TheilSen::new(&exact).coefficients(|_| 1.0, None).unwrap();
        assert!((a - 2.0).abs() < 1e-9 && (b + 1.0).abs() < 1e-9);
        assert_eq!(TheilSen::new(&[[1.0, 1.0, 2.0], [2.0, 2.0, 4.0]]).coefficients(|_| 1.0, None), None);
    }
}
