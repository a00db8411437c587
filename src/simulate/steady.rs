//! Steady states under interventions.

use rayon::prelude::*;

use super::anderson::Anderson;
use super::newton_krylov::{self, Action, FixedPoint};
use super::{Law, Levels, SimulateError};

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
    /// Its level is held at exp of this times the unperturbed level.
    Clamp(f64),
    /// Its product is gone (knockout).
    Absent,
}

/// ln(level / unperturbed level) of a gene that is gone: 4e-18 of its level.
pub(super) const GONE: f64 = -40.0;

impl Forcing {
    /// ln production relative to the unperturbed state, given what the regulators make of it.
    pub fn apply(self, made: f64) -> f64 {
        match self {
            Self::Shift(shift) => made + shift,
            Self::Clamp(level) => level,
            Self::Absent => GONE,
        }
    }
}

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

/// The steady state under interventions on a few genes, from `start` (or the unperturbed state): [`Solver::solve`] once.
///
/// # Errors
/// [`SimulateError::Unconverged`].
pub fn solve(
    law: &dyn Law,
    forced: &[(u32, Forcing)],
    start: Option<&[f64]>,
    name: &str,
) -> Result<Steady, SimulateError> {
    Solver::new(law).solve(forced, start, name)
}

/// Finds steady states of one law.
///
/// Only genes that the interventions reach and that regulate others are iterated: a damped fixed point in log space with
/// Anderson acceleration, the damping halved whenever progress stops; where that comes to nothing, Newton-Krylov with
/// pseudo-transient continuation from the best point. All other genes follow from them.
#[derive(Debug)]
pub struct Solver<'a> {
    law: &'a dyn Law,
    /// Targets of each gene (CSR by source).
    start: Vec<usize>,
    targets: Vec<u32>,
}

impl<'a> Solver<'a> {
    /// Turns the edges round. O(edges).
    pub fn new(law: &'a dyn Law) -> Self {
        let n = law.n_genes();
        let mut start = vec![0; n + 1];
        let regulators = |gene| law.regulators_of(gene).iter().map(|&j| j as usize);
        (0..n).for_each(|gene| regulators(gene).for_each(|j| start[j + 1] += 1));
        (0..n).for_each(|j| start[j + 1] += start[j]);
        let (mut next, mut targets) = (start.clone(), vec![0; start[n]]);
        for gene in 0..n {
            for j in regulators(gene) {
                targets[next[j]] = gene as u32;
                next[j] += 1;
            }
        }
        Self { law, start, targets }
    }

    /// The law.
    pub fn law(&self) -> &'a dyn Law {
        self.law
    }

    /// The steady state under interventions, from `start` (ln ratios per gene) or the unperturbed state; `name` is used in
    /// the message.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`] rather than a state that is not steady.
    ///
    /// # Complexity
    /// O(iterations x edges into regulators that are reached + genes + edges reached).
    pub fn solve(&self, forced: &[(u32, Forcing)], start: Option<&[f64]>, name: &str) -> Result<Steady, SimulateError> {
        let moved = start.into_iter().flatten().enumerate().filter(|(_, y)| **y != 0.0).map(|(gene, _)| gene as u32);
        let reached = self.downstream(forced.iter().map(|(gene, _)| *gene).chain(moved));
        self.rest(reached, forced, start, name)
    }

    /// The steady state that the law comes to from these levels, per gene; for laws whose baseline is only a guess.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`].
    pub fn settle(&self, levels: &[f64], name: &str) -> Result<Vec<f64>, SimulateError> {
        let start: Vec<f64> = levels.iter().zip(self.law.baseline()).map(|(x, base)| (x / base).ln()).collect();
        let all = (0..self.law.n_genes() as u32).collect();
        let steady = self.rest(all, &[], Some(&start), name)?;
        Ok(steady.log_ratio.iter().zip(self.law.baseline()).map(|(y, base)| base * y.exp()).collect())
    }

    /// One steady state per named set of interventions, each from the unperturbed state, in parallel.
    pub fn solve_all(&self, cases: &[(String, Vec<(u32, Forcing)>)]) -> Vec<Result<Steady, SimulateError>> {
        cases.par_iter().map(|(name, forced)| self.solve(forced, None, name)).collect()
    }

    fn rest(
        &self,
        reached: Vec<u32>,
        forced: &[(u32, Forcing)],
        start: Option<&[f64]>,
        name: &str,
    ) -> Result<Steady, SimulateError> {
        let mut map = Map::new(self, reached, forced, start);
        let mut x: Vec<f64> = map.active.iter().map(|&g| start.map_or(0.0, |y| y[g as usize])).collect();
        let (mut anderson, mut damping, mut best, mut since) = (Anderson::default(), 1.0, f64::INFINITY, 0);
        let (mut nearest, mut least) = (x.clone(), f64::INFINITY);
        for iteration in 1..=ITERATIONS {
            let r = map.residual(&x);
            let residual = largest(&r);
            if residual <= TOLERANCE {
                return Ok(Steady { log_ratio: map.all(), residual, iterations: iteration });
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
            x.iter_mut().for_each(|y| *y = y.clamp(GONE, -GONE));
        }
        if let Some((x, iterations)) = newton_krylov::solve(nearest, TOLERANCE, &mut map) {
            let residual = largest(&map.residual(&x));
            return Ok(Steady { log_ratio: map.all(), residual, iterations: ITERATIONS + iterations });
        }
        Err(SimulateError::Unconverged {
            perturbation: name.to_owned(),
            tolerance: TOLERANCE,
            residual: least,
            iterations: ITERATIONS,
        })
    }

    /// Genes that can be reached from these, they included; ascending.
    fn downstream(&self, from: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut seen = vec![false; self.law.n_genes()];
        let mut waiting: Vec<u32> = from.filter(|&g| !std::mem::replace(&mut seen[g as usize], true)).collect();
        let mut reached = waiting.clone();
        while let Some(gene) = waiting.pop() {
            for &target in &self.targets[self.start[gene as usize]..self.start[gene as usize + 1]] {
                if !std::mem::replace(&mut seen[target as usize], true) {
                    waiting.push(target);
                    reached.push(target);
                }
            }
        }
        reached.sort_unstable();
        reached
    }

    pub(super) fn regulates(&self, gene: u32) -> bool {
        self.start[gene as usize] < self.start[gene as usize + 1]
    }
}

fn largest(r: &[f64]) -> f64 {
    r.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

/// The map whose fixed point is the steady state: y of the active genes (reached, and regulating others) to ln of their
/// production over decay, relative to the unperturbed level.
struct Map<'a> {
    law: &'a dyn Law,
    forced: &'a [(u32, Forcing)],
    reached: Vec<u32>,
    active: Vec<u32>,
    levels: Vec<f64>,
}

impl<'a> Map<'a> {
    fn new(solver: &Solver<'a>, reached: Vec<u32>, forced: &'a [(u32, Forcing)], start: Option<&[f64]>) -> Self {
        let active = reached.iter().copied().filter(|&g| solver.regulates(g)).collect();
        let base = solver.law.baseline();
        let levels = start.map_or_else(|| base.to_vec(), |y| base.iter().zip(y).map(|(b, y)| b * y.exp()).collect());
        Self { law: solver.law, forced, reached, active, levels }
    }

    fn load(&mut self, x: &[f64]) {
        for (&g, y) in self.active.iter().zip(x) {
            let base = self.law.baseline()[g as usize];
            self.levels[g as usize] = if *y == 0.0 { base } else { base * y.exp() };
        }
    }

    fn image(&self, gene: u32) -> f64 {
        let at = gene as usize;
        let mut made = [0.0];
        self.law.production(at, Levels::new(&self.levels, 1), &mut made);
        let made = (made[0] / (self.law.decay()[at] * self.law.baseline()[at])).ln().max(GONE);
        self.forced.iter().filter(|(g, _)| *g == gene).fold(made, |made, (_, forcing)| forcing.apply(made))
    }

    /// F(y) over all genes, given the active ones as last loaded.
    fn all(&self) -> Vec<f64> {
        let mut y = vec![0.0; self.law.n_genes()];
        self.reached.iter().for_each(|&g| y[g as usize] = self.image(g));
        y
    }

    fn held(&self, gene: u32) -> bool {
        self.forced.iter().any(|(g, forcing)| *g == gene && !matches!(forcing, Forcing::Shift(_)))
    }
}

impl FixedPoint for Map<'_> {
    fn residual(&mut self, x: &[f64]) -> Vec<f64> {
        self.load(x);
        self.active.iter().zip(x).map(|(&g, y)| self.image(g) - y).collect()
    }

    fn derivative(&mut self, x: &[f64]) -> Action {
        self.load(x);
        let mut position = vec![None; self.law.n_genes()];
        self.active.iter().enumerate().for_each(|(k, &g)| position[g as usize] = Some(k));
        let row = |&gene: &u32| {
            let regulators = self.law.regulators_of(gene as usize);
            let mut slopes = vec![0.0; if self.held(gene) { 0 } else { regulators.len() }];
            self.law.elasticities(gene as usize, &self.levels, &mut slopes);
            let known = |(j, slope): (&u32, f64)| Some((position[*j as usize]?, slope));
            regulators.iter().zip(slopes).filter_map(known).collect::<Vec<(usize, f64)>>()
        };
        let rows: Vec<Vec<(usize, f64)>> = self.active.iter().map(row).collect();
        Box::new(move |v| rows.iter().map(|row| row.iter().map(|&(j, slope)| slope * v[j]).sum()).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{DoseResponse, Efficiency, Elasticity, Thermo, TopologyOptions, Wiring, generate};
    use super::*;
    use crate::data::{GeneId, Intervention};

    fn law(table: &str, folds: &[f64]) -> Thermo {
        let wiring = Wiring::parse(&format!("header\n{table}"), "test").unwrap();
        let levels = vec![1.0; wiring.genes.len()];
        Thermo::new(&wiring, folds, 2.0, &levels).unwrap()
    }

    /// ln ratios after a change of ln production of gene 0, by sum of J^k: (I - J)^-1 applied to the change.
    fn linear(law: &Thermo, shift: f64) -> Vec<f64> {
        let elasticity = Elasticity::at(law, law.baseline());
        let mut forced = vec![0.0; law.n_genes()];
        forced[0] = shift;
        let (mut total, mut next) = (forced.clone(), forced.clone());
        for _ in 0..400 {
            elasticity.times(&total, &mut next);
            total.iter_mut().zip(next.iter().zip(&forced)).for_each(|(t, (n, f))| *t = n + f);
        }
        total
    }

    fn shifted(kinetics: &Thermo, shift: f64) -> Vec<f64> {
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
        let (kinetics, _) = Thermo::draw(&wiring, &super::super::ThermoOptions::default(), 3).unwrap();
        let gene = wiring.expect("POU5F1").unwrap();
        let efficiency = Efficiency::default();
        let dose =
            DoseResponse::solve(&Solver::new(&kinetics), &[gene], Intervention::Knockdown, &efficiency, "x").unwrap();
        let mut got = vec![0.0; kinetics.n_genes()];
        for e in [0.0, 0.1, 0.28, 0.4, 0.49, 0.56, 0.66, 0.8, 0.855, 0.9, 0.96, 0.99] {
            dose.at(e, &mut got);
            let forced = [(gene.0, efficiency.forcing(Intervention::Knockdown, e))];
            let exact = solve(&kinetics, &forced, None, "x").unwrap().log_ratio;
            let worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 0.02, "efficiency {e}: {worst}");
        }
    }

    fn small(seed: u64) -> (Wiring, Thermo) {
        let options =
            TopologyOptions { genes: 40, groups: 3, regulators: 0.5, activators: 0.6, ..TopologyOptions::default() };
        let wiring = generate(&options, seed).unwrap();
        let (kinetics, _) = Thermo::draw(&wiring, &super::super::ThermoOptions::default(), seed).unwrap();
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
            let rest = Solver::new(&kinetics).settle(kinetics.baseline(), "nothing").unwrap();
            prop_assert!(rest.iter().zip(kinetics.baseline()).all(|(x, base)| (x / base - 1.0).abs() <= 1e-12));
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
