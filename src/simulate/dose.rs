//! The steady state as a function of how well an intervention works.

use super::{Efficiency, Forcing, SimulateError, Solver};
use crate::data::{GeneId, Intervention};

/// Efficiencies at which steady states are solved.
const GRID: [f64; 15] = [0.0, 0.2, 0.35, 0.45, 0.53, 0.6, 0.7, 0.77, 0.83, 0.88, 0.92, 0.95, 0.97, 0.985, 0.995];

/// Steady states on a grid of efficiencies. Between them ln(level) is interpolated linearly in ln(production), which is
/// exact for a target that does not feed back on itself and within 0.02 for the other genes of the embedded network.
/// The targets of a pair are hit equally well in a cell.
#[derive(Debug, Clone)]
pub struct DoseResponse {
    intervention: Intervention,
    efficiency: Efficiency,
    doses: Vec<f64>,
    states: Vec<Vec<f64>>,
    /// Largest residual over the grid.
    pub residual: f64,
}

impl DoseResponse {
    /// Solves the grid, each state from the one before.
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
        let grid: &[f64] = if intervention == Intervention::Knockout { &[0.0, 1.0] } else { &GRID };
        let mut response =
            Self { intervention, efficiency: efficiency.clone(), doses: Vec::new(), states: Vec::new(), residual: 0.0 };
        for &e in grid {
            let forcing = efficiency.forcing(intervention, e);
            let forced: Vec<(u32, Forcing)> = targets.iter().map(|g| (g.0, forcing)).collect();
            let start = response.states.last().map(Vec::as_slice);
            let steady = solver.solve(&forced, start, name)?;
            response.residual = response.residual.max(steady.residual);
            response.doses.push(response.dose(e));
            response.states.push(steady.log_ratio);
        }
        Ok(response)
    }

    /// ln(level / unperturbed level) per gene at this efficiency.
    pub fn at(&self, efficiency: f64, out: &mut [f64]) {
        let dose = self.dose(efficiency);
        let last = self.doses.len() - 1;
        let k = self.doses.iter().position(|&d| d >= dose).unwrap_or(last).max(1);
        let share = ((dose - self.doses[k - 1]) / (self.doses[k] - self.doses[k - 1])).clamp(0.0, 1.0);
        let (low, high) = (&self.states[k - 1], &self.states[k]);
        out.iter_mut().zip(low.iter().zip(high)).for_each(|(y, (a, b))| *y = a + share * (b - a));
    }

    /// The size of the change of ln production; ascending in the efficiency.
    fn dose(&self, efficiency: f64) -> f64 {
        match self.efficiency.forcing(self.intervention, efficiency) {
            Forcing::Shift(shift) => shift.abs(),
            Forcing::Clamp(level) => level.abs(),
            Forcing::Absent => 1.0,
        }
    }
}
