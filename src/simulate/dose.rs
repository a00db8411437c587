//! The steady state as a function of how well an intervention works.

use super::steady::GONE;
use super::{Cell, Efficiency, Engine, Forcing, Ode, SimulateError, Solver};
use crate::data::{GeneId, Intervention};

/// Efficiencies at which steady states are solved.
const GRID: [f64; 15] = [0.0, 0.2, 0.35, 0.45, 0.53, 0.6, 0.7, 0.77, 0.83, 0.88, 0.92, 0.95, 0.97, 0.985, 0.995];
/// The same for each target of a pair.
const PAIR_GRID: [f64; 8] = [0.0, 0.35, 0.6, 0.77, 0.88, 0.95, 0.98, 0.995];

/// Steady states on a grid of efficiencies, one axis per target. Between them ln(level) is interpolated linearly in
/// ln(production), which is exact for a target that does not feed back on itself and within 0.02 for the other genes of the
/// embedded network. The two targets of a pair may be hit unequally well: bilinear on 8 x 8 states.
#[derive(Debug, Clone)]
pub struct DoseResponse {
    intervention: Intervention,
    efficiency: Efficiency,
    doses: Vec<f64>,
    pair: bool,
    /// By the efficiency on the first target, then on the second.
    states: Vec<Vec<f32>>,
    /// Largest residual over the grid.
    pub residual: f64,
}

impl DoseResponse {
    /// Solves the grid of one target or two, each state from the one before.
    ///
    /// # Errors
    /// [`SimulateError::Unconverged`] if any state is not found.
    pub fn solve(
        solver: &Solver<'_>,
        targets: &[GeneId],
        intervention: Intervention,
        efficiency: &Efficiency,
        name: &str,
    ) -> Result<Self, SimulateError> {
        Self::solve_in(solver, &[], targets, intervention, efficiency, name)
    }

    /// The same in a cell type whose interventions are `held`. Levels stay relative to the unperturbed state of the law.
    ///
    /// # Errors
    /// As [`DoseResponse::solve`].
    pub fn solve_in(
        solver: &Solver<'_>,
        held: &[(u32, Forcing)],
        targets: &[GeneId],
        intervention: Intervention,
        efficiency: &Efficiency,
        name: &str,
    ) -> Result<Self, SimulateError> {
        let mut response = Self::empty(targets, intervention, efficiency);
        let (pair, grid) = (response.pair, response.grid());
        let mut start: Option<Vec<f64>> = None;
        for &first in grid {
            let seconds = if pair { grid } else { &grid[..1] };
            let mut row_start = None;
            for &second in seconds {
                let forcing = |k: usize| efficiency.forcing(intervention, if k == 0 { first } else { second });
                let own = targets.iter().enumerate().map(|(k, g)| (g.0, forcing(k)));
                let forced: Vec<(u32, Forcing)> = held.iter().copied().chain(own).collect();
                let steady = solver.solve(&forced, start.as_deref(), name)?;
                response.residual = response.residual.max(steady.residual);
                response.states.push(steady.log_ratio.iter().map(|y| *y as f32).collect());
                row_start.get_or_insert_with(|| steady.log_ratio.clone());
                start = Some(steady.log_ratio);
            }
            start = row_start;
        }
        Ok(response)
    }

    /// The states this long after interventions that begin in a cell at `rest` (ln ratios), one response per hour, by the mean
    /// dynamics.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn after(
        ode: &Ode<'_>,
        held: &[(u32, Forcing)],
        targets: &[GeneId],
        intervention: Intervention,
        efficiency: &Efficiency,
        rest: &[f64],
        hours: &[f64],
    ) -> Result<Vec<Self>, SimulateError> {
        let mut empty = Self::empty(targets, intervention, efficiency);
        let grid = empty.grid();
        let seconds = if empty.pair { grid } else { &grid[..1] };
        let cases = grid.iter().flat_map(|&first| seconds.iter().map(move |&second| [first, second]));
        let cell = |hours: f64, hit: [f64; 2]| {
            let own = targets.iter().enumerate().map(|(k, g)| (g.0, efficiency.forcing(intervention, hit[k.min(1)])));
            Cell::steady(0, Some(rest.to_vec()), held.iter().copied().chain(own).collect(), hours)
        };
        let mut responses = Vec::with_capacity(hours.len());
        for &hour in hours {
            let cells: Vec<Cell> = cases.clone().map(|hit| cell(hour, hit)).collect();
            let states = ode.run(&cells)?;
            // Where nothing is left, what the grid holds stays finite.
            let narrow = |y: Vec<f64>| y.into_iter().map(|y| y.max(GONE) as f32).collect();
            empty.states = states.into_iter().map(narrow).collect();
            responses.push(empty.clone());
        }
        Ok(responses)
    }

    /// A response whose states are still to be found.
    fn empty(targets: &[GeneId], intervention: Intervention, efficiency: &Efficiency) -> Self {
        let (efficiency, pair) = (efficiency.clone(), targets.len() > 1);
        let mut response =
            Self { intervention, efficiency, doses: Vec::new(), pair, states: Vec::new(), residual: 0.0 };
        response.doses = response.grid().iter().map(|&e| response.dose(e)).collect();
        response
    }

    /// Efficiencies at which states are known.
    fn grid(&self) -> &'static [f64] {
        match (self.efficiency.all_or_nothing(self.intervention), self.pair) {
            (true, _) => &[0.0, 1.0],
            (false, true) => &PAIR_GRID,
            (false, false) => &GRID,
        }
    }

    /// ln(level / unperturbed level) per gene at this efficiency, on both targets of a pair.
    pub fn at(&self, efficiency: f64, out: &mut [f64]) {
        self.at_each([efficiency; 2], out);
    }

    /// ln(level / unperturbed level) per gene at these efficiencies on the first and second target.
    pub fn at_each(&self, efficiency: [f64; 2], out: &mut [f64]) {
        let (i, along) = self.place(efficiency[0]);
        if !self.pair {
            return mix(out, &self.states[i], &self.states[i + 1], along);
        }
        let n = self.doses.len();
        let (j, across) = self.place(efficiency[1]);
        let row = |i: usize, out: &mut [f64]| mix(out, &self.states[i * n + j], &self.states[i * n + j + 1], across);
        let mut upper = vec![0.0; out.len()];
        row(i, out);
        row(i + 1, &mut upper);
        out.iter_mut().zip(&upper).for_each(|(low, high)| *low += along * (high - *low));
    }

    /// The interval of the grid, and where in it.
    fn place(&self, efficiency: f64) -> (usize, f64) {
        let dose = self.dose(efficiency);
        let last = self.doses.len() - 1;
        let k = self.doses.iter().position(|&d| d >= dose).unwrap_or(last).max(1);
        (k - 1, ((dose - self.doses[k - 1]) / (self.doses[k] - self.doses[k - 1])).clamp(0.0, 1.0))
    }

    /// The size of the change of ln production; ascending in the efficiency. All or nothing: 1 or 0.
    fn dose(&self, efficiency: f64) -> f64 {
        match self.efficiency.forcing(self.intervention, efficiency) {
            Forcing::Shift(shift) => shift.abs(),
            Forcing::Clamp(_) | Forcing::Absent => 1.0,
        }
    }
}

fn mix(out: &mut [f64], low: &[f32], high: &[f32], share: f64) {
    let between = |a: f32, b: f32| f64::from(a) + share * (f64::from(b) - f64::from(a));
    out.iter_mut().zip(low.iter().zip(high)).for_each(|(y, (&a, &b))| *y = between(a, b));
}

#[cfg(test)]
mod tests {
    use super::super::{Thermo, Wiring, solve};
    use super::*;

    #[test]
    fn unequal_hits_of_a_pair_are_near_their_own_steady_state() {
        let wiring = Wiring::embedded().unwrap();
        let (law, _) = Thermo::draw(&wiring, &super::super::ThermoOptions::default(), 1).unwrap();
        let pair = ["SOX2", "SMAD2"].map(|g| wiring.expect(g).unwrap());
        let t = |intervention, tolerance: f64| {
            let efficiency = Efficiency::default();
            let response = DoseResponse::solve(&Solver::new(&law), &pair, intervention, &efficiency, "x").unwrap();
            let mut got = vec![0.0; wiring.genes.len()];
            for hits in [[0.0, 0.9], [0.5, 0.85], [0.93, 0.2], [0.8, 0.8], [0.99, 0.7]] {
                response.at_each(hits, &mut got);
                let forced = [0, 1].map(|k| (pair[k].0, efficiency.forcing(intervention, hits[k])));
                let exact = solve(&law, &forced, None, "x").unwrap().log_ratio;
                let worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < tolerance, "{intervention:?} {hits:?}: {worst}");
            }
        };
        t(Intervention::Knockdown, 0.05);
        t(Intervention::Activation, 0.05);
    }

    #[test]
    fn a_clamped_target_is_held_where_asked() {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\nB\tA\t-\t1\n", "test").unwrap();
        let law = Thermo::new(&wiring, &[4.0, 0.25], 2.0, &[1.0, 1.0]).unwrap();
        let efficiency = Efficiency { clamp: Some(3.0), ..Efficiency::default() };
        let solver = Solver::new(&law);
        let response = DoseResponse::solve(&solver, &[GeneId(0)], Intervention::Knockdown, &efficiency, "A").unwrap();
        let mut y = [0.0; 2];
        response.at(0.7, &mut y);
        // u = 9: (1 + 4 x 9) / ((1 + 9) x 2.5) for B.
        assert!((y[0] - 3.0f64.ln()).abs() < 1e-6 && (y[1] - (37.0f64 / 25.0).ln()).abs() < 1e-6);
        response.at(0.0, &mut y);
        assert_eq!(y, [0.0; 2]);
    }
}
