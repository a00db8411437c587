//! Chemical Langevin equation, one independent trajectory per cell.

use rayon::prelude::*;

use super::block::{Forced, MOST_STEPS, Segment, segments};
use super::normals::{Keys, LANES, Lane, QUAD, Use};
use super::{Bursting, Cell, Dynamics, Engine};
use crate::simulate::{Levels, SimulateError};

/// Hours per step if nothing is said, as in SERGIO.
pub const DEFAULT_STEP: f64 = 0.01;
/// Largest step in units of the fastest rate: Euler's method then overestimates variances by 5 %.
const LONGEST: f64 = 0.1;

/// `dN = (W P - d N) dt + q sqrt(W P + d N) dB` in molecules N = W x (Gillespie 2000, J Chem Phys 113:297), by the method of
/// Euler and Maruyama, clipped at 0: production and decay share one Wiener process, which has the distribution of two.
///
/// With a protein layer the protein has noise of its own; with bursts each promoter of each cell switches.
#[derive(Debug, Clone)]
pub struct Cle<'a> {
    dynamics: Dynamics<'a>,
    step: f64,
    seed: u64,
}

impl<'a> Cle<'a> {
    /// `step` is in hours ([`DEFAULT_STEP`]).
    ///
    /// # Errors
    /// [`SimulateError::BadOption`], also for a step longer than a tenth of the time scale of the fastest decay.
    pub fn new(dynamics: Dynamics<'a>, step: f64, seed: u64) -> Result<Self, SimulateError> {
        dynamics.check()?;
        let fastest = dynamics.bursting.as_ref().map_or(0.0, |b| b.k_off).max(dynamics.fastest());
        if !(step > 0.0 && step * fastest <= LONGEST) {
            let expected =
                format!("hours above 0 and at most {:.3e}, a tenth of the fastest process", LONGEST / fastest);
            return Err(SimulateError::option("step", expected, step));
        }
        Ok(Self { dynamics, step, seed })
    }

    fn check(&self, cells: &[Cell]) -> Result<(), SimulateError> {
        self.dynamics.check_cells(cells)?;
        let hours = |cell: &Cell| cell.phases.iter().map(|p| p.hours).sum::<f64>();
        match cells.iter().map(hours).find(|hours| hours / self.step > MOST_STEPS) {
            Some(hours) => Err(SimulateError::option("hours", "at most 4e9 steps", hours)),
            None => Ok(()),
        }
    }

    fn block(&self, cells: &[Cell]) -> Vec<Vec<f64>> {
        let mut trajectory = Trajectory::start(self, cells);
        for segment in segments(cells, self.step) {
            trajectory.follow(&segment);
        }
        (0..cells.len()).map(|lane| trajectory.log_ratio(lane)).collect()
    }
}

impl Engine for Cle<'_> {
    fn name(&self) -> &'static str {
        "cle"
    }

    /// O(cells x steps x (genes + edges)); memory O(64 x genes) per thread besides the result.
    fn run(&self, cells: &[Cell]) -> Result<Vec<Vec<f64>>, SimulateError> {
        self.check(cells)?;
        let blocks: Vec<Vec<Vec<f64>>> = cells.par_chunks(LANES).map(|block| self.block(block)).collect();
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// The cells of one block on their way. Levels of all genes x lanes.
struct Trajectory<'a> {
    dynamics: &'a Dynamics<'a>,
    keys: Keys,
    messenger: Vec<Lane>,
    /// Empty without a protein layer.
    protein: Vec<Lane>,
    /// Levels after the step, to be exchanged with those before it.
    next: [Vec<Lane>; 2],
    promoters: Option<Promoters<'a>>,
    amplitude: f64,
}

impl<'a> Trajectory<'a> {
    fn start(engine: &'a Cle<'a>, cells: &[Cell]) -> Self {
        let dynamics = &engine.dynamics;
        let law = dynamics.law;
        let level = |gene: usize, lane: usize| match cells.get(lane) {
            Some(cell) => dynamics.start(cell, gene),
            None => law.baseline()[gene],
        };
        let messenger: Vec<Lane> =
            (0..law.n_genes()).map(|gene| std::array::from_fn(|lane| level(gene, lane))).collect();
        let protein = if dynamics.protein.is_some() { messenger.clone() } else { Vec::new() };
        let numbers = std::array::from_fn(|lane| cells.get(lane).map_or(0, |cell| cell.number));
        let mut trajectory = Self {
            dynamics,
            keys: Keys::new(engine.seed, &numbers),
            next: [messenger.clone(), protein.clone()],
            messenger,
            protein,
            promoters: None,
            amplitude: dynamics.noise / dynamics.molecules.sqrt(),
        };
        trajectory.promoters = dynamics.bursting.as_ref().map(|b| Promoters::start(b, &trajectory));
        trajectory
    }

    fn follow(&mut self, segment: &Segment) {
        let roots = segment.dt.map(f64::sqrt);
        let baseline = self.dynamics.law.baseline();
        for forced in &segment.forced {
            forced.hold(baseline[forced.gene], &mut self.messenger[forced.gene]);
        }
        for step in segment.first..segment.first + segment.steps {
            self.step(segment, &roots, step);
        }
    }

    fn step(&mut self, segment: &Segment, roots: &Lane, step: u32) {
        let mut forced = segment.forced.iter().peekable();
        let n = self.messenger.len();
        for quad in 0..n.div_ceil(QUAD) as u32 {
            let mut normals = [[0.0; LANES]; QUAD];
            self.keys.normals(Use::Messenger, quad, step, &mut normals);
            if let Some(promoters) = &mut self.promoters {
                promoters.draw(&self.keys, quad, step);
            }
            for (k, z) in normals.iter().enumerate() {
                let gene = quad as usize * QUAD + k;
                if gene < n {
                    self.transcribe(gene, segment, roots, z, forced.next_if(|f| f.gene == gene));
                }
            }
        }
        if !self.protein.is_empty() {
            self.translate(segment, roots, step);
        }
        std::mem::swap(&mut self.messenger, &mut self.next[0]);
        std::mem::swap(&mut self.protein, &mut self.next[1]);
    }

    fn transcribe(&mut self, gene: usize, segment: &Segment, roots: &Lane, z: &Lane, forced: Option<&Forced>) {
        let law = self.dynamics.law;
        let acting = if self.protein.is_empty() { &self.messenger } else { &self.protein };
        let mut made = [0.0; LANES];
        law.production(gene, Levels::new(acting.as_flattened(), LANES), &mut made);
        if let Some(forced) = forced {
            forced.scale(&mut made);
        }
        if let Some(promoters) = &mut self.promoters {
            promoters.switch(gene, &segment.dt, &mut made);
        }
        let (decay, x, next) = (law.decay()[gene], &self.messenger[gene], &mut self.next[0][gene]);
        for lane in 0..LANES {
            let change = Change { gain: made[lane], loss: decay * x[lane], dt: segment.dt[lane], root: roots[lane] };
            next[lane] = change.after(x[lane], self.amplitude, z[lane]);
        }
        if let Some(forced) = forced {
            forced.hold(law.baseline()[gene], next);
        }
    }

    fn translate(&mut self, segment: &Segment, roots: &Lane, step: u32) {
        let Some(protein) = &self.dynamics.protein else { return };
        let amplitude = self.amplitude / protein.copies.sqrt();
        let mut normals = [[0.0; LANES]; QUAD];
        for (gene, &decay) in protein.decay.iter().enumerate() {
            if gene % QUAD == 0 {
                self.keys.normals(Use::Protein, (gene / QUAD) as u32, step, &mut normals);
            }
            let (m, p, z) = (&self.messenger[gene], &self.protein[gene], &normals[gene % QUAD]);
            let next = &mut self.next[1][gene];
            for lane in 0..LANES {
                let (gain, loss) = (decay * m[lane], decay * p[lane]);
                let change = Change { gain, loss, dt: segment.dt[lane], root: roots[lane] };
                next[lane] = change.after(p[lane], amplitude, z[lane]);
            }
        }
    }

    fn log_ratio(&self, lane: usize) -> Vec<f64> {
        self.messenger.iter().zip(self.dynamics.law.baseline()).map(|(x, base)| (x[lane] / base).ln()).collect()
    }
}

/// What one step does to a level.
struct Change {
    gain: f64,
    loss: f64,
    dt: f64,
    /// Square root of dt.
    root: f64,
}

impl Change {
    #[inline(always)]
    fn after(&self, x: f64, amplitude: f64, z: f64) -> f64 {
        let next = x + (self.gain - self.loss) * self.dt + amplitude * (self.gain + self.loss).sqrt() * self.root * z;
        if next > 0.0 { next } else { 0.0 }
    }
}

/// Promoters that switch, genes x lanes.
struct Promoters<'a> {
    bursting: &'a Bursting,
    made_at_rest: Vec<f64>,
    /// 1 where on, 0 where off.
    on: Vec<Lane>,
    uniforms: [Lane; QUAD],
}

impl<'a> Promoters<'a> {
    /// On with the share of time they are on at the levels of the start.
    fn start(bursting: &'a Bursting, at: &Trajectory<'a>) -> Self {
        let (law, made_at_rest) = (at.dynamics.law, at.dynamics.made_at_rest());
        let mut promoters = Self { bursting, on: Vec::new(), uniforms: [[0.0; LANES]; QUAD], made_at_rest };
        let levels = Levels::new(at.messenger.as_flattened(), LANES);
        for gene in 0..law.n_genes() {
            if gene % QUAD == 0 {
                promoters.draw(&at.keys, (gene / QUAD) as u32, u32::MAX);
            }
            let mut made = [0.0; LANES];
            law.production(gene, levels, &mut made);
            let rest = promoters.made_at_rest[gene];
            let u = &promoters.uniforms[gene % QUAD];
            let on = std::array::from_fn(|lane| f64::from(u[lane] < bursting.share(made[lane], rest)));
            promoters.on.push(on);
        }
        promoters
    }

    fn draw(&mut self, keys: &Keys, quad: u32, step: u32) {
        keys.uniforms(Use::Promoter, quad, step, &mut self.uniforms);
    }

    /// Turns the mean production into that of the promoter as it stands, which may then switch. The chance of being on after
    /// the step is that of a two-state process with constant rates, so that its share of time is right for any step.
    fn switch(&mut self, gene: usize, dt: &Lane, made: &mut Lane) {
        let (on, u, rest) = (&mut self.on[gene], &self.uniforms[gene % QUAD], self.made_at_rest[gene]);
        for lane in 0..LANES {
            let (k_on, synthesis) = self.bursting.rates(made[lane], rest);
            let both = k_on + self.bursting.k_off;
            let share = k_on / both;
            let kept = exp_of_minus(both * dt[lane]);
            made[lane] = on[lane] * synthesis;
            on[lane] = if u[lane] < share + (on[lane] - share) * kept { 1.0 } else { 0.0 };
        }
    }
}

/// exp(-x) for x of at least 0, between 0 and 1 and to 1e-5 below 0.2.
#[inline(always)]
fn exp_of_minus(x: f64) -> f64 {
    1.0 / (1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0))))
}
