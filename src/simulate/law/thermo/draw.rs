//! Folds, levels and rates drawn at random.

use super::{Epistasis, Law, Thermo, ThermoOptions};
use crate::error::Notice;
use crate::simulate::{Link, SimulateError, Wiring};
use crate::stats::Rng;

impl Thermo {
    /// Draws folds, levels, half-lives and pairs. Where the unperturbed state would not be stable, all effects are weakened by one
    /// factor, and a notice says so.
    ///
    /// # Errors
    /// As [`Thermo::new`].
    pub fn draw(wiring: &Wiring, options: &ThermoOptions, seed: u64) -> Result<(Self, Vec<Notice>), SimulateError> {
        Self::draw_at(wiring, options, draw_levels(wiring, options, seed), seed)
    }

    /// As [`Thermo::draw`] with these levels, one per gene in any unit: measured mean expression, for example.
    ///
    /// # Errors
    /// As [`Thermo::new`].
    pub fn draw_at(
        wiring: &Wiring,
        options: &ThermoOptions,
        levels: Vec<f64>,
        seed: u64,
    ) -> Result<(Self, Vec<Notice>), SimulateError> {
        if !(options.fold > 1.0 && options.fold.is_finite()) {
            return Err(SimulateError::option("fold", "a number above 1", options.fold));
        }
        if !(0.0..=1.0).contains(&options.epistasis) {
            return Err(SimulateError::option("epistasis", "a share in 0..=1", options.epistasis));
        }
        let strengths = draw_strengths(wiring, options, seed);
        let decay = draw_decay(wiring, options, seed);
        let scaled = |scale: f64| {
            let folds: Vec<f64> = strengths.iter().map(|s| (s * scale).exp()).collect();
            let law = Self::new(wiring, &folds, options.hill, &levels)?.with_decay(decay.clone())?;
            if options.epistasis == 0.0 {
                return Ok(law);
            }
            let pairs = draw_pairs(&law, options.epistasis, seed);
            law.with_epistasis(pairs)
        };
        let law = scaled(1.0)?;
        if law.growth < options.limit {
            return Ok((law, Vec::new()));
        }
        let (before, scale) = (law.growth, weaken(&scaled, options.limit)?);
        let law = scaled(scale)?;
        let notice = Notice::new(format!(
            "edge effects (ln fold) were weakened to {:.0} % so that the unperturbed state is stable: growth rate {before:.2} before, {:.2} now, below 1 needed",
            scale * 100.0,
            law.growth
        ));
        Ok((law, vec![notice]))
    }
}

/// Log-normal half-lives, as decay rates per hour.
fn draw_decay(wiring: &Wiring, options: &ThermoOptions, seed: u64) -> Vec<f64> {
    let z = |gene| Rng::keyed(seed, "half-life", gene, 0).normal();
    let half_life = |gene| options.half_life * (options.half_life_sigma * z(gene)).exp();
    (0..wiring.genes.len() as u64).map(|gene| std::f64::consts::LN_2 / half_life(gene)).collect()
}

/// In a share of the genes with two or more regulators, two of them act together: more (omega 1 to 4) or less (-0.5 to
/// -0.8) than the product of what they do alone, with equal chance.
fn draw_pairs(law: &Thermo, share: f64, seed: u64) -> Vec<Epistasis> {
    let pair = |gene: usize| {
        let mut rng = Rng::keyed(seed, "epistasis", gene as u64, 0);
        let regulators = law.regulators_of(gene);
        if regulators.len() < 2 || rng.uniform() >= share {
            return None;
        }
        let first = rng.below(regulators.len());
        let second = (first + 1 + rng.below(regulators.len() - 1)) % regulators.len();
        let size = rng.uniform();
        let omega = if rng.uniform() < 0.5 { 4.0f64.powf(size) } else { -0.5 - 0.3 * size };
        Some(Epistasis { target: gene as u32, pair: [regulators[first], regulators[second]], omega })
    };
    (0..law.n_genes()).filter_map(pair).collect()
}

/// Signed ln f per link: log-normal size, the sign of the link, weaker where many regulators share a target.
fn draw_strengths(wiring: &Wiring, options: &ThermoOptions, seed: u64) -> Vec<f64> {
    let mut regulators = vec![0usize; wiring.genes.len()];
    wiring.links.iter().for_each(|l| regulators[l.target.index()] += 1);
    let strength = |link: &Link| {
        let (source, target) = (u64::from(link.source.0), u64::from(link.target.0));
        let size = options.fold.ln() * (options.fold_sigma * Rng::keyed(seed, "fold", source, target).normal()).exp();
        let shared = (options.full_strength / regulators[link.target.index()] as f64).sqrt().min(1.0);
        if link.activates { size * shared } else { -size * shared }
    };
    wiring.links.iter().map(strength).collect()
}

/// Log-normal levels; a gene that is mostly repressed is expressed less, one that is mostly activated more.
fn draw_levels(wiring: &Wiring, options: &ThermoOptions, seed: u64) -> Vec<f64> {
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
fn weaken(scaled: &impl Fn(f64) -> Result<Thermo, SimulateError>, limit: f64) -> Result<f64, SimulateError> {
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 0.01 {
        let middle = f64::midpoint(low, high);
        if scaled(middle)?.growth < limit { low = middle } else { high = middle }
    }
    Ok(low)
}
