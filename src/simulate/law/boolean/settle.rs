//! Where the law goes from a Boolean state.

use super::Boolean;
use crate::simulate::law::{Law, Levels};
use crate::simulate::{SimulateError, Solver};
use crate::stats::Rng;

/// Step and longest time of a trajectory, in lifetimes 1 / decay.
const STEP: f64 = 0.05;
const LONGEST: f64 = 300.0;
/// Largest |ln (production / (decay x level))| at which the trajectory is handed over.
const NEAR: f64 = 1e-4;
/// Spread of the levels at the start, ln scale.
const APART: f64 = 1e-3;

impl Boolean {
    /// The steady state that the law comes to from a Boolean state, one value per gene: it follows its trajectory by
    /// exponential Euler steps (positive, and exact at rest) and is then solved to full precision.
    ///
    /// Genes start 0.1 % apart, by fixed draws, so that a state symmetric in two genes does not rest on the ridge between
    /// two attractors.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for a state of another length, [`SimulateError::Unconverged`] where the trajectory
    /// has not come to rest after 300 lifetimes: it may cycle.
    pub fn settle(&self, state: &[bool]) -> Result<Vec<f64>, SimulateError> {
        if state.len() != self.n_genes() {
            return Err(SimulateError::option("start", format!("{} values", self.n_genes()), state.len()));
        }
        let o = &self.options;
        let level = |(gene, &on): (usize, &bool)| {
            let apart = (APART * Rng::keyed(0, "apart", gene as u64, 0).normal()).exp();
            o.most * if on { apart } else { o.leak * apart }
        };
        let mut x: Vec<f64> = state.iter().enumerate().map(level).collect();
        let (kept, mut made) = ((-STEP).exp(), vec![0.0; x.len()]);
        let mut far = f64::INFINITY;
        for step in 1..=(LONGEST / STEP) as usize {
            made.iter_mut().enumerate().for_each(|(gene, to)| {
                self.production(gene, Levels::new(&x, 1), std::slice::from_mut(to));
                *to /= o.decay;
            });
            far = made.iter().zip(&x).fold(0.0, |far: f64, (to, x)| far.max((to / x).ln().abs()));
            x.iter_mut().zip(&made).for_each(|(x, to)| *x = *x * kept + to * (1.0 - kept));
            // Past the first lifetimes, so that a ridge is left before rest is looked for.
            if far <= NEAR && step as f64 * STEP > 5.0 {
                return Solver::new(self).settle(&x, "the Boolean state");
            }
        }
        Err(SimulateError::Unconverged {
            perturbation: "the Boolean state".to_owned(),
            tolerance: NEAR,
            residual: far,
            iterations: (LONGEST / STEP) as usize,
        })
    }
}
