//! Simulated screens in which the cause of every change is known.
//!
//! Genes obey x = tanh(W x + u). A seventh of them are factors with a power-law number of targets, the others have 0 to 5;
//! the spectral radius of W is at most 0.8. A knockdown holds its gene at -1.2; an inhibitor lowers what its gene does to
//! others by as much. A stress programme of a tenth of the genes comes with every perturbation, with a strength of its
//! own for each gene. The change of a gene is measured with a standard error between 0.02 and 0.12.
//!
//! The prior knows half of the true edges, without signs; 65 % of its edges are false and prefer hubs; 70 % have their true
//! direction, the others go both ways. Genes are screened: at least 10 others change by more than 4 standard errors.

use std::collections::HashSet;
use std::sync::Arc;

use grn::data::{CellBlock, ControlProfile, Csr, GeneIndex, Perturbation, Quantity, Responses};
use grn::graph::{ControlCells, GeneGraph, GraphBuilder, Sign};
use grn::rank::{CountingNoise, Covariance, Queries, ResponseSettings};
use grn::stats::Rng;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// How far a perturbation lowers its target.
const FALL: f64 = 1.2;
/// Technical standard deviation of a cell, in standard errors of a change.
const CELL_NOISE: f64 = 5.0;
/// Cells behind every measured change.
const CELLS_EACH: u64 = 100;

/// How large a simulated screen is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub genes: usize,
    pub training: usize,
    pub queries: usize,
    pub cells: usize,
}

/// A network, what is known of it, and changes with known causes.
pub(crate) struct Simulation {
    pub genes: Arc<GeneIndex>,
    /// True effects: gene, regulator, effect.
    pub effects: Vec<(u32, u32, f32)>,
    pub prior: GeneGraph,
    pub training: Responses,
    pub covariance: Covariance,
    /// Name of a set of queries, the queries, and the true genes of each.
    pub queries: Vec<(&'static str, Queries, Vec<Vec<usize>>)>,
    /// Screened genes, and the median number of genes that change by more than 4 standard errors.
    pub screened: (usize, usize),
}

/// Rows of W: regulators and effects.
type Rows = Vec<Vec<(usize, f64)>>;

/// Everything behind the measurements.
struct World {
    size: Size,
    seed: u64,
    network: Rows,
    error: Vec<f64>,
    stress: Vec<f64>,
    /// Stress that comes with the perturbation of each gene.
    strength: Vec<f64>,
}

/// The screen of this size and seed.
pub(crate) fn simulate(size: Size, seed: u64) -> Simulation {
    let world = World::new(size, seed);
    let all: Vec<Vec<usize>> = (0..size.genes).map(|g| vec![g]).collect();
    let steady = world.steady(&world.network, &all, false);
    let (screened, median) = world.screened(&steady);
    let (training, unseen) = screened.split_at(size.training.min(screened.len() / 2));
    let unseen = &unseen[..size.queries.min(unseen.len())];
    let genes = Arc::new(GeneIndex::new((0..size.genes).map(|g| format!("G{g:04}"))).unwrap());
    let prior = world.prior(&genes);
    Simulation {
        effects: effects(&world.network),
        covariance: world.covariance(&genes, &prior),
        training: world.responses(&genes, training, &steady),
        queries: world.queries(training, unseen),
        screened: (screened.len(), median),
        prior,
        genes,
    }
}

fn effects(network: &Rows) -> Vec<(u32, u32, f32)> {
    let rows = network.iter().enumerate();
    rows.flat_map(|(i, row)| row.iter().map(move |&(j, w)| (i as u32, j as u32, w as f32))).collect()
}

/// Spectral radius by power iteration on |W|, which bounds that of W.
fn bounded(mut network: Rows) -> Rows {
    let mut x = vec![1.0; network.len()];
    let mut radius = 0.0;
    for _ in 0..100 {
        let y: Vec<f64> = network.iter().map(|row| row.iter().map(|&(j, w)| w.abs() * x[j]).sum()).collect();
        radius = y.iter().map(|v| v * v).sum::<f64>().sqrt();
        x = y.into_iter().map(|v| v / radius.max(1e-12)).collect();
    }
    if radius > 0.8 {
        network.iter_mut().flatten().for_each(|(_, w)| *w *= 0.8 / radius);
    }
    network
}

impl World {
    fn new(size: Size, seed: u64) -> Self {
        let n = size.genes;
        let mut rng = Rng::named(seed, "rank.simulation.network");
        let mut network: Rows = vec![Vec::new(); n];
        for source in 0..n {
            let factor = source < n * 3 / 20;
            let degree = if factor { 3.0 * (1.0 - rng.uniform()).powf(-1.0 / 1.3) } else { rng.below(6) as f64 };
            let mut targets: Vec<usize> = (0..n).filter(|&t| t != source).collect();
            rng.shuffle(&mut targets);
            for &target in targets.iter().take((degree as usize).min(150)) {
                let sign = if rng.uniform() < 0.6 { 1.0 } else { -1.0 };
                network[target].push((source, sign * (0.03 + 0.19 * rng.uniform())));
            }
        }
        let error = (0..n).map(|_| 0.02 * 6f64.powf(rng.uniform())).collect();
        let stress = (0..n).map(|_| if rng.uniform() < 0.1 { 0.2 * rng.normal() } else { 0.0 }).collect();
        let strength = (0..n).map(|_| rng.uniform()).collect();
        Self { size, seed, network: bounded(network), error, stress, strength }
    }

    /// Steady states under perturbations of sets of genes.
    fn steady(&self, network: &Rows, sets: &[Vec<usize>], inhibitor: bool) -> Vec<Vec<f64>> {
        let one = |genes: &Vec<usize>| {
            let mut x = vec![0.0; self.size.genes];
            for _ in 0..60 {
                let mut source = x.clone();
                if inhibitor {
                    genes.iter().for_each(|&g| source[g] -= FALL);
                }
                let mut next = response(network, &source, None);
                if !inhibitor {
                    genes.iter().for_each(|&g| next[g] = -FALL);
                }
                x.iter_mut().zip(next).for_each(|(x, y)| *x = 0.5 * (*x + y));
            }
            x
        };
        sets.par_iter().map(one).collect()
    }

    /// Screened genes in random order, and the median number of changes among them.
    fn screened(&self, steady: &[Vec<f64>]) -> (Vec<usize>, usize) {
        let changes = |g: usize| {
            let beyond = |i: &usize| {
                *i != g && (steady[g][*i] + self.strength[g] * self.stress[*i]).abs() > 4.0 * self.error[*i]
            };
            (0..self.size.genes).filter(beyond).count()
        };
        let mut screened: Vec<(usize, usize)> =
            (0..self.size.genes).map(|g| (g, changes(g))).filter(|(_, n)| *n >= 10).collect();
        let mut numbers: Vec<usize> = screened.iter().map(|s| s.1).collect();
        numbers.sort_unstable();
        Rng::named(self.seed, "rank.simulation.screened").shuffle(&mut screened);
        (screened.into_iter().map(|s| s.0).collect(), numbers[numbers.len() / 2])
    }

    /// A measured change: the steady state, stress and noise.
    fn measured(&self, steady: &[f64], genes: &[usize], stream: &str, row: usize) -> Vec<f32> {
        let mut rng = Rng::keyed(self.seed, stream, row as u64, 0);
        let strength: f64 = genes.iter().map(|&g| self.strength[g]).sum();
        let value = |i: usize, rng: &mut Rng| steady[i] + strength * self.stress[i] + self.error[i] * rng.normal();
        (0..self.size.genes).map(|i| value(i, &mut rng) as f32).collect()
    }

    fn prior(&self, genes: &GeneIndex) -> GeneGraph {
        let mut rng = Rng::named(self.seed, "rank.simulation.prior");
        let n = self.size.genes;
        let truth: HashSet<(usize, usize)> =
            self.network.iter().enumerate().flat_map(|(i, row)| row.iter().map(move |&(j, _)| (j, i))).collect();
        let mut ends = Vec::new();
        self.network.iter().enumerate().for_each(|(i, row)| row.iter().for_each(|&(j, _)| ends.extend([i, j])));
        ends.extend(0..n);
        let kept: Vec<(usize, usize)> = effects(&self.network)
            .iter()
            .map(|&(i, j, _)| (j as usize, i as usize))
            .filter(|_| rng.uniform() < 0.5)
            .collect();
        let mut pairs: HashSet<(usize, usize)> = kept.iter().copied().collect();
        let mut all = kept.clone();
        while all.len() * 35 < kept.len() * 100 {
            let pair = (ends[rng.below(ends.len())], ends[rng.below(ends.len())]);
            let back = (pair.1, pair.0);
            let known = [pair, back].iter().any(|p| truth.contains(p) || pairs.contains(p));
            if pair.0 != pair.1 && !known {
                pairs.insert(pair);
                all.push(pair);
            }
        }
        let mut builder = GraphBuilder::new();
        for (source, target) in all {
            let confidence = (0.15 + 0.84 * rng.beta(3.0, 3.0)) as f32;
            let (a, b) = (&genes.names()[source], &genes.names()[target]);
            if rng.uniform() < 0.7 {
                builder.add(a, b, confidence, Sign::Unknown, &[]);
            } else {
                builder.add_undirected(a, b, confidence, &[]);
            }
        }
        builder.build()
    }

    fn covariance(&self, genes: &Arc<GeneIndex>, prior: &GeneGraph) -> Covariance {
        let cell = |cell: usize| {
            let mut rng = Rng::keyed(self.seed, "rank.simulation.cell", cell as u64, 0);
            let u: Vec<f64> = (0..self.size.genes).map(|_| 0.3 * rng.normal()).collect();
            let mut x = vec![0.0; self.size.genes];
            for _ in 0..25 {
                let next = response(&self.network, &x, Some(&u));
                x.iter_mut().zip(next).for_each(|(x, y)| *x = 0.5 * (*x + y));
            }
            let noisy = x.iter().zip(&self.error).map(|(x, s)| (x + CELL_NOISE * s * rng.normal()) as f32);
            noisy.collect::<Vec<f32>>()
        };
        let rows: Vec<Vec<f32>> = (0..self.size.cells).into_par_iter().map(cell).collect();
        let mut x = Csr::empty(self.size.genes);
        rows.into_iter().for_each(|row| x.push_row(row.into_iter().enumerate().map(|(g, v)| (g as u32, v))));
        let mut cells = ControlCells::new(Arc::clone(genes), usize::MAX, 0);
        cells.push(&CellBlock { first_cell: 0, x }, |_| true);
        let noise = CountingNoise::Known(self.error.iter().map(|s| (CELL_NOISE * s).powi(2) as f32).collect());
        Covariance::new(cells, prior, &noise, &ResponseSettings::default())
    }

    fn responses(&self, genes: &Arc<GeneIndex>, training: &[usize], steady: &[Vec<f64>]) -> Responses {
        let n = self.size.genes;
        let rows: Vec<Vec<f32>> =
            training.iter().map(|&g| self.measured(&steady[g], &[g], "rank.simulation.training", g)).collect();
        let variance = |g: usize| (self.error[g].powi(2) * CELLS_EACH as f64) as f32;
        Responses {
            genes: Arc::clone(genes),
            perturbations: training.iter().map(|&g| Perturbation::of([genes.names()[g].as_ref()])).collect(),
            delta: Array2::from_shape_fn((rows.len(), n), |(r, g)| rows[r][g]),
            var: Some(Array2::from_shape_fn((rows.len(), n), |(_, g)| variance(g))),
            third: None,
            n_cells: vec![CELLS_EACH; rows.len()],
            control: ControlProfile {
                mean: Array1::zeros(n),
                var: Some(Array1::zeros(n)),
                third: None,
                n_cells: self.size.cells as u64,
            },
            significant: None,
            halves: None,
            quantity: Quantity::Level,
        }
    }

    /// Another cell context: a fifth of the effects are lost and as many are new, the others are stronger or weaker.
    fn elsewhere(&self) -> Rows {
        let mut rng = Rng::named(self.seed, "rank.simulation.context");
        let mut network: Rows = vec![Vec::new(); self.size.genes];
        for (i, row) in self.network.iter().enumerate() {
            for &(j, w) in row {
                let scaled = w * (0.3 * rng.normal()).exp();
                let target = if rng.uniform() < 0.2 { rng.below(self.size.genes) } else { i };
                if target != j && network[target].iter().all(|&(k, _)| k != j) {
                    network[target].push((j, scaled));
                }
            }
        }
        bounded(network)
    }

    fn queries(&self, training: &[usize], unseen: &[usize]) -> Vec<(&'static str, Queries, Vec<Vec<usize>>)> {
        let singles = |genes: &[usize]| genes.iter().map(|&g| vec![g]).collect::<Vec<_>>();
        let seen = &training[..self.size.queries.min(training.len() / 2)];
        let again = &training[training.len() - seen.len()..];
        let half = unseen.len() / 2;
        let partner = |k: usize| if k < half { seen[k] } else { unseen[(k + 1) % half] };
        let pairs: Vec<Vec<usize>> = unseen.iter().enumerate().map(|(k, &g)| vec![g, partner(k)]).collect();
        let elsewhere = self.elsewhere();
        let sets = [
            ("unseen", singles(unseen), &self.network, false),
            ("context", singles(seen), &elsewhere, false),
            ("seen", singles(again), &self.network, false),
            ("inhibitor", singles(unseen), &self.network, true),
            ("pairs", pairs, &self.network, false),
        ];
        let named = |(name, truth, network, inhibitor): (&'static str, Vec<Vec<usize>>, &Rows, bool)| {
            let steady = self.steady(network, &truth, inhibitor);
            let rows: Vec<Vec<f32>> = (0..truth.len()).map(|q| self.measured(&steady[q], &truth[q], name, q)).collect();
            let shape = (rows.len(), self.size.genes);
            let queries = Queries {
                names: (0..rows.len()).map(|q| format!("{name}.{q}")).collect(),
                delta: Array2::from_shape_fn(shape, |(q, g)| rows[q][g]),
                error: Some(Array2::from_shape_fn(shape, |(_, g)| self.error[g] as f32)),
                known: vec![true; self.size.genes],
            };
            (name, queries, truth)
        };
        sets.into_iter().map(named).collect()
    }
}

/// tanh(W x + u).
fn response(network: &Rows, x: &[f64], u: Option<&[f64]>) -> Vec<f64> {
    let of = |(i, row): (usize, &Vec<(usize, f64)>)| {
        let sum: f64 = row.iter().map(|&(j, w)| w * x[j]).sum();
        (sum + u.map_or(0.0, |u| u[i])).tanh()
    };
    network.iter().enumerate().map(of).collect()
}
