//! How strongly a regulator changes its target.

use serde::Serialize;

use std::sync::Arc;

use super::{SimulateError, Wiring, growth_rate};
use crate::data::GeneIndex;
use crate::error::Notice;
use crate::stats::Rng;

/// Strengths and levels to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KineticOptions {
    /// Hill coefficient of every link (2, as in SERGIO).
    pub hill: f64,
    /// Median fold by which a saturated regulator changes its target (our choice).
    pub fold: f64,
    /// Standard deviation of ln |ln f| over links.
    pub fold_sigma: f64,
    /// A gene with more regulators than this has each of them weakened by sqrt(this / regulators).
    pub full_strength: f64,
    /// Standard deviation of the ln level over genes.
    pub level_sigma: f64,
    /// How much lower (ln) a gene with repressors only is expressed than one with as many activators.
    pub level_shift: f64,
    /// Largest accepted real part of the elasticity matrix' eigenvalues; at 1 the unperturbed state loses stability.
    pub limit: f64,
}

impl Default for KineticOptions {
    fn default() -> Self {
        Self {
            hill: 2.0,
            fold: 2.1,
            fold_sigma: 0.5,
            full_strength: 3.0,
            level_sigma: 1.2,
            level_shift: 0.7,
            limit: 0.95,
        }
    }
}

/// The law of every gene, frozen at the unperturbed state: links by target (CSR), folds and levels.
#[derive(Debug, Clone)]
pub struct Kinetics {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Hill coefficient n.
    pub hill: f64,
    /// Unperturbed levels as shares of the total, length n_genes, sum 1.
    pub level: Vec<f64>,
    /// The growth rate of a small disturbance (largest real part of the eigenvalues of the elasticity matrix).
    pub growth: f64,
    start: Vec<usize>,
    source: Vec<u32>,
    fold: Vec<f64>,
    elasticity: Vec<f64>,
    regulators: Vec<u32>,
}

impl Kinetics {
    /// A law with given folds, one per link of the wiring: f > 1 activates, 0 < f < 1 represses.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for folds, levels or a Hill coefficient that are not positive and finite.
    pub fn new(wiring: &Wiring, folds: &[f64], hill: f64, levels: &[f64]) -> Result<Self, SimulateError> {
        let bad = |x: &&f64| !(x.is_finite() && **x > 0.0);
        for (name, values, n) in [("fold", folds, wiring.links.len()), ("level", levels, wiring.genes.len())] {
            if values.len() != n {
                return Err(SimulateError::option(name, format!("{n} values"), values.len()));
            }
            if let Some(value) = values.iter().find(bad) {
                return Err(SimulateError::option(name, "a finite number above 0", value));
            }
        }
        if bad(&&hill) {
            return Err(SimulateError::option("hill", "a finite number above 0", hill));
        }
        let mut order: Vec<usize> = (0..folds.len()).collect();
        order.sort_by_key(|&k| (wiring.links[k].target, wiring.links[k].source));
        let mut start = vec![0; wiring.genes.len() + 1];
        wiring.links.iter().for_each(|l| start[l.target.index() + 1] += 1);
        (0..wiring.genes.len()).for_each(|i| start[i + 1] += start[i]);
        let degrees = wiring.out_degrees();
        let total: f64 = levels.iter().sum();
        let mut kinetics = Self {
            genes: Arc::clone(&wiring.genes),
            hill,
            level: levels.iter().map(|x| x / total).collect(),
            growth: 0.0,
            start,
            source: order.iter().map(|&k| wiring.links[k].source.0).collect(),
            fold: order.iter().map(|&k| folds[k]).collect(),
            elasticity: Vec::new(),
            regulators: (0..degrees.len() as u32).filter(|&i| degrees[i as usize] > 0).collect(),
        };
        kinetics.elasticity = kinetics.fold.iter().map(|&f| kinetics.elasticity(f)).collect();
        kinetics.growth = growth_rate(&kinetics);
        Ok(kinetics)
    }

    /// Draws folds and levels. Where the unperturbed state would not be stable, all effects are weakened by one factor,
    /// and a notice says so.
    ///
    /// # Errors
    /// As [`Kinetics::new`].
    pub fn draw(wiring: &Wiring, options: &KineticOptions, seed: u64) -> Result<(Self, Vec<Notice>), SimulateError> {
        if !(options.fold > 1.0 && options.fold.is_finite()) {
            return Err(SimulateError::option("fold", "a number above 1", options.fold));
        }
        let strengths = draw_strengths(wiring, options, seed);
        let levels = draw_levels(wiring, options, seed);
        let scaled = |scale: f64| {
            let folds: Vec<f64> = strengths.iter().map(|s| (s * scale).exp()).collect();
            Self::new(wiring, &folds, options.hill, &levels)
        };
        let kinetics = scaled(1.0)?;
        if kinetics.growth < options.limit {
            return Ok((kinetics, Vec::new()));
        }
        let (before, scale) = (kinetics.growth, weaken(&scaled, options.limit)?);
        let kinetics = scaled(scale)?;
        let notice = Notice::new(format!(
            "edge effects (ln fold) were weakened to {:.0} % so that the unperturbed state is stable: growth rate {before:.2} before, {:.2} now, below 1 needed",
            scale * 100.0,
            kinetics.growth
        ));
        Ok((kinetics, vec![notice]))
    }

    /// Number of genes.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// Genes that regulate others, ascending.
    pub fn regulators(&self) -> &[u32] {
        &self.regulators
    }

    /// Regulators and folds of a gene.
    pub fn inputs(&self, gene: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let range = self.start[gene]..self.start[gene + 1];
        self.source[range.clone()].iter().copied().zip(self.fold[range].iter().copied())
    }

    /// ln of the production of a gene relative to the unperturbed state, given `u = (x / x*)^n` of every gene.
    pub(super) fn log_production(&self, gene: usize, u: &[f64]) -> f64 {
        let ratio = |(source, fold): (u32, f64)| {
            let u = u[source as usize];
            (1.0 + fold * u) / ((1.0 + u) * (0.5 * (1.0 + fold)))
        };
        self.inputs(gene).map(ratio).product::<f64>().ln()
    }

    /// d ln x_target / d ln x_source at the unperturbed state for a link of this fold: n (f - 1) / (2 (1 + f)).
    pub fn elasticity(&self, fold: f64) -> f64 {
        self.hill * (fold - 1.0) / (2.0 * (1.0 + fold))
    }

    /// The elasticity matrix times a vector over genes.
    pub(super) fn linear(&self, v: &[f64], out: &mut [f64]) {
        for (to, range) in out.iter_mut().zip(self.start.windows(2)) {
            let links = self.source[range[0]..range[1]].iter().zip(&self.elasticity[range[0]..range[1]]);
            *to = links.map(|(&source, elasticity)| elasticity * v[source as usize]).sum();
        }
    }
}

/// Signed ln f per link: log-normal size, the sign of the link, weaker where many regulators share a target.
fn draw_strengths(wiring: &Wiring, options: &KineticOptions, seed: u64) -> Vec<f64> {
    let mut regulators = vec![0usize; wiring.genes.len()];
    wiring.links.iter().for_each(|l| regulators[l.target.index()] += 1);
    let strength = |link: &super::Link| {
        let (source, target) = (u64::from(link.source.0), u64::from(link.target.0));
        let size = options.fold.ln() * (options.fold_sigma * Rng::keyed(seed, "fold", source, target).normal()).exp();
        let shared = (options.full_strength / regulators[link.target.index()] as f64).sqrt().min(1.0);
        if link.activates { size * shared } else { -size * shared }
    };
    wiring.links.iter().map(strength).collect()
}

/// Log-normal levels; a gene that is mostly repressed is expressed less, one that is mostly activated more.
fn draw_levels(wiring: &Wiring, options: &KineticOptions, seed: u64) -> Vec<f64> {
    let mut balance = vec![(0.0, 0.0f64); wiring.genes.len()];
    for link in &wiring.links {
        let (sum, n) = &mut balance[link.target.index()];
        *sum += if link.activates { 1.0 } else { -1.0 };
        *n += 1.0;
    }
    let level = |(gene, (sum, n)): (usize, &(f64, f64))| {
        let z = Rng::keyed(seed, "level", gene as u64, 0).normal();
        (options.level_sigma * z + options.level_shift * sum / n.max(1.0)).exp()
    };
    balance.iter().enumerate().map(level).collect()
}

/// The largest factor (to 1 %) on all ln f that keeps the growth rate below the limit.
fn weaken(scaled: &impl Fn(f64) -> Result<Kinetics, SimulateError>, limit: f64) -> Result<f64, SimulateError> {
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 0.01 {
        let middle = f64::midpoint(low, high);
        if scaled(middle)?.growth < limit { low = middle } else { high = middle }
    }
    Ok(low)
}
