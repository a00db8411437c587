//! A whole screen: network, steady states, cells and truth.

use std::sync::Arc;

use rayon::prelude::*;

use super::truth::{self, ExpectedLog1p};
use super::{
    DoseResponse, Elasticity, Law, Observer, PRESETS, Response, SimulateError, SimulationOptions, Solver, Thermo,
    Truth, Wiring, extend, growth_rate,
};
use crate::data::{CellTable, Condition, Csr, Expression, GeneId, Perturbation, Scale, Screen};
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

/// Labels of the cells, each of length n_cells.
#[derive(Debug, Clone, Default)]
pub struct CellColumns {
    /// Perturbation as the VCC writes it: `A`, `A+B` or `non-targeting`.
    pub target_gene: Vec<String>,
    /// Guide, or pair of guides.
    pub guide: Vec<String>,
    /// Batch.
    pub batch: Vec<String>,
    /// Share of the target's production that is taken away in this cell; 0 for controls and escapers.
    pub efficiency: Vec<f64>,
}

/// Label of the control cells.
const CONTROL: &str = "non-targeting";

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

/// Cells drawn at a time: results do not depend on it.
const BLOCK: usize = 512;

/// A network with its law, ready to be perturbed.
#[derive(Debug)]
pub struct Simulator {
    given: GeneGraph,
    law: Box<dyn Law>,
    options: SimulationOptions,
    expected: ExpectedLog1p,
    notices: Vec<Notice>,
}

impl Simulator {
    /// Extends the network and draws the law.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn new(wiring: &Wiring, options: &SimulationOptions) -> Result<Self, SimulateError> {
        let extended = extend(wiring, options.size.genes, &options.extend, options.seed)?;
        let (law, notices) = Thermo::draw(&extended, &options.kinetics, options.seed)?;
        Ok(Self { notices, ..Self::with_law(Box::new(law), wiring.to_graph("simulated"), options)? })
    }

    /// A screen under a law that exists; `network` is what a prior would hold.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn with_law(law: Box<dyn Law>, network: GeneGraph, options: &SimulationOptions) -> Result<Self, SimulateError> {
        options.efficiency.check()?;
        options.observation.check()?;
        let expected = ExpectedLog1p::of(&options.observation);
        Ok(Self { given: network, law, expected, options: options.clone(), notices: Vec::new() })
    }

    /// The law.
    pub fn law(&self) -> &dyn Law {
        &*self.law
    }

    /// The true change that a perturbation causes, averaged over infinitely many cells.
    ///
    /// # Errors
    /// [`SimulateError::UnknownGene`], [`SimulateError::Unconverged`].
    pub fn response(&self, perturbation: &Perturbation) -> Result<Response, SimulateError> {
        Ok(self.response_of(perturbation, &self.dose(&Solver::new(&*self.law), perturbation)?))
    }

    /// Perturbs, observes, and keeps the truth; `progress` is told how many cells of how many are done.
    ///
    /// # Errors
    /// Those of [`simulate`].
    pub fn run(self, progress: &mut dyn FnMut(u64, u64)) -> Result<Simulated, SimulateError> {
        let perturbations = self.perturbations()?;
        let solver = Solver::new(&*self.law);
        let doses: Vec<DoseResponse> =
            perturbations.par_iter().map(|p| self.dose(&solver, p)).collect::<Result<_, SimulateError>>()?;
        let plan = self.plan(&perturbations);
        let screen = self.observe(&plan, &perturbations, &doses, progress)?;
        let truth = self.truth(&perturbations, &doses)?;
        let columns = self.columns(&plan, &perturbations);
        Ok(Simulated { screen, columns, truth, network: self.given, notices: self.notices })
    }

    fn observe(
        &self,
        plan: &[PlannedCell],
        perturbations: &[Perturbation],
        doses: &[DoseResponse],
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Screen, SimulateError> {
        let observer = Observer::new(&self.options.observation, &*self.law, self.options.seed);
        let mut x = Csr::empty(self.law.n_genes());
        for block in plan.chunks(BLOCK) {
            let rows: Vec<Vec<(u32, f32)>> =
                block.par_iter().map(|cell| counts(&observer, cell, doses, x.n_cols())).collect();
            for row in rows {
                x.push_row(row);
            }
            progress(x.n_rows() as u64, plan.len() as u64);
        }
        let expression = Expression::new(Arc::clone(self.law.genes()), x, Scale::Counts)?;
        let conditions = plan.iter().map(|cell| {
            Some(Condition::of(cell.perturbation.map_or_else(Perturbation::control, |p| perturbations[p].clone())))
        });
        Ok(Screen::new(expression, CellTable::new(conditions))?)
    }

    fn truth(&self, perturbations: &[Perturbation], doses: &[DoseResponse]) -> Result<Truth, SimulateError> {
        let held_out = self.options.held_out.iter().map(|gene| self.response(&Perturbation::of([gene])));
        Ok(Truth {
            genes: Arc::clone(self.law.genes()),
            edges: truth::edges(&*self.law),
            edge_parameters: self.law.edge_parameters(),
            levels: self.law.baseline().to_vec(),
            decay: self.law.decay().to_vec(),
            responses: perturbations.par_iter().zip(doses).map(|(p, dose)| self.response_of(p, dose)).collect(),
            held_out: held_out.collect::<Result<_, _>>()?,
            growth: growth_rate(&Elasticity::at(&*self.law, self.law.baseline())),
            residual: doses.iter().map(|d| d.residual).fold(0.0, f64::max),
        })
    }

    fn dose(&self, solver: &Solver<'_>, perturbation: &Perturbation) -> Result<DoseResponse, SimulateError> {
        let genes = perturbation.targets().iter().map(|t| self.expect(t));
        let targets: Vec<GeneId> = genes.collect::<Result<_, _>>()?;
        let o = &self.options;
        DoseResponse::solve(solver, &targets, o.intervention, &o.efficiency, &perturbation.to_string())
    }

    fn response_of(&self, perturbation: &Perturbation, dose: &DoseResponse) -> Response {
        let population = truth::population(&self.options.efficiency, self.options.seed, &perturbation.to_string());
        Response::of(perturbation.clone(), dose, &population, &*self.law, &self.expected)
    }

    fn expect(&self, gene: &str) -> Result<GeneId, SimulateError> {
        let genes = self.law.genes();
        genes.resolve(gene).ok_or_else(|| SimulateError::unknown(gene, genes))
    }

    /// The named targets, then drawn regulators.
    fn perturbations(&self) -> Result<Vec<Perturbation>, SimulateError> {
        let o = &self.options;
        let mut chosen = Vec::new();
        for label in &o.targets {
            let perturbation = Perturbation::parse(label, CONTROL)?;
            perturbation.targets().iter().try_for_each(|t| self.expect(t).map(drop))?;
            if chosen.len() < o.size.perturbations && !chosen.contains(&perturbation) {
                chosen.push(perturbation);
            }
        }
        let others = self.regulators_drawn();
        let names = others.iter().map(|&g| self.law.genes().name(GeneId(g)));
        for name in names.filter(|n| !o.held_out.iter().any(|h| h == n)) {
            let perturbation = Perturbation::of([name]);
            if chosen.len() < o.size.perturbations && !chosen.contains(&perturbation) {
                chosen.push(perturbation);
            }
        }
        if chosen.len() < o.size.perturbations {
            let expected = format!("at most {}, the regulators of the network", chosen.len());
            return Err(SimulateError::option("perturbations", expected, o.size.perturbations));
        }
        let held: Vec<&String> =
            o.held_out.iter().filter(|h| chosen.iter().any(|p| p.targets().iter().any(|t| **t == ***h))).collect();
        if held.is_empty() {
            Ok(chosen)
        } else {
            Err(SimulateError::option("targets", "none that is held out", some_of(&held, 3)))
        }
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

    /// Every cell of the screen, in order.
    fn plan(&self, perturbations: &[Perturbation]) -> Vec<PlannedCell> {
        let o = &self.options;
        let controls = (0..o.size.controls).map(|_| None);
        let perturbed =
            (0..perturbations.len()).flat_map(|p| std::iter::repeat_n(Some(p), o.size.cells_per_perturbation));
        let guides: Vec<Vec<f64>> =
            perturbations.iter().map(|p| o.efficiency.guide_means(o.seed, &p.to_string())).collect();
        let cell = |(number, perturbation): (usize, Option<usize>)| {
            let number = number as u64;
            // Batches alternate from cell to cell, guides after each round of batches: neither hides the other.
            let guide = (number / o.observation.batches as u64) as usize % o.efficiency.guides;
            let efficiency = perturbation.map_or(0.0, |p| o.efficiency.in_cell(o.seed, number, guides[p][guide]));
            PlannedCell { number, perturbation, guide, efficiency }
        };
        controls.chain(perturbed).enumerate().map(cell).collect()
    }

    fn columns(&self, plan: &[PlannedCell], perturbations: &[Perturbation]) -> CellColumns {
        let label = |cell: &PlannedCell| cell.perturbation.map_or(CONTROL.to_owned(), |p| perturbations[p].to_string());
        CellColumns {
            target_gene: plan.iter().map(label).collect(),
            guide: plan.iter().map(|cell| format!("{}_g{}", label(cell), cell.guide + 1)).collect(),
            batch: plan.iter().map(|c| format!("batch{}", self.options.observation.batch_of(c.number) + 1)).collect(),
            efficiency: plan.iter().map(|cell| cell.efficiency).collect(),
        }
    }
}

fn counts(observer: &Observer<'_>, cell: &PlannedCell, doses: &[DoseResponse], n_genes: usize) -> Vec<(u32, f32)> {
    let mut y = vec![0.0; n_genes];
    if let Some(p) = cell.perturbation {
        doses[p].at(cell.efficiency, &mut y);
    }
    observer.counts(&y, cell.number)
}

/// A cell before it is observed.
#[derive(Debug, Clone, Copy)]
struct PlannedCell {
    number: u64,
    perturbation: Option<usize>,
    guide: usize,
    efficiency: f64,
}
