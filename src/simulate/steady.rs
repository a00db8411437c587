//! Steady states under interventions.

use super::anderson::Anderson;
use super::{Kinetics, SimulateError};

/// Largest residual |F(y) - y| over genes at which a state counts as steady; y is ln(level / unperturbed level).
pub(super) const TOLERANCE: f64 = 1e-10;
const ITERATIONS: usize = 4000;

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
/// halved whenever progress stops. All other genes follow from them.
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
    for iteration in 1..=ITERATIONS {
        let r = map.residual(&x);
        let residual = r.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if residual <= TOLERANCE {
            return Ok(Steady { log_ratio: map.all(&x), residual, iterations: iteration });
        }
        if residual < 0.9 * best {
            (best, since) = (residual, 0);
        } else {
            since += 1;
        }
        if since >= 30 {
            anderson.reset();
            (damping, since, best) = (damping / 2.0, 0, residual);
        }
        x = anderson.next(&x, &r, damping);
        x.iter_mut().for_each(|y| *y = y.clamp(GONE, -GONE));
    }
    let residual = map.residual(&x).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    Err(SimulateError::Unconverged {
        perturbation: name.to_owned(),
        tolerance: TOLERANCE,
        residual,
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
