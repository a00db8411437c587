//! A screen as a stream: steady states and truth first, then cells block by block.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::plan::{Arm, CellColumns, Plan, PlannedCell, arms, guides_of};
use super::truth::{self, MeanLog1p, Population};
use super::{
    Cell, CellState, DoseResponse, Elasticity, Engine, Observer, Phase, Response, SimulateError, Simulator, Solver,
    Truth, growth_rate, leading_eigenvalue,
};
use crate::data::{Condition, Csr, Perturbation};

/// Cells drawn at a time: results do not depend on it.
const BLOCK: usize = 256;

/// Consecutive cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Counts, cells x genes.
    pub counts: Csr<f32>,
    /// The same cells without noise of the measurement, where asked for ([`Observer::noise_free`]).
    pub noise_free: Option<Csr<f32>>,
}

/// A screen whose steady states are solved and whose cells are planned.
///
/// Memory: 4 bytes per cell state, perturbation, grid point (15, or 64 for pairs) and gene, about 100 bytes per cell, and one
/// block of counts.
#[derive(Debug)]
pub struct Prepared<'a> {
    simulator: &'a Simulator,
    perturbations: Vec<Perturbation>,
    states: Vec<CellState>,
    /// By state, then perturbation, then hour.
    responses: Vec<DoseResponse>,
    /// What gives each cell its own trajectory, where the states of the mean dynamics are not what is observed.
    engine: Option<Box<dyn Engine + 'a>>,
    /// ln ratios of the control cells of each state.
    unperturbed: Vec<Vec<f64>>,
    plan: Plan,
    observer: Observer<'a>,
    truth: Truth,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(simulator: &'a Simulator, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Self, SimulateError> {
        let (law, o) = (simulator.law(), simulator.options());
        let (perturbations, states) = (simulator.perturbations()?, simulator.states());
        let solver = Solver::new(law);
        let rest = |state: &CellState| match &state.cell_type.forced {
            none if none.is_empty() => Ok(vec![0.0; law.n_genes()]),
            forced => solver.solve(forced, None, &state.cell_type.name).map(|steady| steady.log_ratio),
        };
        let unperturbed = states.par_iter().map(rest).collect::<Result<Vec<_>, _>>()?;
        let held: Vec<Perturbation> = o.held_out.iter().map(|gene| Perturbation::of([gene])).collect();
        let (done, of) = (AtomicU64::new(0), (states.len() * (perturbations.len() + held.len())) as u64);
        let all = |perturbations: &[Perturbation]| -> Result<Vec<DoseResponse>, SimulateError> {
            let n = perturbations.len();
            let respond = |k: usize| {
                let solved = simulator.responses(&solver, &states[k / n], &unperturbed[k / n], &perturbations[k % n]);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, of);
                solved
            };
            let found: Result<Vec<_>, _> = (0..states.len() * n).into_par_iter().map(respond).collect();
            Ok(found?.into_iter().flatten().collect())
        };
        let responses = all(&perturbations)?;
        let held_responses = all(&held)?;
        let plan = Plan::draw(o, &perturbations, &states)?;
        let mut seen = simulator.mean_log1p();
        let mut observer = Observer::new(&o.observation, law, o.seed);
        if seen.is_contaminated() {
            let pool = pool(simulator, &plan, &perturbations, &responses, &unperturbed);
            observer = observer.with_pool(&pool);
            seen = seen.with_pool(pool);
        }
        let truth = Truth {
            genes: Arc::clone(law.genes()),
            edges: truth::edges(law),
            edge_parameters: law.edge_parameters(),
            levels: law.baseline().to_vec(),
            decay: law.decay().to_vec(),
            shares: super::observe::shares_without_batch(&o.observation, law, o.seed),
            responses: changes(simulator, &states, &perturbations, &responses, &seen),
            held_out: changes(simulator, &states, &held, &held_responses, &seen),
            growth: growth_rate(&Elasticity::at(law, law.baseline())),
            leading_eigenvalue: leading_eigenvalue(&Elasticity::at(law, law.baseline()), law.decay()),
            residual: responses.iter().chain(&held_responses).map(|d| d.residual).fold(0.0, f64::max),
        };
        let engine = o.engine.engine(law, o.seed)?;
        Ok(Self { simulator, perturbations, states, responses, engine, unperturbed, plan, observer, truth })
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.plan.cells.len()
    }

    /// Labels of all cells.
    pub fn columns(&self) -> CellColumns {
        self.plan.columns(self.simulator.options(), &self.perturbations, &self.states)
    }

    /// What is true.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What is true, the rest dropped.
    pub fn into_truth(self) -> Truth {
        self.truth
    }

    /// The condition of each cell.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> + '_ {
        self.plan.cells.iter().map(|cell| {
            let perturbation =
                cell.condition.map_or_else(Perturbation::control, |(p, _)| self.perturbations[p].clone());
            let name = &self.states[cell.state].cell_type.name;
            let cell_type = (!name.is_empty()).then(|| Arc::from(name.as_str()));
            Condition { cell_type, ..Condition::of(perturbation) }
        })
    }

    /// All cells in order, each block drawn on all threads when it is asked for. The same bits for any number of threads.
    /// A block ends the stream with an error where an engine refuses its settings.
    pub fn blocks(&self, noise_free: bool) -> impl Iterator<Item = Result<Block, SimulateError>> + '_ {
        let n = self.n_cells();
        (0..n).step_by(BLOCK).map(move |start| self.block(start..(start + BLOCK).min(n), noise_free))
    }

    fn block(&self, cells: Range<usize>, noise_free: bool) -> Result<Block, SimulateError> {
        let own = self.trajectories(&cells)?;
        let rows: Vec<(Row, Option<Row>)> =
            self.plan.cells[cells].par_iter().map(|cell| self.observe(cell, &own, noise_free)).collect();
        let n_genes = self.simulator.law().n_genes();
        let (mut counts, mut free) = (Csr::empty(n_genes), Csr::empty(n_genes));
        for (row, noise_free) in rows {
            counts.push_row(row);
            noise_free.into_iter().for_each(|row| free.push_row(row));
        }
        Ok(Block { counts, noise_free: noise_free.then_some(free) })
    }

    fn observe(&self, cell: &PlannedCell, own: &Trajectories, noise_free: bool) -> (Row, Option<Row>) {
        let mut levels = self.levels(cell, own);
        let free = noise_free.then(|| self.observer.noise_free(&levels));
        let cells = match cell.partner {
            None => 1,
            Some(other) => {
                let second = self.levels(&self.plan.cells[other], own);
                levels.iter_mut().zip(&second).for_each(|(a, b)| *a += b);
                2
            }
        };
        (self.observer.count(&levels, cell.number, cells), free)
    }

    /// The level of every gene in a cell relative to the unperturbed state, extrinsic noise included.
    fn levels(&self, cell: &PlannedCell, own: &Trajectories) -> Vec<f64> {
        match own.get(&cell.number) {
            Some(y) => self.observer.levels(y, cell.number),
            None => self.observer.levels(&self.mean_state(cell), cell.number),
        }
    }

    /// ln(level / unperturbed level) per gene that the mean dynamics bring this cell to.
    fn mean_state(&self, cell: &PlannedCell) -> Vec<f64> {
        let Some((p, arm)) = cell.condition else { return self.unperturbed[cell.state].clone() };
        let hours = self.simulator.options().engine.hours.len().max(1);
        let mut y = vec![0.0; self.simulator.law().n_genes()];
        let at = (cell.state * self.perturbations.len() + p) * hours + arm % hours;
        self.responses[at].at_each(cell.efficiency, &mut y);
        y
    }

    /// The end of the trajectory of every cell of a block and of the second cells of its doublets, by number; none where the
    /// mean dynamics are observed.
    fn trajectories(&self, cells: &Range<usize>) -> Result<Trajectories, SimulateError> {
        let Some(engine) = &self.engine else { return Ok(Trajectories::new()) };
        let block = &self.plan.cells[cells.clone()];
        let partners = block.iter().filter_map(|cell| cell.partner).filter(|other| !cells.contains(other));
        let mut numbers: Vec<usize> = cells.clone().chain(partners).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let run: Vec<Cell> = numbers.iter().map(|&n| self.course(&self.plan.cells[n])).collect();
        let ends = engine.run(&run)?;
        Ok(numbers.iter().map(|&n| self.plan.cells[n].number).zip(ends).collect())
    }

    /// What happens to a cell: it lives under its perturbation, or, in a time course, unperturbed until so many hours before it is
    /// taken.
    fn course(&self, cell: &PlannedCell) -> Cell {
        let o = self.simulator.options();
        let burn_in = o.engine.burn_in.unwrap_or_else(|| o.engine.dynamics(self.simulator.law(), o.seed).burn_in());
        let held = &self.states[cell.state].cell_type.forced;
        let forced = |(p, _): (usize, usize)| {
            let targets = self.perturbations[p].targets().iter().filter_map(|t| self.simulator.expect(t).ok());
            let own = targets
                .enumerate()
                .map(|(k, g)| (g.0, o.efficiency.forcing(o.intervention, cell.efficiency[k.min(1)])));
            held.iter().copied().chain(own).collect()
        };
        let hour = cell.condition.and_then(|(_, arm)| o.engine.hours.get(arm % o.engine.hours.len().max(1)));
        match (cell.condition, hour) {
            (None, _) => Cell::steady(cell.number, Some(self.mean_state(cell)), held.clone(), burn_in),
            (Some(c), None) => Cell::steady(cell.number, Some(self.mean_state(cell)), forced(c), burn_in),
            (Some(c), Some(&hours)) => Cell {
                number: cell.number,
                start: Some(self.unperturbed[cell.state].clone()),
                phases: vec![Phase { hours: burn_in, forced: held.clone() }, Phase { hours, forced: forced(c) }],
            },
        }
    }
}

/// ln(level / unperturbed level) per gene at the end of a cell's trajectory, by the number of the cell.
type Trajectories = HashMap<u64, Vec<f64>>;

/// Genes and values of a cell.
type Row = Vec<(u32, f32)>;

impl Simulator {
    /// Efficiencies among infinitely many cells of a perturbation at a dose.
    fn population(&self, perturbation: &Perturbation, dose: Option<f64>) -> Population {
        let o = self.options();
        let efficiency = o.efficiency.at_dose(dose);
        let [first, second] = guides_of(perturbation, &efficiency, o.seed);
        if second.is_empty() {
            return efficiency.population(&first).into_iter().map(|(e, share)| ([e; 2], share)).collect();
        }
        efficiency.pair_population([&first, &second])
    }

    /// The change averaged over the efficiencies of infinitely many cells.
    pub(super) fn response_of(
        &self,
        perturbation: &Perturbation,
        state: &CellState,
        arm: Arm,
        response: &DoseResponse,
        seen: &MeanLog1p,
    ) -> Response {
        let n = self.law().n_genes();
        let population = self.population(perturbation, arm.dose);
        let none: Population = vec![([0.0; 2], 1.0)];
        let levels = |of: &Population| truth::mean_levels(response, of, n);
        let log1p = |of: &Population| truth::mean_log1p(response, of, n, seen);
        let name = &state.cell_type.name;
        Response {
            perturbation: perturbation.clone(),
            cell_type: (!name.is_empty()).then(|| name.clone()),
            pseudotime: state.pseudotime,
            dose: arm.dose,
            hours: arm.hour.map(|h| self.options().engine.hours[h]),
            delta: log1p(&population).iter().zip(log1p(&none)).map(|(x, base)| (x - base) as f32).collect(),
            log2_fold_change: levels(&population)
                .iter()
                .zip(levels(&none))
                .map(|(x, b)| (x / b).log2() as f32)
                .collect(),
        }
    }
}

/// The change per state, perturbation and arm.
fn changes(
    simulator: &Simulator,
    states: &[CellState],
    perturbations: &[Perturbation],
    responses: &[DoseResponse],
    seen: &MeanLog1p,
) -> Vec<Response> {
    let (n, hours) = (perturbations.len(), simulator.options().engine.hours.len().max(1));
    let cases = cases(simulator, responses.len() / hours);
    let change = |&(k, arm): &(usize, Arm)| {
        let response = &responses[k * hours + arm.hour.unwrap_or(0)];
        simulator.response_of(&perturbations[k % n], &states[k / n], arm, response, seen)
    };
    cases.par_iter().map(change).collect()
}

/// Every pair of state and perturbation, numbered, in every arm.
fn cases(simulator: &Simulator, n: usize) -> Vec<(usize, Arm)> {
    let arms = arms(simulator.options());
    (0..n).flat_map(|k| arms.iter().map(move |arm| (k, *arm))).collect()
}

/// The level of each gene averaged over all cells of the screen, relative to the unperturbed state.
fn pool(
    simulator: &Simulator,
    plan: &Plan,
    perturbations: &[Perturbation],
    responses: &[DoseResponse],
    unperturbed: &[Vec<f64>],
) -> Vec<f64> {
    let (o, n_genes) = (simulator.options(), simulator.law().n_genes());
    let hours = o.engine.hours.len().max(1);
    let weight = |cells: usize| cells as f64 / (plan.cells.len() * unperturbed.len()) as f64;
    let mut sum = vec![0.0; n_genes];
    for y in unperturbed {
        sum.iter_mut().zip(y).for_each(|(sum, y)| *sum += weight(o.size.controls) * y.exp());
    }
    // A few at a time, added in order: the sum does not depend on the threads.
    for some in cases(simulator, responses.len() / hours).chunks(64) {
        let of = |&(k, arm): &(usize, Arm)| {
            let population = simulator.population(&perturbations[k % perturbations.len()], arm.dose);
            truth::mean_levels(&responses[k * hours + arm.hour.unwrap_or(0)], &population, n_genes)
        };
        let means: Vec<Vec<f64>> = some.par_iter().map(of).collect();
        for ((k, _), mean) in some.iter().zip(means) {
            let weight = weight(plan.per_perturbation[k % perturbations.len()]);
            sum.iter_mut().zip(mean).for_each(|(sum, x)| *sum += weight * x);
        }
    }
    sum
}
