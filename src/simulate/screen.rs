//! A whole screen: network, steady states, cells and truth.

use std::sync::Arc;

use super::observe::shares_without_batch;
use super::plan::{CONTROL, arms};
use super::stream::Prepared;
use super::truth::MeanLog1p;
use super::{
    Calibration, CellColumns, CellState, CellType, DoseResponse, Law, PRESETS, Response, SimulateError,
    SimulationOptions, Solver, Thermo, ThermoOptions, Truth, Wiring, extend,
};
use crate::data::{CellTable, Csr, Expression, GeneId, Perturbation, Scale, Screen};
use crate::error::{Notice, some_of};
use crate::graph::GeneGraph;
use crate::stats::Rng;

/// A simulated screen.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// Counts and conditions of the cells: the controls first, then each perturbation.
    pub screen: Screen,
    /// What else is known of each cell.
    pub columns: CellColumns,
    /// What is true.
    pub truth: Truth,
    /// The network before generated genes were added: what a literature-derived prior would hold.
    pub network: GeneGraph,
    /// What the user should know.
    pub notices: Vec<Notice>,
}

/// The embedded screen: the network of human embryonic stem cells extended to 2,000 genes, 40 knockdowns of 100 cells each and
/// 1,000 control cells. KDM1A is not among the knockdowns; [`demo_truth_for`] tells what its knockdown would do.
///
/// # Errors
/// Those of [`simulate`]; the tests rule them out for a range of seeds.
pub fn demo(seed: u64) -> Result<Simulated, SimulateError> {
    simulate(&Wiring::embedded()?, &PRESETS[0].options(seed))
}

/// The true change that a knockdown causes in the cells of [`demo`], whether or not it is in the screen.
///
/// # Errors
/// [`SimulateError::UnknownGene`] and those of [`simulate`].
pub fn demo_truth_for(seed: u64, gene: &str) -> Result<Response, SimulateError> {
    let simulator = Simulator::new(&Wiring::embedded()?, &PRESETS[0].options(seed))?;
    simulator.response(&Perturbation::of([gene]))
}

/// Simulates a screen on a network.
///
/// # Errors
/// [`SimulateError::BadOption`], [`SimulateError::UnknownGene`] for targets the network lacks, and
/// [`SimulateError::Unconverged`] where a steady state is not found.
///
/// # Complexity
/// O(perturbations x links) for the steady states and O(cells x genes) for the counts; memory O(stored counts).
pub fn simulate(wiring: &Wiring, options: &SimulationOptions) -> Result<Simulated, SimulateError> {
    Simulator::new(wiring, options)?.run(&mut |_, _| ())
}

/// A network with its law, ready to be perturbed.
#[derive(Debug)]
pub struct Simulator {
    given: GeneGraph,
    pub(super) law: Box<dyn Law>,
    pub(super) options: SimulationOptions,
    pub(super) calibration: Option<Calibration>,
    cell_types: Vec<CellType>,
    pub(super) notices: Vec<Notice>,
}

impl Simulator {
    /// Extends the network and draws the law.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn new(wiring: &Wiring, options: &SimulationOptions) -> Result<Self, SimulateError> {
        Self::with_levels(wiring, options, &|_| None)
    }

    /// The same with the mean expression of genes by name, in any unit; genes without one, or with one that is not above 0, get a
    /// drawn level. Drawn and given levels are put on one scale: genes that have both sum to the same.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn with_levels(
        wiring: &Wiring,
        options: &SimulationOptions,
        level_of: &dyn Fn(&str) -> Option<f64>,
    ) -> Result<Self, SimulateError> {
        let extended = extend(wiring, options.size.genes, &options.extend, options.seed)?;
        let (law, mut notices) = Thermo::draw(&extended, &options.kinetics, options.seed)?;
        let levels = merged(&law, level_of);
        if let Some((known, _)) = &levels {
            let n = law.n_genes();
            notices.push(Notice::new(format!(
                "levels: {known} of {n} genes have the given mean expression, the others a drawn one"
            )));
        }
        let draw = |kinetics: &ThermoOptions| match &levels {
            None => Thermo::draw(&extended, kinetics, options.seed),
            Some((_, levels)) => Thermo::draw_at(&extended, kinetics, levels.clone(), options.seed),
        };
        let law = if levels.is_some() { draw(&options.kinetics)?.0 } else { law };
        let network = wiring.to_graph("simulated");
        match &options.degs {
            None => Ok(Self { notices, ..Self::with_law(Box::new(law), network, options)? }),
            Some(goal) => Self::with_law(Box::new(law), network, options)?.tuned(goal, &draw),
        }
    }

    /// A screen under a law that exists; `network` is what a prior would hold.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn with_law(law: Box<dyn Law>, network: GeneGraph, options: &SimulationOptions) -> Result<Self, SimulateError> {
        options.check()?;
        let options = options.clone();
        Ok(Self { given: network, law, options, calibration: None, cell_types: Vec::new(), notices: Vec::new() })
    }

    /// The same screen with cells of these types, in place of those that the options draw.
    #[must_use]
    pub fn with_cell_types(self, cell_types: Vec<CellType>) -> Self {
        Self { cell_types, ..self }
    }

    /// How edge strength was found, where a number of genes was asked for.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// The law.
    pub fn law(&self) -> &dyn Law {
        &*self.law
    }

    /// What is simulated.
    pub fn options(&self) -> &SimulationOptions {
        &self.options
    }

    /// The network before generated genes were added.
    pub fn network(&self) -> &GeneGraph {
        &self.given
    }

    /// What the user should know.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The true change that a perturbation causes in the first cell type, at the first dose and hour, averaged over infinitely many cells;
    /// ambient molecules and second cells of doublets are those of unperturbed cells.
    ///
    /// # Errors
    /// [`SimulateError::UnknownGene`], [`SimulateError::Unconverged`].
    pub fn response(&self, perturbation: &Perturbation) -> Result<Response, SimulateError> {
        let states = self.states();
        let solver = Solver::new(&*self.law);
        let rest = solver.solve(&states[0].cell_type.forced, None, &states[0].cell_type.name)?.log_ratio;
        let responses = self.responses(&solver, &states[0], &rest, perturbation)?;
        let arm = arms(&self.options)[0];
        Ok(self.response_of(perturbation, &states[0], arm, &responses[0], &self.mean_log1p()))
    }

    /// Solves all steady states and plans all cells; the cells then come in blocks. `progress` is told how many perturbations
    /// (of every cell state) of how many are solved, from any thread.
    ///
    /// # Errors
    /// Those of [`simulate`].
    pub fn prepare(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Prepared<'_>, SimulateError> {
        Prepared::new(self, progress)
    }

    /// Perturbs, observes, and keeps cells and truth; `progress` is told how many cells of how many are done.
    ///
    /// # Errors
    /// Those of [`simulate`].
    pub fn run(self, progress: &mut dyn FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
        let prepared = self.prepare(&|_, _| ())?;
        let mut x = Csr::empty(self.law.n_genes());
        for block in prepared.blocks(false) {
            let block = block?;
            for row in 0..block.counts.n_rows() {
                let (genes, counts) = block.counts.row(row);
                x.push_row(genes.iter().copied().zip(counts.iter().copied()));
            }
            progress(x.n_rows() as u64, prepared.n_cells() as u64);
        }
        let expression = Expression::new(Arc::clone(self.law.genes()), x, Scale::Counts)?;
        let screen = Screen::new(expression, CellTable::new(prepared.conditions().map(Some)))?;
        let (columns, truth) = (prepared.columns(), prepared.into_truth());
        Ok(Simulated { screen, columns, truth, network: self.given, notices: self.notices })
    }

    /// The states that cells are in.
    pub(super) fn states(&self) -> Vec<CellState> {
        if self.cell_types.is_empty() {
            return self.options.lineage.draw(&self.law.regulators(), self.options.seed);
        }
        let state = |cell_type: &CellType| CellState { cell_type: cell_type.clone(), pseudotime: 0.0 };
        self.cell_types.iter().map(state).collect()
    }

    pub(super) fn mean_log1p(&self) -> MeanLog1p {
        let o = &self.options;
        MeanLog1p::new(&o.observation, shares_without_batch(&o.observation, &*self.law, o.seed))
    }

    /// The states that a perturbation leads to from `rest`, the unperturbed state of the cell type (ln ratios): steady ones, or
    /// one response per hour of a time course.
    pub(super) fn responses(
        &self,
        solver: &Solver<'_>,
        state: &CellState,
        rest: &[f64],
        perturbation: &Perturbation,
    ) -> Result<Vec<DoseResponse>, SimulateError> {
        let genes = perturbation.targets().iter().map(|t| self.expect(t));
        let targets: Vec<GeneId> = genes.collect::<Result<_, _>>()?;
        let (o, held) = (&self.options, &state.cell_type.forced);
        if o.engine.hours.is_empty() {
            let name = perturbation.to_string();
            return Ok(vec![DoseResponse::solve_in(solver, held, &targets, o.intervention, &o.efficiency, &name)?]);
        }
        let ode = o.engine.mean(&*self.law, o.seed)?;
        DoseResponse::after(&ode, held, &targets, o.intervention, &o.efficiency, rest, &o.engine.hours)
    }

    pub(super) fn expect(&self, gene: &str) -> Result<GeneId, SimulateError> {
        let genes = self.law.genes();
        genes.resolve(gene).ok_or_else(|| SimulateError::unknown(gene, genes))
    }

    /// The named targets, then drawn regulators, then pairs of these.
    pub(super) fn perturbations(&self) -> Result<Vec<Perturbation>, SimulateError> {
        let o = &self.options;
        let singles = o.size.perturbations.saturating_sub(o.pairs);
        let mut chosen = self.singles(singles)?;
        if chosen.len() < singles {
            let expected = format!("at most {}, the regulators of the network", chosen.len());
            return Err(SimulateError::option("perturbations", expected, singles));
        }
        self.add_pairs(&mut chosen)?;
        let held: Vec<&String> =
            o.held_out.iter().filter(|h| chosen.iter().any(|p| p.targets().iter().any(|t| **t == ***h))).collect();
        if held.is_empty() {
            Ok(chosen)
        } else {
            Err(SimulateError::option("targets", "none that is held out", some_of(&held, 3)))
        }
    }

    /// The named targets, then drawn regulators: `n` of them, or all there are.
    pub(super) fn singles(&self, n: usize) -> Result<Vec<Perturbation>, SimulateError> {
        let o = &self.options;
        let mut chosen = Vec::new();
        for label in &o.targets {
            let perturbation = Perturbation::parse(label, CONTROL)?;
            perturbation.targets().iter().try_for_each(|t| self.expect(t).map(drop))?;
            if chosen.len() < n && !chosen.contains(&perturbation) {
                chosen.push(perturbation);
            }
        }
        let others = self.regulators_drawn();
        let names = others.iter().map(|&g| self.law.genes().name(GeneId(g)));
        for name in names.filter(|n| !o.held_out.iter().any(|h| h == n)) {
            let perturbation = Perturbation::of([name]);
            if chosen.len() < n && !chosen.contains(&perturbation) {
                chosen.push(perturbation);
            }
        }
        Ok(chosen)
    }

    /// All regulators in a random order, those with many targets likelier first: a gene is drawn in proportion to its number
    /// of targets (Efraimidis and Spirakis 2006).
    fn regulators_drawn(&self) -> Vec<u32> {
        let mut degrees = vec![0usize; self.law.n_genes()];
        let regulators = (0..self.law.n_genes()).flat_map(|gene| self.law.regulators_of(gene));
        regulators.for_each(|&j| degrees[j as usize] += 1);
        let wait = |&g: &u32| {
            let u = Rng::keyed(self.options.seed, "targets", u64::from(g), 0).uniform();
            -(1.0 - u).ln() / degrees[g as usize] as f64
        };
        let mut regulators = self.law.regulators();
        regulators.sort_by(|a, b| wait(a).total_cmp(&wait(b)));
        regulators
    }

    /// Draws pairs of single perturbations, each at most once.
    fn add_pairs(&self, chosen: &mut Vec<Perturbation>) -> Result<(), SimulateError> {
        let pairs = self.options.pairs;
        let single: Vec<Perturbation> = chosen.iter().filter(|p| p.targets().len() == 1).cloned().collect();
        let possible = single.len() * single.len().saturating_sub(1) / 2;
        if pairs > possible / 2 {
            return Err(SimulateError::option("pairs", format!("at most {}, half of all pairs", possible / 2), pairs));
        }
        let mut rng = Rng::named(self.options.seed, "pairs");
        let wanted = chosen.len() + pairs;
        while chosen.len() < wanted {
            let [first, second] = [0, 1].map(|_| &single[rng.below(single.len())].targets()[0]);
            let pair = Perturbation::of([first, second]);
            if pair.targets().len() == 2 && !chosen.contains(&pair) {
                chosen.push(pair);
            }
        }
        Ok(())
    }
}

/// How many genes have a given level, and the levels of all: drawn and given ones on one scale, on which genes that have both
/// sum to the same. `None` where no gene has a given level above 0.
fn merged(law: &Thermo, level_of: &dyn Fn(&str) -> Option<f64>) -> Option<(usize, Vec<f64>)> {
    let usable = |name: &Arc<str>| level_of(name).filter(|x| x.is_finite() && *x > 0.0);
    let given: Vec<Option<f64>> = law.genes().names().iter().map(usable).collect();
    let known = given.iter().flatten().count();
    let both = given.iter().zip(&law.level).filter_map(|(given, drawn)| Some(((*given)?, *drawn)));
    let (from, to) = both.fold((0.0, 0.0), |(a, b), (given, drawn)| (a + given, b + drawn));
    let levels = given.iter().zip(&law.level).map(|(given, drawn)| given.map_or(*drawn, |x| x * to / from));
    (known > 0).then(|| (known, levels.collect()))
}
