//! Steady states under interventions.

use super::anderson::Anderson;
use super::{Kinetics, SimulateError, transient};

/// Largest residual |F(y) - y| over genes at which a state counts as steady; y is ln(level / unperturbed level).
pub(super) const TOLERANCE: f64 = 1e-10;
const ITERATIONS: usize = 4000;
/// Damping below which a fixed-point iteration is given up.
const LEAST_DAMPING: f64 = 1e-3;

/// What is done to a gene from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Forcing {
    /// Its production is multiplied by exp of this: ln(1 - e) for a knockdown of efficiency e, ln(fold) for CRISPRa.
    Shift(f64),
    /// Its product is gone (knockout).
    Absent,
}

/// ln(level / unperturbed level) of a gene that is gone: 4e-18 of its level.
const GONE: f64 = -40.0;

/// A steady state.
#[derive(Debug, Clone)]
pub struct Steady {
    /// ln(level / unperturbed level) per gene.
    pub log_ratio: Vec<f64>,
    /// Largest |F(y) - y| over genes.
    pub residual: f64,
    /// Iterations used.
    pub iterations: usize,
}

/// The steady state under interventions on a few genes, from `start` (or the unperturbed state).
///
/// Only genes that regulate others are iterated: a damped fixed point in log space with Anderson acceleration, the damping
/// halved whenever progress stops; where that comes to nothing, by pseudo-transient
/// continuation from the best point. All other genes follow from them.
///
/// # Errors
/// [`SimulateError::Unconverged`] rather than a state that is not steady; `name` is used in the message.
///
/// # Complexity
/// O(iterations x links into regulators + links).
pub fn solve(
    kinetics: &Kinetics,
    forced: &[(u32, Forcing)],
    start: Option<&[f64]>,
    name: &str,
) -> Result<Steady, SimulateError> {
    let regulators = kinetics.regulators();
    let mut map = Map { kinetics, forced, u: vec![1.0; kinetics.n_genes()] };
    let mut x: Vec<f64> = regulators.iter().map(|&g| start.map_or(0.0, |y| y[g as usize])).collect();
    let mut anderson = Anderson::default();
    let (mut damping, mut best, mut since) = (1.0, f64::INFINITY, 0);
    let (mut nearest, mut least) = (x.clone(), f64::INFINITY);
    for iteration in 1..=ITERATIONS {
        let r = map.residual(&x);
        let residual = r.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if residual <= TOLERANCE {
            return Ok(Steady { log_ratio: map.all(&x), residual, iterations: iteration });
        }
        if residual < least {
            (nearest, least) = (x.clone(), residual);
        }
        if residual < 0.9 * best {
            (best, since) = (residual, 0);
        } else {
            since += 1;
        }
        if since >= 30 {
            anderson.reset();
            (damping, since, best) = (damping / 2.0, 0, residual);
            if damping < LEAST_DAMPING {
                break;
            }
        }
        x = anderson.next(&x, &r, damping);
        for y in &mut x {
            *y = y.clamp(GONE, -GONE);
        }
    }
    if let Some((x, iterations)) = transient::solve(nearest, TOLERANCE, &mut |x| map.residual(x)) {
        let residual = map.residual(&x).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        return Ok(Steady { log_ratio: map.all(&x), residual, iterations: ITERATIONS + iterations });
    }
    Err(SimulateError::Unconverged {
        perturbation: name.to_owned(),
        tolerance: TOLERANCE,
        residual: least,
        iterations: ITERATIONS,
    })
}

/// The map whose fixed point is the steady state.
struct Map<'a> {
    kinetics: &'a Kinetics,
    forced: &'a [(u32, Forcing)],
    u: Vec<f64>,
}

impl Map<'_> {
    /// F(y) - y over regulators.
    fn residual(&mut self, x: &[f64]) -> Vec<f64> {
        self.load(x);
        self.kinetics.regulators().iter().zip(x).map(|(&g, y)| self.image(g) - y).collect()
    }

    /// F(y) over all genes, given the regulators.
    fn all(&mut self, x: &[f64]) -> Vec<f64> {
        self.load(x);
        (0..self.kinetics.n_genes() as u32).map(|g| self.image(g)).collect()
    }

    fn load(&mut self, x: &[f64]) {
        for (&g, y) in self.kinetics.regulators().iter().zip(x) {
            self.u[g as usize] = if *y == 0.0 { 1.0 } else { (self.kinetics.hill * y).exp() };
        }
    }

    fn image(&self, gene: u32) -> f64 {
        let made = self.kinetics.log_production(gene as usize, &self.u);
        let apply = |y: f64, (_, forcing): &(u32, Forcing)| match forcing {
            Forcing::Shift(shift) => y + shift,
            Forcing::Absent => GONE,
        };
        self.forced.iter().filter(|(g, _)| *g == gene).fold(made, apply)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{DoseResponse, Efficiency, TopologyOptions, Wiring, generate};
    use super::*;
    use crate::data::{GeneId, Intervention};

    fn law(table: &str, folds: &[f64]) -> Kinetics {
        let wiring = Wiring::parse(&format!("header\n{table}"), "test").unwrap();
        let levels = vec![1.0; wiring.genes.len()];
        Kinetics::new(&wiring, folds, 2.0, &levels).unwrap()
    }

    /// ln ratios after a change of ln production of gene 0, by sum of J^k: (I - J)^-1 applied to the change.
    fn linear(kinetics: &Kinetics, shift: f64) -> Vec<f64> {
        let mut forced = vec![0.0; kinetics.n_genes()];
        forced[0] = shift;
        let (mut total, mut next) = (forced.clone(), forced.clone());
        for _ in 0..400 {
            kinetics.linear(&total, &mut next);
            total.iter_mut().zip(next.iter().zip(&forced)).for_each(|(t, (n, f))| *t = n + f);
        }
        total
    }

    fn shifted(kinetics: &Kinetics, shift: f64) -> Vec<f64> {
        solve(kinetics, &[(0, Forcing::Shift(shift))], None, "test").unwrap().log_ratio
    }

    #[test]
    fn small_changes_follow_the_linear_response() {
        let t = |table: &str, folds: &[f64]| {
            let kinetics = law(table, folds);
            let shift = 1.01f64.ln();
            let expected = linear(&kinetics, shift);
            // Half the difference of +1 % and -1 %: what is left of curvature is of second order, 1e-4.
            let (up, down) = (shifted(&kinetics, shift), shifted(&kinetics, -shift));
            for ((up, down), expected) in up.iter().zip(&down).zip(&expected) {
                let got = (up - down) / 2.0;
                assert!((got - expected).abs() <= 1e-3 * expected.abs() + 1e-12, "{got}, expected {expected}");
            }
        };
        t("A\tB\t+\t1\nB\tC\t-\t1\nC\tD\t+\t1\nD\tE\t+\t1\n", &[3.0, 0.3, 5.0, 2.0]);
        t("A\tB\t+\t1\nB\tC\t+\t1\nC\tA\t-\t1\nC\tD\t+\t1\n", &[3.0, 2.0, 0.4, 2.0]);
        t("A\tB\t+\t1\nB\tA\t+\t1\nB\tC\t-\t1\n", &[3.0, 4.0, 0.2]);
    }

    #[test]
    fn signs_are_those_of_the_links() {
        let kinetics = law("A\tB\t+\t1\nA\tC\t-\t1\nB\tD\t-\t1\n", &[4.0, 0.25, 0.25]);
        let y = shifted(&kinetics, 0.15f64.ln());
        // Hand calculation: u = 0.15^2, g/g* = (1 + 4u)/(1 + u)/2.5 for the activator.
        let u = 0.15f64.powi(2);
        assert!((y[1] - ((1.0 + 4.0 * u) / ((1.0 + u) * 2.5)).ln()).abs() < 1e-12);
        assert!(y[1] < 0.0 && y[2] > 0.0 && y[3] > 0.0);
    }

    #[test]
    fn a_knockout_leaves_nothing() {
        let kinetics = law("A\tB\t+\t1\n", &[4.0]);
        let y = solve(&kinetics, &[(0, Forcing::Absent)], None, "A").unwrap().log_ratio;
        assert_eq!(y[0], GONE);
        assert!((y[1] - 0.4f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn interpolated_doses_are_close_to_solved_ones() {
        let wiring = Wiring::embedded().unwrap();
        let (kinetics, _) = Kinetics::draw(&wiring, &super::super::KineticOptions::default(), 3).unwrap();
        let gene = wiring.expect("POU5F1").unwrap();
        let efficiency = Efficiency::default();
        let dose = DoseResponse::solve(&kinetics, &[gene], Intervention::Knockdown, &efficiency, "x").unwrap();
        let mut got = vec![0.0; kinetics.n_genes()];
        for e in [0.0, 0.1, 0.28, 0.4, 0.49, 0.56, 0.66, 0.8, 0.855, 0.9, 0.96, 0.99] {
            dose.at(e, &mut got);
            let forced = [(gene.0, efficiency.forcing(Intervention::Knockdown, e))];
            let exact = solve(&kinetics, &forced, None, "x").unwrap().log_ratio;
            let worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 0.02, "efficiency {e}: {worst}");
        }
    }

    fn small(seed: u64) -> (Wiring, Kinetics) {
        let options =
            TopologyOptions { genes: 40, groups: 3, regulators: 0.5, activators: 0.6, ..TopologyOptions::default() };
        let wiring = generate(&options, seed).unwrap();
        let (kinetics, _) = Kinetics::draw(&wiring, &super::super::KineticOptions::default(), seed).unwrap();
        (wiring, kinetics)
    }

    /// Genes downstream of a gene, itself included.
    fn downstream(wiring: &Wiring, gene: GeneId) -> Vec<bool> {
        let mut reached = vec![false; wiring.genes.len()];
        reached[gene.index()] = true;
        for _ in 0..wiring.genes.len() {
            wiring.links.iter().for_each(|l| reached[l.target.index()] |= reached[l.source.index()]);
        }
        reached
    }

    #[test]
    fn hardly_a_network_is_left_unsolved() {
        let forced = [(5, Forcing::Shift(0.15f64.ln()))];
        let unsolved = |&seed: &u64| solve(&small(seed).1, &forced, None, "x").is_err();
        let unsolved: Vec<u64> = (0..2000).filter(unsolved).collect();
        // Of the few that are, none is passed off as steady.
        assert!(unsolved.len() <= 2, "{unsolved:?}");
    }

    proptest! {
        #[test]
        fn any_network_rests_at_its_unperturbed_state(seed in 0u64..10_000) {
            let (_, kinetics) = small(seed);
            let rest = solve(&kinetics, &[], None, "nothing").unwrap();
            prop_assert!(rest.residual <= 1e-12);
            prop_assert!(rest.log_ratio.iter().all(|y| y.abs() <= 1e-12));
        }

        #[test]
        fn knockdowns_reach_steady_states_and_only_what_is_downstream(seed in 0u64..10_000, at in 0usize..40) {
            let (wiring, kinetics) = small(seed);
            let steady = solve(&kinetics, &[(at as u32, Forcing::Shift(0.15f64.ln()))], None, "x");
            // A network without a stable state says so.
            prop_assume!(!matches!(steady, Err(SimulateError::Unconverged { .. })));
            let steady = steady.unwrap();
            prop_assert!(steady.residual <= TOLERANCE);
            let reached = downstream(&wiring, GeneId(at as u32));
            for (y, reached) in steady.log_ratio.iter().zip(reached) {
                prop_assert!(y.is_finite() && (reached || *y == 0.0));
            }
        }
    }
}
