//! What a perturbation does to mean log1p counts, measurement noise included.

use crate::simulate::observe::{dropout_middle, keep_probability};
use crate::simulate::{Noise, Observation};

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
/// Points at which the distribution of the captured share is taken.
const CAPTURES: usize = 15;

/// Mean log1p counts of the cells of one state, scaled to the median depth: doublets and ambient molecules included, with the
/// second cell of a doublet and the pool at the mean over all cells. Extrinsic and batch noise are left out.
#[derive(Debug)]
pub(in crate::simulate) struct MeanLog1p {
    shares: Vec<f64>,
    ambient: f64,
    doublets: f64,
    /// Mean level over all cells, relative to the unperturbed state.
    pool: Vec<f64>,
    pool_total: f64,
    single: ExpectedLog1p,
    double: Option<ExpectedLog1p>,
}

impl MeanLog1p {
    /// For cells with these shares of all molecules per gene; the pool is that of unperturbed cells.
    pub(in crate::simulate) fn new(observation: &Observation, shares: Vec<f64>) -> Self {
        let middle = dropout_middle(observation, &shares);
        let table = |cells| ExpectedLog1p::of(observation, middle, cells);
        Self {
            ambient: observation.ambient,
            doublets: observation.doublets,
            pool: vec![1.0; shares.len()],
            pool_total: 1.0,
            single: table(1.0),
            double: (observation.doublets > 0.0).then(|| table(2.0)),
            shares,
        }
    }

    /// The same with this mean level over all cells, relative to the unperturbed state.
    pub(in crate::simulate) fn with_pool(mut self, pool: Vec<f64>) -> Self {
        self.pool_total = self.total(&pool);
        self.pool = pool;
        self
    }

    /// Whether other cells are seen in a cell.
    pub(in crate::simulate) fn is_contaminated(&self) -> bool {
        self.ambient > 0.0 || self.doublets > 0.0
    }

    /// Adds `weight` times the mean of cells with these levels, relative to the unperturbed state.
    pub(in crate::simulate) fn add(&self, levels: &[f64], weight: f64, sum: &mut [f64]) {
        let total = self.total(levels);
        let (own, pool) = ((1.0 - self.ambient) / total, self.ambient / self.pool_total);
        let both = (1.0 - self.ambient) / (total + self.pool_total);
        for (((to, x), share), p) in sum.iter_mut().zip(levels).zip(&self.shares).zip(&self.pool) {
            let one = self.single.at((share * (own * x + pool * p)).ln());
            let seen = match &self.double {
                None => one,
                Some(double) => {
                    let two = double.at((share * (both * (x + p) + pool * p)).ln());
                    one + self.doublets * (two - one)
                }
            };
            *to += weight * seen;
        }
    }

    /// Mean and variance over cells of a gene with this share of the molecules of a droplet; single cells, nothing ambient.
    pub(in crate::simulate) fn moments_at(&self, share: f64) -> (f64, f64) {
        let [mean, variance] = self.single.moments(share.ln());
        (mean, variance)
    }

    fn total(&self, levels: &[f64]) -> f64 {
        self.shares.iter().zip(levels).map(|(s, x)| s * x).sum()
    }
}

/// E[log1p(K / d)] of a gene as a function of ln(share of the total), where K is the count in a droplet of relative depth d
/// that has this share of its molecules in the gene. Tabulated.
#[derive(Debug)]
struct ExpectedLog1p {
    low: f64,
    /// Mean and variance.
    values: Vec<[f64; 2]>,
}

impl ExpectedLog1p {
    /// Tabulates from means of e^-12 molecules (taken as none below) to all molecules in one gene; `cells` per droplet.
    fn of(observation: &Observation, middle: f64, cells: f64) -> Self {
        let depth = observation.counted();
        let (low, high) = (-12.0, depth.ln() + 1.0);
        let n = ((high - low) / STEP).ceil() as usize + 2;
        let depths = relative_depths(observation);
        let value = |k: usize| {
            let mean = (low + k as f64 * STEP).exp();
            let moments = depths
                .iter()
                .map(|(d, weight)| expected_log1p(mean, d * cells, observation, middle).map(|moment| weight * moment));
            let [first, second] = moments.fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
            [first, (second - first * first).max(0.0)]
        };
        Self { low: low - depth.ln(), values: (0..n).map(value).collect() }
    }

    fn at(&self, log_share: f64) -> f64 {
        self.moments(log_share)[0]
    }

    fn moments(&self, log_share: f64) -> [f64; 2] {
        let position = ((log_share - self.low) / STEP).clamp(0.0, self.values.len() as f64 - 1.001);
        let (k, rest) = (position as usize, position.fract());
        [0, 1].map(|m| self.values[k][m] + rest * (self.values[k + 1][m] - self.values[k][m]))
    }
}

/// Molecules of a cell relative to the median, and the share of cells: log-normal depth times captured share.
fn relative_depths(observation: &Observation) -> Vec<(f64, f64)> {
    let captures = captures(observation);
    let depth = |(z, weight): &(f64, f64)| ((observation.depth_sigma * z).exp(), *weight);
    NORMAL.iter().map(depth).flat_map(|(d, w)| captures.iter().map(move |(c, v)| (d * c, w * v))).collect()
}

/// The captured share relative to its mean.
fn captures(observation: &Observation) -> Vec<(f64, f64)> {
    let Some((a, b)) = observation.capture_shapes() else { return vec![(1.0, 1.0)] };
    let (mean, sd) = (observation.capture, observation.capture_sd);
    let (low, high) = ((mean - 4.0 * sd).max(0.0), (mean + 4.0 * sd).min(1.0));
    let at = |k: usize| low + (high - low) * (k as f64 + 0.5) / CAPTURES as f64;
    let density = |c: f64| ((a - 1.0) * (c / mean).ln() + (b - 1.0) * ((1.0 - c) / (1.0 - mean)).ln()).exp();
    let total: f64 = (0..CAPTURES).map(|k| density(at(k))).sum();
    (0..CAPTURES).map(|k| (at(k) / mean, density(at(k)) / total)).collect()
}

/// First and second moment of log1p(K / d) where K has mean `share_mean` x d: summed over its probabilities, or to second order where the mean is
/// large. A multinomial count is taken as Poisson.
fn expected_log1p(share_mean: f64, d: f64, observation: &Observation, middle: f64) -> [f64; 2] {
    let mean = share_mean * d;
    let keep = observation.dropout.map_or(1.0, |o| keep_probability(o.shape, middle, mean));
    let dispersion = match observation.noise {
        Noise::None => return [share_mean.ln_1p(), share_mean.ln_1p().powi(2)].map(|moment| keep * moment),
        Noise::Nb => observation.dispersion,
        Noise::Poisson | Noise::Multinomial => 0.0,
    };
    counted_log1p(mean, d, dispersion).map(|moment| keep * moment)
}

/// First and second moment of log1p(K / d), K negative binomial.
fn counted_log1p(mean: f64, d: f64, dispersion: f64) -> [f64; 2] {
    let variance = mean + dispersion * mean * mean;
    if mean > 100.0 {
        let level = 1.0 + mean / d;
        let spread = variance / (d * level).powi(2);
        let first = level.ln() - spread / 2.0;
        // The logarithm of a gamma variable of relative variance s has variance s + s^2 / 2 + ... (trigamma).
        return [first, first * first + spread + spread * spread / 2.0];
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
    [first, second]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Dropout;
    use crate::stats::Rng;

    /// E[log1p] of the table against the mean over drawn cells.
    fn t(observation: &Observation, cells: f64) {
        let middle = 1.0;
        let expected = ExpectedLog1p::of(observation, middle, cells);
        for share in [0.0005, 0.003, 0.05, 0.4] {
            let mut rng = Rng::named(1, "test");
            let n = 40_000;
            let mut one = || {
                let captured = observation.capture_shapes().map_or(1.0, |(a, b)| rng.beta(a, b) / observation.capture);
                let d = cells * captured * (observation.depth_sigma * rng.normal()).exp();
                let mean = observation.counted() * share * d;
                let count = match observation.noise {
                    Noise::Nb => rng.negative_binomial(mean, observation.dispersion) as f64,
                    Noise::None => mean,
                    _ => rng.poisson(mean) as f64,
                };
                let keep = observation.dropout.map_or(1.0, |o| keep_probability(o.shape, middle, mean));
                if rng.uniform() < keep { (count / d).ln_1p() } else { 0.0 }
            };
            let drawn: Vec<f64> = (0..n).map(|_| one()).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(n);
            let [got, got_variance] = expected.moments(f64::ln(share));
            assert!((got - mean).abs() < 0.012, "{observation:?}, share {share}: {got}, drawn {mean}");
            let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            // Four standard errors of a variance over the drawn cells, and 2 % for the quadrature over depths.
            let fourth = drawn.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / f64::from(n);
            let error = ((fourth - variance * variance).max(0.0) / f64::from(n)).sqrt();
            assert!(
                (got_variance - variance).abs() < 0.02 * variance + 4.0 * error + 1e-9,
                "{observation:?}, share {share}: variance {got_variance}, drawn {variance}"
            );
        }
    }

    #[test]
    fn expected_log1p_is_the_mean_over_many_cells() {
        let usual = Observation { depth: 1000.0, ..Observation::default() };
        t(&usual, 1.0);
        t(&usual, 2.0);
        t(&Observation { noise: Noise::Poisson, ..usual.clone() }, 1.0);
        t(&Observation { noise: Noise::None, ..usual.clone() }, 1.0);
        t(&Observation { depth: 10_000.0, capture: 0.1, capture_sd: 0.02, ..usual.clone() }, 1.0);
        t(&Observation { dropout: Some(Dropout { shape: 2.0, percentile: 50.0 }), ..usual }, 1.0);
    }
}
