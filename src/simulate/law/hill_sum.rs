//! Law of SERGIO: the production of a gene is a sum over its regulators, the half constants frozen when the law is made.

use std::sync::Arc;

use super::{Law, Levels, check_positive, power};
use crate::data::GeneIndex;
use crate::simulate::{CellType, Forcing, HillNetwork, SimulateError, Solver};

mod draw;

pub use self::draw::HillSumOptions;

/// Decay per hour of every gene in SERGIO's own sets.
pub const SERGIO_DECAY: f64 = 0.8;
/// Rounds in which half constants and levels are brought to agree.
const ROUNDS: usize = 500;
/// Rounds after which the half constants go only half as far towards the mean levels.
const PATIENCE: usize = 40;
/// Largest relative change of a half constant at which they do.
const AGREEMENT: f64 = 1e-9;

/// `P_i = rate_i` for master regulators, else `sum_j |K_ij| H(x_j)`, `H = u / (1 + u)` for activators and `1 / (1 + u)` for
/// repressors, `u = (x_j / h_j)^n_ij` (Dibaeinia and Sinha 2020).
///
/// h_j is the mean over cell types of the level of j at rest. SERGIO estimates it anew in every run, so that a knockdown
/// run alone leaves the targets where they are; here it is a constant of the law. The baseline is the steady state in
/// which every master regulator is made at its mean rate over cell types.
#[derive(Debug, Clone)]
pub struct HillSum {
    genes: Arc<GeneIndex>,
    start: Vec<usize>,
    source: Vec<u32>,
    strength: Vec<f64>,
    hill: Vec<f64>,
    half: Vec<f64>,
    rate: Vec<f64>,
    decay: Vec<f64>,
    baseline: Vec<f64>,
}

impl HillSum {
    /// Finds half constants and steady states that agree with each other, from a network with cycles or without. `decay` is
    /// per hour and one for all genes.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for a decay that is not positive, [`SimulateError::Unconverged`] where a cell type has no
    /// steady state or the half constants do not settle.
    ///
    /// # Complexity
    /// O(rounds x types x one steady state); without cycles as many rounds as the longest path has genes.
    pub fn new(network: &HillNetwork, decay: f64) -> Result<(Self, Vec<CellType>), SimulateError> {
        check_positive("decay", &[decay], 1)?;
        let mut law = Self::unsettled(network, decay);
        let mut types = vec![law.baseline.clone(); network.n_types()];
        law.agree(network, &mut types)?;
        law.baseline = Solver::new(&law).settle(&law.baseline, "the mean rates of all cell types")?;
        let forced = |t| law.forcings(network, t);
        let named = |t| CellType { name: format!("type{}", t + 1), forced: forced(t) };
        let cell_types = (0..types.len()).map(named).collect();
        Ok((law, cell_types))
    }

    /// Half constant of each gene as a regulator: its mean level over cell types. Length n_genes.
    pub fn half(&self) -> &[f64] {
        &self.half
    }

    /// The law with half constants as if every regulator stood at its own half constant.
    fn unsettled(network: &HillNetwork, decay: f64) -> Self {
        let n = network.genes.len();
        let mut links = network.links.clone();
        links.sort_by_key(|l| (l.target, l.source));
        let mut start = vec![0; n + 1];
        links.iter().for_each(|l| start[l.target.index() + 1] += 1);
        (0..n).for_each(|i| start[i + 1] += start[i]);
        let (mut rate, mut guess) = (vec![0.0; n], vec![0.0; n]);
        for (gene, rates) in &network.masters {
            rate[gene.index()] = rates.iter().sum::<f64>() / rates.len() as f64;
            guess[gene.index()] = rate[gene.index()] / decay;
        }
        links.iter().for_each(|l| guess[l.target.index()] += l.strength.abs() / (2.0 * decay));
        Self {
            genes: Arc::clone(&network.genes),
            start,
            source: links.iter().map(|l| l.source.0).collect(),
            strength: links.iter().map(|l| l.strength).collect(),
            hill: links.iter().map(|l| l.hill).collect(),
            half: guess.clone(),
            rate,
            decay: vec![decay; n],
            baseline: guess,
        }
    }

    /// Steady states of all types under the present half constants, which then become their means, until these stay.
    fn agree(&mut self, network: &HillNetwork, types: &mut [Vec<f64>]) -> Result<(), SimulateError> {
        let mut change = f64::INFINITY;
        for round in 0..ROUNDS {
            let damping = 0.5f64.powi((round / PATIENCE).min(5) as i32);
            for (t, levels) in types.iter_mut().enumerate() {
                let of_type = self.with_rates(network, t);
                *levels = Solver::new(&of_type).settle(levels, &format!("cell type {}", t + 1))?;
            }
            change = 0.0;
            for (gene, half) in self.half.iter_mut().enumerate() {
                let mean = types.iter().map(|levels| levels[gene]).sum::<f64>() / types.len() as f64;
                change = f64::max(change, (mean / *half - 1.0).abs());
                *half *= (mean / *half).powf(damping);
            }
            if change <= AGREEMENT {
                return Ok(());
            }
        }
        Err(SimulateError::Unconverged {
            perturbation: "the half constants of the law hill-sum".to_owned(),
            tolerance: AGREEMENT,
            residual: change,
            iterations: ROUNDS,
        })
    }

    /// The same law with the master regulators made as in one cell type.
    fn with_rates(&self, network: &HillNetwork, cell_type: usize) -> Self {
        let mut law = self.clone();
        network.masters.iter().for_each(|(gene, rates)| law.rate[gene.index()] = rates[cell_type]);
        law
    }

    fn forcings(&self, network: &HillNetwork, cell_type: usize) -> Vec<(u32, Forcing)> {
        let forcing = |rate: f64, mean: f64| match rate {
            0.0 => Forcing::Absent,
            rate => Forcing::Shift((rate / mean).ln()),
        };
        let masters = network.masters.iter();
        masters.map(|(gene, rates)| (gene.0, forcing(rates[cell_type], self.rate[gene.index()]))).collect()
    }

    /// Share of its strength that the edge at this position of the list gives, at this level of its regulator.
    fn share(&self, at: usize, level: f64) -> f64 {
        let u = power(level / self.half[self.source[at] as usize], self.hill[at]);
        if self.strength[at] < 0.0 {
            1.0 / (1.0 + u)
        } else if u.is_finite() {
            u / (1.0 + u)
        } else {
            1.0
        }
    }
}

impl Law for HillSum {
    fn name(&self) -> &'static str {
        "hill-sum"
    }

    fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    fn regulators_of(&self, gene: usize) -> &[u32] {
        &self.source[self.start[gene]..self.start[gene + 1]]
    }

    fn baseline(&self) -> &[f64] {
        &self.baseline
    }

    fn decay(&self) -> &[f64] {
        &self.decay
    }

    fn production(&self, gene: usize, levels: Levels<'_>, out: &mut [f64]) {
        out.fill(self.rate[gene]);
        for at in self.start[gene]..self.start[gene + 1] {
            let source = self.source[at] as usize;
            let (strength, per_half, x) = (self.strength[at], 1.0 / self.half[source], levels.of(source));
            match (self.hill[at], strength > 0.0) {
                (1.0, true) => add(out, x, |x| activation(strength, x * per_half)),
                (1.0, false) => add(out, x, |x| repression(-strength, x * per_half)),
                (2.0, true) => add(out, x, |x| activation(strength, square(x * per_half))),
                (2.0, false) => add(out, x, |x| repression(-strength, square(x * per_half))),
                (4.0, true) => add(out, x, |x| activation(strength, square(square(x * per_half)))),
                (4.0, false) => add(out, x, |x| repression(-strength, square(square(x * per_half)))),
                (n, true) => add(out, x, |x| activation(strength, power(x * per_half, n))),
                (n, false) => add(out, x, |x| repression(-strength, power(x * per_half, n))),
            }
        }
    }

    /// `n |K| H (1 - H) / P`, below 0 for repressors; exact.
    fn elasticities(&self, gene: usize, levels: &[f64], out: &mut [f64]) {
        let mut made = [0.0];
        self.production(gene, Levels::new(levels, 1), &mut made);
        for (at, to) in (self.start[gene]..self.start[gene + 1]).zip(out) {
            let share = self.share(at, levels[self.source[at] as usize]);
            *to = self.hill[at] * self.strength[at] * share * (1.0 - share) / made[0];
        }
    }

    fn edge_parameters(&self) -> &'static [&'static str] {
        &["strength", "half", "hill"]
    }

    fn edge(&self, gene: usize, k: usize) -> Vec<f64> {
        let at = self.start[gene] + k;
        vec![self.strength[at], self.half[self.source[at] as usize], self.hill[at]]
    }
}

/// A loop per form of the Hill function, so that each is compiled to vector instructions.
#[inline(always)]
fn add(out: &mut [f64], levels: &[f64], made: impl Fn(f64) -> f64) {
    out.iter_mut().zip(levels).for_each(|(out, &x)| *out += made(x));
}

#[inline(always)]
fn square(u: f64) -> f64 {
    u * u
}

/// For a u beyond 1e300 its limit: no level comes near that.
#[inline(always)]
fn activation(strength: f64, u: f64) -> f64 {
    let u = if u < 1e300 { u } else { 1e300 };
    strength * u / (1.0 + u)
}

#[inline(always)]
fn repression(strength: f64, u: f64) -> f64 {
    strength / (1.0 + u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::solve;

    fn network(targets: &str, masters: &str) -> HillNetwork {
        HillNetwork::parse_sergio((targets, "targets"), (masters, "masters")).unwrap()
    }

    fn made(law: &HillSum, gene: usize, levels: &[f64]) -> f64 {
        let mut out = [0.0];
        law.production(gene, Levels::new(levels, 1), &mut out);
        out[0]
    }

    #[test]
    fn half_constants_are_mean_levels_over_types() {
        let network = network("1,1,0,3,2\n2,2,0,1,2,-4,2,1\n", "0,0.2,0.6\n");
        let (law, types) = HillSum::new(&network, 0.8).unwrap();
        // By hand: G0 is 0.25 and 0.75, h0 = 0.5, u = 1/4 and 9/4, G1 = 3 u / (1 + u) / 0.8 = 0.75 and 2.596...
        let g1 = [3.0 * 0.2 / 0.8, 3.0 * (2.25 / 3.25) / 0.8];
        let h1 = f64::midpoint(g1[0], g1[1]);
        assert!((law.half()[0] - 0.5).abs() < 1e-9 && (law.half()[1] - h1).abs() < 1e-9);
        for (t, cell_type) in types.iter().enumerate() {
            let y = solve(&law, &cell_type.forced, None, &cell_type.name).unwrap().log_ratio;
            let level: Vec<f64> = y.iter().zip(law.baseline()).map(|(y, base)| base * y.exp()).collect();
            let u: f64 = [0.25, 2.25][t];
            let g2 = (2.0 * u / (1.0 + u) + 4.0 / (1.0 + g1[t] / h1)) / 0.8;
            for (level, expected) in level.iter().zip([[0.25, 0.75][t], g1[t], g2]) {
                assert!((level / expected - 1.0).abs() < 1e-8, "{level}, expected {expected}");
            }
        }
    }

    #[test]
    fn a_knockdown_run_alone_reaches_the_targets() {
        // SERGIO leaves the target of a knocked-down activator where it was. By hand: u = 0.15^2 with h frozen.
        let network = network("1,1,0,3,2\n", "0,0.5\n");
        let (law, types) = HillSum::new(&network, 0.8).unwrap();
        let mut forced = types[0].forced.clone();
        forced.push((0, Forcing::Shift(0.15f64.ln())));
        let y = solve(&law, &forced, None, "G0").unwrap().log_ratio;
        let u = 0.15f64.powi(2);
        assert!((y[1].exp() - 2.0 * u / (1.0 + u)).abs() < 1e-9, "{}", y[1].exp());
    }

    #[test]
    fn cycles_are_accepted() {
        let network = network("1,2,0,3,2,2,2,2\n2,1,1,3,2\n3,1,2,-2,2\n", "0,0.3,0.9\n");
        let (law, types) = HillSum::new(&network, 0.8).unwrap();
        let mut means = [0.0; 4];
        for cell_type in &types {
            let y = solve(&law, &cell_type.forced, None, &cell_type.name).unwrap().log_ratio;
            let levels: Vec<f64> = y.iter().zip(law.baseline()).map(|(y, base)| base * y.exp()).collect();
            (1..4).for_each(|g| assert!((made(&law, g, &levels) / (0.8 * levels[g]) - 1.0).abs() < 1e-8));
            means.iter_mut().zip(&levels).for_each(|(m, x)| *m += x / 2.0);
        }
        law.half().iter().zip(means).for_each(|(half, mean)| assert!((mean / half - 1.0).abs() < 1e-7));
    }

    #[test]
    fn elasticities_are_the_slopes_of_production() {
        let network = network("1,1,0,3,2\n2,2,0,1,2,-4,4,1\n3,2,1,2,1,-2,3,2.5\n", "0,0.2,0.6\n");
        let (law, _) = HillSum::new(&network, 0.8).unwrap();
        for factor in [1.0, 0.3, 4.0] {
            let levels: Vec<f64> = law.baseline().iter().map(|x| x * factor).collect();
            for gene in 1..4 {
                let regulators = law.regulators_of(gene);
                let mut exact = vec![0.0; regulators.len()];
                law.elasticities(gene, &levels, &mut exact);
                for (&j, exact) in regulators.iter().zip(exact) {
                    let at = |step: f64| {
                        let mut x = levels.clone();
                        x[j as usize] *= step.exp();
                        made(&law, gene, &x).ln()
                    };
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((slope - exact).abs() < 1e-8, "{slope}, expected {exact}");
                }
            }
        }
    }

    #[test]
    fn many_lanes_agree_with_one() {
        let network = network("1,1,0,3,2\n2,2,0,1,2,-4,4,1\n3,2,1,2,1,-2,3,2.5\n", "0,0.2,0.6\n");
        let (law, _) = HillSum::new(&network, 0.8).unwrap();
        let levels: Vec<f64> = (0..4 * 3).map(|k| 0.1 + 0.3 * f64::from(k)).collect();
        for gene in 0..4 {
            let mut out = [0.0; 3];
            law.production(gene, Levels::new(&levels, 3), &mut out);
            for lane in 0..3 {
                let one: Vec<f64> = (0..4).map(|g| levels[g * 3 + lane]).collect();
                assert_eq!(out[lane], made(&law, gene, &one));
            }
        }
    }

    #[test]
    fn a_type_without_a_regulator_has_no_target_either() {
        let (law, types) = HillSum::new(&network("1,1,0,3,2\n", "0,0,1\n"), 0.8).unwrap();
        assert_eq!(types[0].forced, [(0, Forcing::Absent)]);
        let y = solve(&law, &types[0].forced, None, "type1").unwrap().log_ratio;
        assert!(y.iter().all(|y| *y <= -39.0), "{y:?}");
    }
}
