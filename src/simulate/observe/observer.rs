//! From levels to molecule counts.

use super::batch::{shares_per_batch, shares_without_batch};
use super::count::{Counter, binomial};
use super::extrinsic::Extrinsic;
use super::{Noise, Observation};
use crate::simulate::Law;
use crate::stats::Rng;

/// Observes the cells of one screen.
///
/// Every random number is keyed by (seed, cell) or (seed, cell, gene): the same cell with and without a perturbation has the
/// same noise, and a gene the perturbation does not reach has the same count.
#[derive(Debug)]
pub struct Observer<'a> {
    observation: &'a Observation,
    extrinsic: Extrinsic,
    counter: Counter,
    seed: u64,
    /// Share of all molecules per gene, without batches.
    shares: Vec<f64>,
    /// The same as each batch shows them.
    of_batch: Vec<Vec<f64>>,
    /// The pool of each batch (sum 1); empty without ambient RNA.
    pool: Vec<Vec<f64>>,
    /// Middle of the dropout curve.
    middle: f64,
}

impl<'a> Observer<'a> {
    /// Draws the batches. The pool of ambient RNA is that of unperturbed cells until [`Observer::with_pool`].
    pub fn new(observation: &'a Observation, law: &dyn Law, seed: u64) -> Self {
        let shares = shares_without_batch(observation, law, seed);
        let of_batch = shares_per_batch(observation, &shares, seed);
        let observer = Self {
            observation,
            extrinsic: Extrinsic::new(observation.extrinsic, law),
            counter: Counter::new(observation),
            seed,
            middle: dropout_middle(observation, &shares),
            shares,
            of_batch,
            pool: Vec::new(),
        };
        let unperturbed = vec![1.0; law.n_genes()];
        observer.with_pool(&unperturbed)
    }

    /// The same with a pool to which each gene contributes `ratio` times its unperturbed level: the mean over all cells.
    #[must_use]
    pub fn with_pool(mut self, ratio: &[f64]) -> Self {
        if self.observation.ambient > 0.0 {
            let pool = |shares: &Vec<f64>| {
                let total: f64 = shares.iter().zip(ratio).map(|(s, r)| s * r).sum();
                shares.iter().zip(ratio).map(|(s, r)| s * r / total).collect()
            };
            self.pool = self.of_batch.iter().map(pool).collect();
        }
        self
    }

    /// The counts of one cell whose ln levels differ from the unperturbed state by `log_ratio`: genes with at least one
    /// molecule, ascending. O(genes + molecules + edges into regulators).
    pub fn counts(&self, log_ratio: &[f64], cell: u64) -> Vec<(u32, f32)> {
        self.count(&self.levels(log_ratio, cell), cell, 1)
    }

    /// The level of every gene in one cell relative to the unperturbed state, extrinsic noise included.
    pub fn levels(&self, log_ratio: &[f64], cell: u64) -> Vec<f64> {
        let mut levels = self.extrinsic.of_cell(self.seed, cell);
        levels.iter_mut().zip(log_ratio).for_each(|(noise, y)| *noise = (*noise + y).exp());
        levels
    }

    /// The cell as it would be counted without any noise of the measurement: levels at the median number of molecules.
    pub fn noise_free(&self, levels: &[f64]) -> Vec<(u32, f32)> {
        let depth = self.observation.counted();
        let value = |(gene, (level, share)): (usize, (&f64, &f64))| (gene as u32, (depth * share * level) as f32);
        levels.iter().zip(&self.shares).enumerate().map(value).filter(|(_, x)| *x > 0.0).collect()
    }

    /// The counts of a droplet with these (summed) levels of `cells` cells; batch and noise are those of `cell`.
    pub fn count(&self, levels: &[f64], cell: u64, cells: u32) -> Vec<(u32, f32)> {
        let batch = self.observation.batch_of(cell);
        let depth = self.depth(cell);
        let mut expected: Vec<f64> = levels.iter().zip(&self.of_batch[batch]).map(|(x, s)| depth * s * x).collect();
        self.add_ambient(&mut expected, batch);
        self.drop_out(&mut expected, cell);
        match self.observation.noise {
            Noise::None => kept(expected.into_iter().map(|m| m as f32)),
            Noise::Multinomial => self.share_out(&expected, (depth * f64::from(cells)).round() as u64, cell),
            Noise::Nb | Noise::Poisson => self.draw(&expected, cell),
        }
    }

    /// Molecules of a cell that are captured, at an unperturbed state.
    fn depth(&self, cell: u64) -> f64 {
        let o = self.observation;
        let captured = match o.capture_shapes() {
            Some((a, b)) => Rng::keyed(self.seed, "capture", cell, 0).beta(a, b),
            None => o.capture,
        };
        o.depth * captured * (o.depth_sigma * Rng::keyed(self.seed, "depth", cell, 0).normal()).exp()
    }

    /// A fixed share of the cell's molecules is replaced by molecules of the pool.
    fn add_ambient(&self, expected: &mut [f64], batch: usize) {
        let Some(pool) = self.pool.get(batch) else { return };
        let ambient = self.observation.ambient;
        let total: f64 = expected.iter().sum();
        expected.iter_mut().zip(pool).for_each(|(m, p)| *m = (1.0 - ambient) * *m + ambient * total * p);
    }

    fn drop_out(&self, expected: &mut [f64], cell: u64) {
        let Some(dropout) = self.observation.dropout else { return };
        let mut rng = Rng::keyed(self.seed, "dropout", cell, 0);
        for m in expected {
            if rng.uniform() >= keep_probability(dropout.shape, self.middle, *m) {
                *m = 0.0;
            }
        }
    }

    /// One uniform number per gene, in the order of the genes.
    fn draw(&self, expected: &[f64], cell: u64) -> Vec<(u32, f32)> {
        let mut uniform = Rng::keyed(self.seed, "umi", cell, 0);
        let mut row = Vec::with_capacity(expected.len() / 2);
        for (gene, &mean) in expected.iter().enumerate() {
            let u = uniform.uniform();
            let more = || Rng::keyed(self.seed, "umi of a large mean", cell, gene as u64);
            let count = self.counter.draw(mean, u, more);
            if count > 0 {
                row.push((gene as u32, count as f32));
            }
        }
        row
    }

    /// Multinomial, as one binomial per gene of what the genes before it left.
    fn share_out(&self, expected: &[f64], molecules: u64, cell: u64) -> Vec<(u32, f32)> {
        let mut uniform = Rng::keyed(self.seed, "umi", cell, 0);
        let (mut left, mut mass) = (molecules, expected.iter().sum::<f64>());
        // What rounding leaves of the mass must not keep molecules from the last gene.
        let last = expected.iter().rposition(|m| *m > 0.0);
        let draw = |(gene, &mean): (usize, &f64)| {
            let share = if Some(gene) == last { 1.0 } else { (mean / mass).clamp(0.0, 1.0) };
            let more = || Rng::keyed(self.seed, "umi of a large mean", cell, gene as u64);
            let u = uniform.uniform();
            let count = if mean > 0.0 { binomial(left, share, u, more) } else { 0 };
            left -= count;
            mass -= mean;
            count as f32
        };
        let counts: Vec<f32> = expected.iter().enumerate().map(draw).collect();
        kept(counts.into_iter())
    }
}

fn kept(values: impl Iterator<Item = f32>) -> Vec<(u32, f32)> {
    values.enumerate().filter(|(_, x)| *x > 0.0).map(|(gene, x)| (gene as u32, x)).collect()
}

/// Probability that a gene with this expected count is not lost.
pub(in crate::simulate) fn keep_probability(shape: f64, middle: f64, mean: f64) -> f64 {
    1.0 / (1.0 + (-shape * (mean.ln_1p() - middle)).exp())
}

/// The percentile of ln(1 + expected count) over genes, between neighbours by linear interpolation as numpy does.
pub(in crate::simulate) fn dropout_middle(observation: &Observation, shares: &[f64]) -> f64 {
    let Some(dropout) = observation.dropout else { return 0.0 };
    let mut values: Vec<f64> = shares.iter().map(|s| (s * observation.counted()).ln_1p()).collect();
    values.sort_by(f64::total_cmp);
    let at = dropout.percentile / 100.0 * (values.len() - 1) as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    low + at.fract() * (high - low)
}

#[cfg(test)]
mod tests {
    use super::super::{Dropout, Outliers};
    use super::*;
    use crate::simulate::{Thermo, Wiring};

    const LEVELS: [f64; 4] = [1.0, 4.0, 15.0, 80.0];

    fn law() -> Thermo {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\nC\tD\t-\t1\n", "test").unwrap();
        Thermo::new(&wiring, &[4.0, 0.25], 2.0, &LEVELS).unwrap()
    }

    fn plain() -> Observation {
        Observation {
            depth: 100.0,
            depth_sigma: 0.0,
            extrinsic: 0.0,
            batch_sigma: 0.0,
            batches: 1,
            ..Observation::default()
        }
    }

    const N: u64 = 20_000;

    /// Mean and variance per gene over cells, the levels times `ratio`.
    fn moments(observation: &Observation, ratio: [f64; 4], pool: [f64; 4]) -> Vec<(f64, f64)> {
        let law = law();
        let observer = Observer::new(observation, &law, 1).with_pool(&pool);
        let y: Vec<f64> = ratio.iter().map(|r| r.ln()).collect();
        let mut sums = [(0.0, 0.0); 4];
        for cell in 0..N {
            for (gene, x) in observer.counts(&y, cell) {
                let (sum, square) = &mut sums[gene as usize];
                *sum += f64::from(x);
                *square += f64::from(x).powi(2);
            }
        }
        let n = N as f64;
        sums.iter().map(|(s, q)| (s / n, q / n - (s / n).powi(2))).collect()
    }

    fn near(got: &[(f64, f64)], mean: [f64; 4], variance: impl Fn(f64) -> f64) {
        for ((m, v), mean) in got.iter().zip(mean) {
            let expected = variance(mean);
            assert!((m - mean).abs() <= 5.0 * (expected / N as f64).sqrt(), "mean {m}, expected {mean}");
            assert!((v - expected).abs() <= 0.08 * expected, "variance {v}, expected {expected}");
        }
    }

    #[test]
    fn counts_have_the_variance_of_their_noise() {
        let t = |noise, variance: &dyn Fn(f64) -> f64| {
            near(&moments(&Observation { noise, ..plain() }, [1.0; 4], [1.0; 4]), LEVELS, variance);
        };
        t(Noise::Nb, &|m| m + 0.1 * m * m);
        t(Noise::Poisson, &|m| m);
        t(Noise::Multinomial, &|m| m * (1.0 - m / 100.0));
        let exact = moments(&Observation { noise: Noise::None, ..plain() }, [1.0; 4], [1.0; 4]);
        assert!(exact.iter().zip(LEVELS).all(|((m, _), level)| (m - level).abs() < 1e-4 * level));
    }

    #[test]
    fn a_multinomial_cell_has_exactly_its_molecules() {
        let observation = Observation { noise: Noise::Multinomial, ..plain() };
        let law = law();
        let observer = Observer::new(&observation, &law, 1);
        for cell in 0..500 {
            let total: f32 = observer.counts(&[0.3, -0.2, 0.0, 0.1], cell).iter().map(|(_, x)| x).sum();
            assert_eq!(total, 100.0);
        }
    }

    #[test]
    fn captured_molecules_are_a_binomial_share() {
        let depth = 1000.0;
        let fixed = Observation { depth, capture: 0.1, dispersion: 0.0, ..plain() };
        near(&moments(&fixed, [1.0; 4], [1.0; 4]), LEVELS, |m| m);
        // A share of mean 0.1 and standard deviation 0.02 multiplies the mean: variance m + (0.02 / 0.1)^2 m^2.
        let varied = Observation { capture_sd: 0.02, ..fixed };
        near(&moments(&varied, [1.0; 4], [1.0; 4]), LEVELS, |m| m + 0.04 * m * m);
    }

    #[test]
    fn ambient_molecules_replace_a_share_of_the_cells_own() {
        let observation = Observation { ambient: 0.2, noise: Noise::Poisson, ..plain() };
        // Own molecules 0, 4, 15, 80 (99); the pool is 2, 4, 15, 80 (101).
        let pool = [2.0, 4.0, 15.0, 80.0];
        let own = [1e-9, 4.0, 15.0, 80.0];
        let expected: Vec<f64> = own.iter().zip(pool).map(|(x, p)| 0.8 * x + 0.2 * 99.0 * p / 101.0).collect();
        let got = moments(&observation, [1e-9, 1.0, 1.0, 1.0], [2.0, 1.0, 1.0, 1.0]);
        near(&got, expected.try_into().unwrap(), |m| m);
    }

    #[test]
    fn a_doublet_has_the_molecules_of_two_cells() {
        let (law, observation) = (law(), plain());
        let observer = Observer::new(&observation, &law, 1);
        let total = |cells: u32| {
            let levels = vec![f64::from(cells); 4];
            (0..2000).flat_map(|cell| observer.count(&levels, cell, cells)).map(|(_, x)| f64::from(x)).sum::<f64>()
        };
        assert!((total(2) / total(1) - 2.0).abs() < 0.03);
    }

    #[test]
    fn dropout_keeps_what_the_logistic_says() {
        let dropout = Dropout { shape: 2.0, percentile: 50.0 };
        let observation = Observation { dropout: Some(dropout), noise: Noise::None, ..plain() };
        // The middle lies half way between ln(1 + 4) and ln(1 + 15).
        let middle = f64::midpoint(5.0f64.ln(), 16.0f64.ln());
        let got = moments(&observation, [1.0; 4], [1.0; 4]);
        for ((mean, _), level) in got.iter().zip(LEVELS) {
            let keep = 1.0 / (1.0 + (-2.0 * ((1.0 + level).ln() - middle)).exp());
            assert!((mean / level - keep).abs() < 5.0 * (keep * (1.0 - keep) / N as f64).sqrt(), "{mean} {keep}");
        }
    }

    #[test]
    fn outlier_genes_stand_out_by_their_factor() {
        let wiring = crate::simulate::generate(
            &crate::simulate::TopologyOptions { genes: 2000, ..crate::simulate::TopologyOptions::default() },
            1,
        )
        .unwrap();
        let law = Thermo::new(&wiring, &vec![2.0; wiring.links.len()], 2.0, &vec![1.0; 2000]).unwrap();
        let outliers = Some(Outliers { share: 0.05, mean: 3.0, sigma: 0.0 });
        let shares = shares_without_batch(&Observation { outliers, ..plain() }, &law, 1);
        let least = shares.iter().copied().fold(1.0, f64::min);
        let high = shares.iter().filter(|s| (**s / least / 3.0f64.exp() - 1.0).abs() < 1e-9).count();
        let usual = shares.iter().filter(|s| (**s / least - 1.0).abs() < 1e-9).count();
        // 5 % of 2,000 within four standard errors (9.7).
        assert!((61..=139).contains(&high) && high + usual == 2000, "{high} {usual}");
    }

    #[test]
    fn noise_is_shared_with_and_without_a_perturbation() {
        let (law, observation) = (law(), Observation { depth: 100.0, ..Observation::default() });
        let observer = Observer::new(&observation, &law, 1);
        let count = |row: &[(u32, f32)], gene| row.iter().find(|(g, _)| *g == gene).map_or(0.0, |(_, x)| *x);
        for cell in 0..50 {
            let control = observer.counts(&[0.0; 4], cell);
            let perturbed = observer.counts(&[-1.9, -0.5, 0.0, 0.0], cell);
            assert_eq!((count(&control, 2), count(&control, 3)), (count(&perturbed, 2), count(&perturbed, 3)));
            assert!(count(&perturbed, 0) <= count(&control, 0) && count(&perturbed, 1) <= count(&control, 1));
        }
    }

    #[test]
    fn extrinsic_noise_spreads_along_the_links() {
        let (law, observation) = (law(), Observation::default());
        let observer = Observer::new(&observation, &law, 1);
        let cells: Vec<Vec<f64>> = (0..500).map(|cell| observer.extrinsic.of_cell(1, cell)).collect();
        let product = |a: usize, b: usize| cells.iter().map(|c| c[a] * c[b]).sum::<f64>();
        assert!(product(0, 1) > 0.0 && product(2, 3) < 0.0);
        assert!(product(0, 2).abs() < 0.2 * (product(0, 0) * product(2, 2)).sqrt());
        // B follows A by its elasticity, n (f - 1) / (2 (1 + f)) = 0.6.
        assert!(cells.iter().all(|c| (c[1] - 0.6 * c[0]).abs() < 1e-12));
    }
}
