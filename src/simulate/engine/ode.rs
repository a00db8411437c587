//! The mean dynamics, without noise.

use rayon::prelude::*;

use super::block::{Segment, segments};
use super::normals::LANES;
use super::{Cell, Dynamics, Engine, Phase};
use crate::simulate::{Forcing, Levels, SimulateError};

/// Step in units of the fastest decay: the method of Runge and Kutta is accurate to about 1e-8 there, and stable for
/// feedback up to fifty times as fast as decay.
const STEP: f64 = 0.05;

/// `dx/dt = P(x) - d x`, with the protein layer if there is one, by the method of Runge and Kutta of fourth order. Bursts
/// leave the mean production as it is, so they do not appear.
#[derive(Debug, Clone)]
pub struct Ode<'a> {
    dynamics: Dynamics<'a>,
    step: f64,
}

impl<'a> Ode<'a> {
    /// The step follows from the fastest decay.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn new(dynamics: Dynamics<'a>) -> Result<Self, SimulateError> {
        dynamics.check()?;
        Ok(Self { step: STEP / dynamics.fastest(), dynamics })
    }

    /// ln(mRNA level / baseline), hours x genes, when `forced` begins at time 0 in a cell at `start` (the baseline if none).
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for hours that do not ascend from 0.
    ///
    /// # Complexity
    /// O(last hour x fastest decay x 80 x (genes + edges)).
    pub fn trajectory(
        &self,
        forced: &[(u32, Forcing)],
        start: Option<&[f64]>,
        hours: &[f64],
    ) -> Result<Vec<Vec<f64>>, SimulateError> {
        let mut cell = Cell::steady(0, start.map(<[f64]>::to_vec), forced.to_vec(), 0.0);
        self.dynamics.check_cells(std::slice::from_ref(&cell))?;
        let mut flow = Flow::start(&self.dynamics, std::slice::from_ref(&cell));
        let (mut now, mut states) = (0.0, Vec::with_capacity(hours.len()));
        for &hour in hours {
            if !(hour.is_finite() && hour >= now) {
                return Err(SimulateError::option("hours", "finite numbers that ascend from 0", hour));
            }
            cell.phases = vec![Phase { hours: hour - now, forced: forced.to_vec() }];
            segments(std::slice::from_ref(&cell), self.step).iter().for_each(|segment| flow.follow(segment));
            states.push(flow.log_ratio(0));
            now = hour;
        }
        Ok(states)
    }

    fn block(&self, cells: &[Cell]) -> Vec<Vec<f64>> {
        let mut flow = Flow::start(&self.dynamics, cells);
        segments(cells, self.step).iter().for_each(|segment| flow.follow(segment));
        (0..cells.len()).map(|lane| flow.log_ratio(lane)).collect()
    }
}

impl Engine for Ode<'_> {
    fn name(&self) -> &'static str {
        "time"
    }

    fn run(&self, cells: &[Cell]) -> Result<Vec<Vec<f64>>, SimulateError> {
        self.dynamics.check_cells(cells)?;
        let blocks: Vec<Vec<Vec<f64>>> = cells.par_chunks(LANES).map(|block| self.block(block)).collect();
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// Cells side by side; levels of mRNA, then those of protein, by gene and lane.
struct Flow<'a> {
    dynamics: &'a Dynamics<'a>,
    lanes: usize,
    levels: Vec<f64>,
}

impl<'a> Flow<'a> {
    fn start(dynamics: &'a Dynamics<'a>, cells: &[Cell]) -> Self {
        let level = |gene| cells.iter().map(move |cell| dynamics.start(cell, gene));
        let mut levels: Vec<f64> = (0..dynamics.law.n_genes()).flat_map(level).collect();
        if dynamics.protein.is_some() {
            levels.extend_from_within(..);
        }
        Self { dynamics, lanes: cells.len(), levels }
    }

    fn follow(&mut self, segment: &Segment) {
        let baseline = self.dynamics.law.baseline();
        for forced in &segment.forced {
            let lanes = forced.gene * self.lanes..(forced.gene + 1) * self.lanes;
            forced.hold(baseline[forced.gene], &mut self.levels[lanes]);
        }
        for _ in 0..segment.steps {
            self.step(segment);
        }
    }

    fn step(&mut self, segment: &Segment) {
        let mut slope = vec![0.0; self.levels.len()];
        let (mut at, mut sum) = (self.levels.clone(), self.levels.clone());
        for (weight, ahead) in [(1.0 / 6.0, 0.5), (1.0 / 3.0, 0.5), (1.0 / 3.0, 1.0), (1.0 / 6.0, 0.0)] {
            self.slope(segment, &at, &mut slope);
            let of_lane = segment.dt[..self.lanes].iter().cycle();
            for (((sum, at), (x, slope)), dt) in
                sum.iter_mut().zip(&mut at).zip(self.levels.iter().zip(&slope)).zip(of_lane)
            {
                *sum += weight * dt * slope;
                *at = x + ahead * dt * slope;
            }
        }
        self.levels = sum;
    }

    /// Change per hour of all levels at these levels.
    fn slope(&self, segment: &Segment, at: &[f64], slope: &mut [f64]) {
        let (law, n) = (self.dynamics.law, self.dynamics.law.n_genes() * self.lanes);
        let acting = Levels::new(if at.len() > n { &at[n..] } else { at }, self.lanes);
        let mut forced = segment.forced.iter().peekable();
        for gene in 0..law.n_genes() {
            let range = gene * self.lanes..(gene + 1) * self.lanes;
            let (slope, x) = (&mut slope[range.clone()], &at[range]);
            law.production(gene, acting, slope);
            let forced = forced.next_if(|f| f.gene == gene);
            if let Some(forced) = forced {
                forced.scale(slope);
            }
            slope.iter_mut().zip(x).for_each(|(slope, x)| *slope -= law.decay()[gene] * x);
            if let Some(forced) = forced {
                slope
                    .iter_mut()
                    .zip(&forced.held)
                    .filter(|(_, held)| !held.is_nan())
                    .for_each(|(slope, _)| *slope = 0.0);
            }
        }
        if let Some(protein) = &self.dynamics.protein {
            let (messenger, made) = at.split_at(n);
            for (k, slope) in slope[n..].iter_mut().enumerate() {
                *slope = protein.decay[k / self.lanes] * (messenger[k] - made[k]);
            }
        }
    }

    fn log_ratio(&self, lane: usize) -> Vec<f64> {
        let baseline = self.dynamics.law.baseline().iter().enumerate();
        baseline.map(|(gene, base)| (self.levels[gene * self.lanes + lane] / base).ln()).collect()
    }
}
