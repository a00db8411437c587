//! A screen whose perturbations change as many genes as asked for.

use super::calibrate::{calibrate, count_degs};
use super::{CellCounts, DegGoal, Law, Selection, SimulateError, Simulator, Solver, Thermo, ThermoOptions, Trial};
use crate::data::Perturbation;
use crate::error::Notice;

/// Candidates per perturbation wanted.
const CANDIDATES: usize = 4;

/// The law that these options draw, and what is to be said of it.
type Draw<'a> = dyn Fn(&ThermoOptions) -> Result<(Thermo, Vec<Notice>), SimulateError> + 'a;

impl Simulator {
    /// The same screen under the law whose edges are as strong as the goal asks for, its targets chosen by the goal's range.
    pub(super) fn tuned(mut self, goal: &DegGoal, draw: &Draw<'_>) -> Result<Self, SimulateError> {
        let wanted = self.options.size.perturbations.saturating_sub(self.options.pairs);
        let candidates = self.singles(wanted * CANDIDATES)?;
        let trials = self.trials(&candidates)?;
        let selection = Selection { perturbations: wanted, range: goal.range, keep: goal.keep };
        let law_at = |fold: f64| {
            let (law, weakened) = draw(&ThermoOptions { fold, ..self.options.kinetics.clone() })?;
            let growth = law.growth;
            Ok((Box::new(law) as Box<dyn Law>, growth, !weakened.is_empty()))
        };
        let (seen, controls) = (self.mean_log1p(), self.options.size.controls);
        let count = |law: &dyn Law| count_degs(&Solver::new(law), &trials, controls, &seen);
        let found = calibrate(goal.median, selection, &law_at, &count)?;
        self.options.kinetics.fold = found.fold;
        self.options.targets = found.chosen.iter().map(|&k| candidates[k].to_string()).collect();
        let (law, notices) = draw(&self.options.kinetics)?;
        self.law = Box::new(law);
        self.notices.extend(notices);
        let [least, _, median, _, most] = found.quantiles;
        self.notices.push(Notice::new(format!(
            "edge strength: a median fold of {:.2} gives {median:.0} differentially expressed genes per perturbation (median; \
             asked: {}), from {least:.0} to {most:.0}; the Virtual Cell Challenge has {} to {}",
            found.fold, goal.median, found.vcc[0], found.vcc[1]
        )));
        self.calibration = Some(found);
        Ok(self)
    }

    /// The candidates at their mean efficiency, with as many cells as each has in the screen, up to a factor that is the same for
    /// all and near 1.
    fn trials(&self, candidates: &[Perturbation]) -> Result<Vec<Trial>, SimulateError> {
        let o = &self.options;
        let efficiency = o.doses.iter().copied().fold(None, |most: Option<f64>, d| Some(most.map_or(d, |m| m.max(d))));
        let forcing = o.efficiency.forcing(o.intervention, efficiency.unwrap_or(o.efficiency.mean));
        let labels: Vec<String> = candidates.iter().map(ToString::to_string).collect();
        let more = |n: usize| n * candidates.len() / o.size.perturbations.max(1);
        let counts = CellCounts { total: o.cells.total.map(more), ..o.cells };
        let cells = counts.draw(&labels, o.size.cells_per_perturbation, o.seed)?;
        let trial = |((p, name), cells): ((&Perturbation, &String), usize)| {
            let targets = p.targets().iter().map(|t| self.expect(t)).collect::<Result<_, _>>()?;
            Ok(Trial { name: name.clone(), targets, forcing, cells })
        };
        candidates.iter().zip(&labels).zip(cells).map(trial).collect()
    }
}
