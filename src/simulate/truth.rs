//! What a simulated screen knows and a real one does not.

use std::sync::Arc;

use super::{DoseResponse, Efficiency, Elasticity, Law, Observation};
use crate::data::{GeneIndex, Perturbation};

/// Everything that is true of a simulated screen.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// Every link with its parameters, by target then source.
    pub edges: Vec<TrueEdge>,
    /// Names of the parameters of a link.
    pub edge_parameters: &'static [&'static str],
    /// Unperturbed level per gene.
    pub levels: Vec<f64>,
    /// Decay rate per gene, per hour.
    pub decay: Vec<f64>,
    /// The true change per perturbation of the screen, in its order.
    pub responses: Vec<Response>,
    /// The true change for genes that were held out of the screen.
    pub held_out: Vec<Response>,
    /// Growth rate of a small disturbance; the unperturbed state is stable below 1.
    pub growth: f64,
    /// Largest residual of any steady state.
    pub residual: f64,
}

impl Truth {
    /// The median number of responding genes over the perturbations of the screen ([`Response::responding`]).
    pub fn median_responding(&self) -> usize {
        let mut counts: Vec<usize> = self.responses.iter().map(Response::responding).collect();
        counts.sort_unstable();
        counts.get(counts.len() / 2).copied().unwrap_or(0)
    }
}

/// A link with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueEdge {
    /// Regulator.
    pub source: String,
    /// Gene acted on.
    pub target: String,
    /// d ln production of the target / d ln regulator at the unperturbed state: above 0 activates, below 0 represses.
    pub elasticity: f64,
    /// The parameters that the law gives an edge, in the order of [`Law::edge_parameters`]; levels are shares of all
    /// molecules for the law `thermo`.
    pub parameters: Vec<f64>,
}

/// The true change of expression that a perturbation causes, over all genes.
#[derive(Debug, Clone)]
pub struct Response {
    /// The perturbation.
    pub perturbation: Perturbation,
    /// Expected difference of mean log1p counts (scaled to the median depth) of infinitely many cells.
    pub delta: Vec<f32>,
    /// log2 of the ratio of mean levels over infinitely many cells, escapers included.
    pub log2_fold_change: Vec<f32>,
}

impl Response {
    /// Number of genes whose mean level changes by more than 2^0.25 (19 %).
    pub fn responding(&self) -> usize {
        self.log2_fold_change.iter().filter(|x| x.abs() > 0.25).count()
    }

    /// The change averaged over the efficiencies of infinitely many cells.
    pub(super) fn of(
        perturbation: Perturbation,
        dose: &DoseResponse,
        population: &[(f64, f64)],
        law: &dyn Law,
        expected: &ExpectedLog1p,
    ) -> Self {
        let n = law.n_genes();
        let total: f64 = law.baseline().iter().sum();
        let log_level: Vec<f64> = law.baseline().iter().map(|x| (x / total).ln()).collect();
        let (mut ratio, mut log1p, mut y) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        for &(efficiency, share) in population {
            dose.at(efficiency, &mut y);
            for gene in 0..n {
                ratio[gene] += share * y[gene].exp();
                log1p[gene] += share * expected.at(log_level[gene] + y[gene]);
            }
        }
        let base = |gene: usize| expected.at(log_level[gene]);
        Self {
            perturbation,
            delta: (0..n).map(|g| (log1p[g] - base(g)) as f32).collect(),
            log2_fold_change: ratio.iter().map(|r| r.log2() as f32).collect(),
        }
    }
}

/// Every link with its parameters.
pub(super) fn edges(law: &dyn Law) -> Vec<TrueEdge> {
    let name = |g: usize| law.genes().names()[g].to_string();
    let elasticity = Elasticity::at(law, law.baseline());
    let of_target = |target: usize| {
        let edge = |(k, (source, elasticity)): (usize, (u32, f64))| TrueEdge {
            source: name(source as usize),
            target: name(target),
            elasticity,
            parameters: law.edge(target, k),
        };
        elasticity.row(target).enumerate().map(edge).collect::<Vec<_>>()
    };
    (0..law.n_genes()).flat_map(of_target).collect()
}

/// E[log1p(K / d)] of a gene as a function of ln(share of the total), where K is the count in a cell of relative depth d:
/// negative binomial with mean (depth x share x d), d log-normal. Tabulated; extrinsic and batch noise are left out.
#[derive(Debug)]
pub(super) struct ExpectedLog1p {
    low: f64,
    values: Vec<f64>,
    squares: Vec<f64>,
}

/// Step of the table in ln share: linear interpolation errs by less than 1e-4.
const STEP: f64 = 0.02;
/// Nodes and weights of Gauss-Hermite quadrature for a standard normal, 5 points.
const NORMAL: [(f64, f64); 5] = [
    (-2.856_970_013_872_806, 0.011_257_411_327_720_69),
    (-1.355_626_179_974_266, 0.222_075_922_005_612_7),
    (0.0, 0.533_333_333_333_333_3),
    (1.355_626_179_974_266, 0.222_075_922_005_612_7),
    (2.856_970_013_872_806, 0.011_257_411_327_720_69),
];

impl ExpectedLog1p {
    /// Tabulates from means of e^-12 molecules (taken as none below) to all molecules in one gene.
    pub(super) fn of(observation: &Observation) -> Self {
        let (low, high) = (-12.0, observation.depth.ln() + 1.0);
        let n = ((high - low) / STEP).ceil() as usize + 2;
        let moments = |k: usize| expected_log1p((low + k as f64 * STEP).exp(), observation);
        let (values, squares) = (0..n).map(moments).unzip();
        Self { low: low - observation.depth.ln(), values, squares }
    }

    /// The variance over cells at this ln share.
    pub(super) fn variance_at(&self, log_share: f64) -> f64 {
        let square = self.interpolate(&self.squares, log_share);
        (square - self.at(log_share).powi(2)).max(0.0)
    }

    fn interpolate(&self, values: &[f64], log_share: f64) -> f64 {
        let position = ((log_share - self.low) / STEP).clamp(0.0, values.len() as f64 - 1.001);
        let (k, rest) = (position as usize, position.fract());
        values[k] + rest * (values[k + 1] - values[k])
    }

    pub(super) fn at(&self, log_share: f64) -> f64 {
        self.interpolate(&self.values, log_share)
    }
}

/// First and second moment over cells.
fn expected_log1p(mean: f64, observation: &Observation) -> (f64, f64) {
    let of_depth = |(z, weight): &(f64, f64)| {
        let d = (observation.depth_sigma * z).exp();
        let (first, second) = expected_log1p_at(mean * d, d, observation.dispersion);
        (weight * first, weight * second)
    };
    NORMAL.iter().map(of_depth).fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// First and second moment of log1p(K / d), K negative binomial: summed over its probabilities, or to second order where the mean is large.
fn expected_log1p_at(mean: f64, d: f64, dispersion: f64) -> (f64, f64) {
    let variance = mean + dispersion * mean * mean;
    if mean > 100.0 {
        let level = 1.0 + mean / d;
        let spread = variance / (d * level).powi(2);
        let first = level.ln() - spread / 2.0;
        return (first, first * first + spread);
    }
    let (mut p, ratio) = match dispersion {
        0.0 => ((-mean).exp(), mean),
        phi => ((-(phi * mean).ln_1p() / phi).exp(), phi * mean / (1.0 + phi * mean)),
    };
    let (mut first, mut second, mut k) = (0.0, 0.0, 0.0);
    let end = mean + 12.0 * variance.sqrt() + 20.0;
    while k < end {
        let value = f64::ln_1p(k / d);
        first += p * value;
        second += p * value * value;
        p *= ratio / (k + 1.0) * if dispersion == 0.0 { 1.0 } else { k + 1.0 / dispersion };
        k += 1.0;
    }
    (first, second)
}

/// The population of a perturbation.
pub(super) fn population(efficiency: &Efficiency, seed: u64, label: &str) -> Vec<(f64, f64)> {
    efficiency.population(&efficiency.guide_means(seed, label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn expected_log1p_is_the_mean_over_many_cells() {
        let observation = Observation { depth: 1000.0, ..Observation::default() };
        let expected = ExpectedLog1p::of(&observation);
        for share in [0.0005, 0.003, 0.05, 0.4] {
            let mut rng = Rng::named(1, "test");
            let n = 40_000;
            let drawn: Vec<f64> = (0..n)
                .map(|_| {
                    let d = (observation.depth_sigma * rng.normal()).exp();
                    (rng.negative_binomial(1000.0 * share * d, observation.dispersion) as f64 / d).ln_1p()
                })
                .collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(n);
            let got = expected.at(f64::ln(share));
            assert!((got - mean).abs() < 0.012, "share {share}: {got}, drawn {mean}");
            let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            let got = expected.variance_at(f64::ln(share));
            assert!((got / variance - 1.0).abs() < 0.04, "share {share}: {got}, drawn {variance}");
        }
    }
}
