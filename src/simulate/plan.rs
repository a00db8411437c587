//! Which cell gets what: conditions, states, guides, efficiencies and partners, decided before any cell is simulated.

use super::{CellState, Efficiency, SimulateError, SimulationOptions};
use crate::data::Perturbation;
use crate::stats::Rng;

/// Label of the control cells.
pub(super) const CONTROL: &str = "non-targeting";

/// A cell before it is simulated.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedCell {
    /// Number of the cell, which keys its random numbers.
    pub(super) number: u64,
    /// Perturbation and arm, `None` for controls.
    pub(super) condition: Option<(usize, usize)>,
    /// The cell state.
    pub(super) state: usize,
    guide: usize,
    /// Efficiency on each target.
    pub(super) efficiency: [f64; 2],
    /// The second cell of a doublet, by its number.
    pub(super) partner: Option<usize>,
}

/// Every cell of a screen, in order: the controls, then each perturbation dose by dose, and hour by hour.
#[derive(Debug)]
pub(super) struct Plan {
    /// The cells.
    pub(super) cells: Vec<PlannedCell>,
    /// Cells per perturbation, in each arm.
    pub(super) per_perturbation: Vec<usize>,
}

/// Labels of the cells, each of length n_cells; those that a screen does not use are empty.
#[derive(Debug, Clone, Default)]
pub struct CellColumns {
    /// Perturbation as the VCC writes it: `A`, `A+B` or `non-targeting`.
    pub target_gene: Vec<String>,
    /// Guide, or pair of guides.
    pub guide: Vec<String>,
    /// Batch.
    pub batch: Vec<String>,
    /// Cell type, where there are several.
    pub cell_type: Vec<String>,
    /// Where on the lineage: 0 at its root, 1 more per branch; where there is a lineage.
    pub pseudotime: Vec<f64>,
    /// Share of the target's production that is taken away in this cell (of a pair: of the first target); 0 for controls and
    /// escapers, 1 where a working perturbation does all or nothing.
    pub efficiency: Vec<f64>,
    /// The same for the second target of a pair, where the screen has pairs.
    pub second_efficiency: Vec<f64>,
    /// Mean efficiency asked for, 0 for controls; where the screen has several doses.
    pub dose: Vec<f64>,
    /// Hours after the perturbation, 0 for controls; where the screen is a time course.
    pub time: Vec<f64>,
    /// Whether the droplet holds a second cell.
    pub doublet: Vec<bool>,
}

/// Mean efficiencies of the guides of each target of a perturbation; those of a gene are the same in all its pairs.
pub(super) fn guides_of(perturbation: &Perturbation, efficiency: &Efficiency, seed: u64) -> [Vec<f64>; 2] {
    let of = |k: usize| perturbation.targets().get(k).map_or_else(Vec::new, |t| efficiency.guide_means(seed, t));
    [of(0), of(1)]
}

impl Plan {
    /// Draws the plan.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for numbers of cells out of range.
    pub(super) fn draw(
        o: &SimulationOptions,
        perturbations: &[Perturbation],
        states: &[CellState],
    ) -> Result<Self, SimulateError> {
        let labels: Vec<String> = perturbations.iter().map(ToString::to_string).collect();
        let per_perturbation = o.cells.draw(&labels, o.size.cells_per_perturbation, o.seed)?;
        let arms = arms(o);
        let mut cells = Vec::new();
        let mut add = |condition, guides: &[Vec<f64>; 2], efficiency: &Efficiency, n: usize| {
            for at in 0..n {
                let number = cells.len() as u64;
                cells.push(cell(o, number, at, condition, guides, efficiency, states.len()));
            }
        };
        let control = vec![0.0; o.efficiency.guides_most];
        add(None, &[control, Vec::new()], &o.efficiency, o.size.controls);
        for (p, perturbation) in perturbations.iter().enumerate() {
            for (k, arm) in arms.iter().enumerate() {
                let efficiency = o.efficiency.at_dose(arm.dose);
                add(Some((p, k)), &guides_of(perturbation, &efficiency, o.seed), &efficiency, per_perturbation[p]);
            }
        }
        let n = cells.len();
        cells.iter_mut().for_each(|cell| cell.partner = partner(o, cell.number, n));
        Ok(Self { cells, per_perturbation })
    }

    /// The labels of all cells.
    pub(super) fn columns(
        &self,
        o: &SimulationOptions,
        perturbations: &[Perturbation],
        states: &[CellState],
    ) -> CellColumns {
        let label = |c: &PlannedCell| c.condition.map_or(CONTROL.to_owned(), |(p, _)| perturbations[p].to_string());
        let arms = arms(o);
        let arm = |c: &PlannedCell| c.condition.map(|(_, k)| arms[k]);
        let dose = |c: &PlannedCell| arm(c).and_then(|arm| arm.dose).unwrap_or(0.0);
        let time = |c: &PlannedCell| arm(c).and_then(|arm| arm.hour).map_or(0.0, |h| o.engine.hours[h]);
        let types = states.iter().any(|s| !s.cell_type.name.is_empty());
        let along = types && (o.lineage.rooted || o.lineage.stages > 1);
        let pairs = perturbations.iter().any(|p| p.targets().len() > 1);
        CellColumns {
            target_gene: self.each(label),
            guide: self.each(|c| format!("{}_g{}", label(c), c.guide + 1)),
            batch: self.each(|c| format!("batch{}", o.observation.batch_of(c.number) + 1)),
            cell_type: self.where_used(types, |c| states[c.state].cell_type.name.clone()),
            pseudotime: self.where_used(along, |c| states[c.state].pseudotime),
            efficiency: self.each(|c| c.efficiency[0]),
            second_efficiency: self.where_used(pairs, |c| c.efficiency[1]),
            dose: self.where_used(!o.doses.is_empty(), dose),
            time: self.where_used(!o.engine.hours.is_empty(), time),
            doublet: self.each(|c| c.partner.is_some()),
        }
    }

    fn each<T>(&self, value: impl Fn(&PlannedCell) -> T) -> Vec<T> {
        self.cells.iter().map(value).collect()
    }

    fn where_used<T>(&self, used: bool, value: impl Fn(&PlannedCell) -> T) -> Vec<T> {
        if used { self.each(value) } else { Vec::new() }
    }
}

/// One of the conditions of every perturbation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arm {
    /// The mean efficiency, where several were asked for.
    pub(super) dose: Option<f64>,
    /// Which of the hours, in a time course.
    pub(super) hour: Option<usize>,
}

/// Every dose at every hour.
pub(super) fn arms(o: &SimulationOptions) -> Vec<Arm> {
    let doses: Vec<Option<f64>> =
        if o.doses.is_empty() { vec![None] } else { o.doses.iter().copied().map(Some).collect() };
    let n = o.engine.hours.len();
    let hours: Vec<Option<usize>> = if n == 0 { vec![None] } else { (0..n).map(Some).collect() };
    doses.iter().flat_map(|&dose| hours.iter().map(move |&hour| Arm { dose, hour })).collect()
}

fn cell(
    o: &SimulationOptions,
    number: u64,
    at: usize,
    condition: Option<(usize, usize)>,
    guides: &[Vec<f64>; 2],
    efficiency: &Efficiency,
    states: usize,
) -> PlannedCell {
    // Batches alternate from cell to cell, guides after each round of batches: neither hides the other.
    let guide = at / o.observation.batches % guides[0].len().max(guides[1].len());
    let hit = |target: usize| match guides[target].len() {
        0 => 0.0,
        _ if condition.is_none() => 0.0,
        n => {
            let e = efficiency.on_target(o.seed, number, target as u64, guides[target][guide % n]);
            if efficiency.all_or_nothing(o.intervention) { f64::from(u8::from(e > 0.0)) } else { e }
        }
    };
    let state = if states > 1 { Rng::keyed(o.seed, "cell type", number, 0).below(states) } else { 0 };
    PlannedCell { number, condition, state, guide, efficiency: [hit(0), hit(1)], partner: None }
}

/// The second cell of a doublet: any other cell of the screen.
fn partner(o: &SimulationOptions, number: u64, cells: usize) -> Option<usize> {
    let mut rng = Rng::keyed(o.seed, "doublet", number, 0);
    if cells < 2 || rng.uniform() >= o.observation.doublets {
        return None;
    }
    let other = rng.below(cells - 1);
    Some(if other >= number as usize { other + 1 } else { other })
}
