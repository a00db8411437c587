//! Exact trajectories, molecule by molecule.

use rayon::prelude::*;

use super::dynamics::Hold;
use super::{Cell, Dynamics, Engine, Phase};
use crate::simulate::{Levels, SimulateError};
use crate::stats::Rng;

/// Most genes of a network that is simulated molecule by molecule.
pub const MOST_GENES: usize = 50;

/// Gillespie's process, exact in distribution, by the modified next reaction method (Anderson 2007, J Chem Phys 127:214107).
///
/// Every reaction of a gene has random numbers of its own, keyed by (seed, cell, gene, reaction): a control and a perturbed
/// cell of the same number share them, which the direct method cannot offer (Rathinam et al. 2010). The factor on the noise
/// of the Langevin equation does not apply.
#[derive(Debug, Clone)]
pub struct Ssa<'a> {
    dynamics: Dynamics<'a>,
    targets: Vec<Vec<usize>>,
    seed: u64,
}

impl<'a> Ssa<'a> {
    /// An engine for a small network.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`], also for more than 50 genes.
    pub fn new(dynamics: Dynamics<'a>, seed: u64) -> Result<Self, SimulateError> {
        dynamics.check()?;
        let n = dynamics.law.n_genes();
        if n > MOST_GENES {
            let expected = format!("at most {MOST_GENES} genes for `ssa` (`cle` takes any number)");
            return Err(SimulateError::option("engine", expected, n));
        }
        let mut targets = vec![Vec::new(); n];
        for gene in 0..n {
            dynamics.law.regulators_of(gene).iter().for_each(|&j| targets[j as usize].push(gene));
        }
        Ok(Self { dynamics, targets, seed })
    }
}

impl Engine for Ssa<'_> {
    fn name(&self) -> &'static str {
        "ssa"
    }

    /// O(reactions that fire x (genes + edges of one gene)).
    fn run(&self, cells: &[Cell]) -> Result<Vec<Vec<f64>>, SimulateError> {
        self.dynamics.check_cells(cells)?;
        Ok(cells.par_iter().map(|cell| Molecules::start(self, cell).end(cell)).collect())
    }
}

/// What can happen to a gene.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaction {
    Transcription,
    Decay,
    Translation,
    ProteinDecay,
    SwitchOn,
    SwitchOff,
}

/// Reactions and the names of their random numbers.
const REACTIONS: [(Reaction, &str); 6] = [
    (Reaction::Transcription, "ssa transcription"),
    (Reaction::Decay, "ssa decay"),
    (Reaction::Translation, "ssa translation"),
    (Reaction::ProteinDecay, "ssa protein decay"),
    (Reaction::SwitchOn, "ssa on"),
    (Reaction::SwitchOff, "ssa off"),
];

/// A reaction with its own clock, which runs as fast as the reaction does.
#[derive(Debug)]
struct Channel {
    gene: usize,
    reaction: Reaction,
    /// Firings per hour.
    rate: f64,
    /// Until the clock rings.
    left: f64,
    rng: Rng,
}

impl Channel {
    fn wind(&mut self) {
        self.left = -(1.0 - self.rng.uniform()).ln();
    }
}

/// One cell.
struct Molecules<'a> {
    engine: &'a Ssa<'a>,
    made_at_rest: Vec<f64>,
    messenger: Vec<f64>,
    protein: Vec<f64>,
    on: Vec<bool>,
    /// Levels through which genes regulate.
    acting: Vec<f64>,
    hold: Vec<Hold>,
    /// Grouped by gene, as many for each.
    channels: Vec<Channel>,
}

impl<'a> Molecules<'a> {
    fn start(engine: &'a Ssa<'a>, cell: &Cell) -> Self {
        let dynamics = &engine.dynamics;
        let n = dynamics.law.n_genes();
        let uniform = |stream, gene| Rng::keyed(engine.seed, stream, cell.number, gene as u64).uniform();
        let whole = |mean: f64, stream, gene| (mean + uniform(stream, gene)).floor();
        let molecules = |gene| dynamics.molecules * dynamics.start(cell, gene);
        let messenger = (0..n).map(|g| whole(molecules(g), "ssa start", g)).collect();
        let protein = match &dynamics.protein {
            Some(p) => (0..n).map(|g| whole(p.copies * molecules(g), "ssa protein start", g)).collect(),
            None => Vec::new(),
        };
        let mut state = Self {
            engine,
            made_at_rest: dynamics.made_at_rest(),
            messenger,
            protein,
            on: vec![true; n],
            acting: vec![0.0; n],
            hold: vec![Hold::Factor(1.0); n],
            channels: channels(engine, cell.number),
        };
        (0..n).for_each(|gene| state.set_acting(gene));
        if let Some(bursting) = &dynamics.bursting {
            let share = |gene| bursting.share(state.production(gene), state.made_at_rest[gene]);
            state.on = (0..n).map(|gene| uniform("ssa promoter start", gene) < share(gene)).collect();
        }
        state
    }

    fn end(mut self, cell: &Cell) -> Vec<f64> {
        cell.phases.iter().filter(|phase| phase.hours > 0.0).for_each(|phase| self.follow(phase));
        let molecules = self.engine.dynamics.molecules;
        let baseline = self.engine.dynamics.law.baseline();
        self.messenger.iter().zip(baseline).map(|(m, base)| (m / (molecules * base)).ln()).collect()
    }

    fn follow(&mut self, phase: &Phase) {
        self.force(phase);
        let mut left = phase.hours;
        loop {
            let (mut wait, mut first) = (f64::INFINITY, 0);
            for (at, channel) in self.channels.iter().enumerate() {
                let ring = channel.left / channel.rate;
                if ring < wait {
                    (wait, first) = (ring, at);
                }
            }
            let passed = wait.min(left);
            self.channels.iter_mut().for_each(|c| c.left -= c.rate * passed);
            if wait >= left {
                return;
            }
            left -= wait;
            self.channels[first].wind();
            self.fire(self.channels[first].gene, self.channels[first].reaction);
        }
    }

    fn force(&mut self, phase: &Phase) {
        let dynamics = &self.engine.dynamics;
        for gene in 0..self.hold.len() {
            self.hold[gene] = Hold::of(&phase.forced, gene as u32);
            if let Hold::At(level) = self.hold[gene] {
                self.messenger[gene] = (dynamics.molecules * dynamics.law.baseline()[gene] * level).round();
                self.set_acting(gene);
            }
        }
        (0..self.hold.len()).for_each(|gene| self.set_rates(gene));
    }

    fn fire(&mut self, gene: usize, reaction: Reaction) {
        let acts = match reaction {
            Reaction::Transcription | Reaction::Decay => {
                self.messenger[gene] += if reaction == Reaction::Decay { -1.0 } else { 1.0 };
                self.protein.is_empty()
            }
            Reaction::Translation | Reaction::ProteinDecay => {
                self.protein[gene] += if reaction == Reaction::ProteinDecay { -1.0 } else { 1.0 };
                true
            }
            Reaction::SwitchOn | Reaction::SwitchOff => {
                self.on[gene] = reaction == Reaction::SwitchOn;
                false
            }
        };
        self.set_rates(gene);
        if acts {
            self.set_acting(gene);
            for &target in &self.engine.targets[gene] {
                self.set_rates(target);
            }
        }
    }

    fn set_acting(&mut self, gene: usize) {
        let dynamics = &self.engine.dynamics;
        self.acting[gene] = match &dynamics.protein {
            Some(protein) => self.protein[gene] / (dynamics.molecules * protein.copies),
            None => self.messenger[gene] / dynamics.molecules,
        };
    }

    fn production(&self, gene: usize) -> f64 {
        let mut made = [0.0];
        self.engine.dynamics.law.production(gene, Levels::new(&self.acting, 1), &mut made);
        match self.hold[gene] {
            Hold::Factor(factor) => made[0] * factor,
            Hold::At(_) => made[0],
        }
    }

    fn set_rates(&mut self, gene: usize) {
        let dynamics = &self.engine.dynamics;
        let made = self.production(gene);
        let free = f64::from(!matches!(self.hold[gene], Hold::At(_)));
        let (on, off) = (f64::from(self.on[gene]), f64::from(!self.on[gene]));
        let (k_on, k_off, synthesis) = match &dynamics.bursting {
            Some(bursting) => {
                let (k_on, synthesis) = bursting.rates(made, self.made_at_rest[gene]);
                (k_on, bursting.k_off, on * synthesis)
            }
            None => (0.0, 0.0, made),
        };
        let protein =
            dynamics.protein.as_ref().map_or((0.0, 0.0, 0.0), |p| (p.decay[gene], p.copies, self.protein[gene]));
        let per_gene = self.channels.len() / self.hold.len();
        for channel in &mut self.channels[gene * per_gene..(gene + 1) * per_gene] {
            channel.rate = match channel.reaction {
                Reaction::Transcription => free * dynamics.molecules * synthesis,
                Reaction::Decay => free * dynamics.law.decay()[gene] * self.messenger[gene],
                Reaction::Translation => protein.0 * protein.1 * self.messenger[gene],
                Reaction::ProteinDecay => protein.0 * protein.2,
                Reaction::SwitchOn => off * k_on,
                Reaction::SwitchOff => on * k_off,
            };
        }
    }
}

fn channels(engine: &Ssa<'_>, cell: u64) -> Vec<Channel> {
    let dynamics = &engine.dynamics;
    let happens = |reaction: Reaction| match reaction {
        Reaction::Transcription | Reaction::Decay => true,
        Reaction::Translation | Reaction::ProteinDecay => dynamics.protein.is_some(),
        Reaction::SwitchOn | Reaction::SwitchOff => dynamics.bursting.is_some(),
    };
    let channel = |gene: usize, (reaction, stream): (Reaction, &str)| {
        let rng = Rng::keyed(engine.seed, stream, cell, gene as u64);
        let mut channel = Channel { gene, reaction, rate: 0.0, left: 0.0, rng };
        channel.wind();
        channel
    };
    let of_gene = |gene| REACTIONS.into_iter().filter(|r| happens(r.0)).map(move |r| channel(gene, r));
    (0..dynamics.law.n_genes()).flat_map(of_gene).collect()
}
