//! How much of each gene a batch shows.

use super::Observation;
use crate::simulate::Law;
use crate::stats::Rng;

/// Share of all molecules per gene, outlier genes included, batches left out; sum 1.
pub(in crate::simulate) fn shares_without_batch(observation: &Observation, law: &dyn Law, seed: u64) -> Vec<f64> {
    let factor = |gene: usize| {
        let Some(o) = observation.outliers else { return 1.0 };
        let mut rng = Rng::keyed(seed, "outlier", gene as u64, 0);
        if rng.uniform() < o.share { (o.mean + o.sigma * rng.normal()).exp() } else { 1.0 }
    };
    let levels: Vec<f64> = law.baseline().iter().enumerate().map(|(gene, x)| x * factor(gene)).collect();
    let total: f64 = levels.iter().sum();
    levels.iter().map(|x| x / total).collect()
}

/// The shares as each batch shows them: a normal shift of ln and a uniform shift of log2 per batch and gene.
pub(super) fn shares_per_batch(observation: &Observation, shares: &[f64], seed: u64) -> Vec<Vec<f64>> {
    let shift = |batch: u64, gene: u64| {
        let normal = observation.batch_sigma * Rng::keyed(seed, "batch", batch, gene).normal();
        if observation.batch_effect == 0.0 {
            return normal;
        }
        let uniform = 2.0 * Rng::keyed(seed, "batch effect", batch, gene).uniform() - 1.0;
        normal + std::f64::consts::LN_2 * observation.batch_effect * uniform
    };
    let of_batch = |batch| {
        let shown = |(gene, share): (usize, &f64)| share * shift(batch, gene as u64).exp();
        shares.iter().enumerate().map(shown).collect()
    };
    (0..observation.batches as u64).map(of_batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uniform_shift_keeps_within_its_half_width_and_fills_it() {
        let observation = Observation { batches: 3, batch_sigma: 0.0, batch_effect: 0.5, ..Observation::default() };
        let shares = vec![1e-3; 1000];
        for batch in shares_per_batch(&observation, &shares, 1) {
            let shifts: Vec<f64> = batch.iter().map(|x| (x / 1e-3).log2()).collect();
            assert!(shifts.iter().all(|s| s.abs() <= 0.5));
            let (mean, square) = (shifts.iter().sum::<f64>() / 1e3, shifts.iter().map(|s| s * s).sum::<f64>() / 1e3);
            // A uniform number on (-0.5, 0.5): mean 0 (standard error 0.009), variance 1/12.
            assert!(mean.abs() < 0.046 && (square * 12.0 - 1.0).abs() < 0.15, "{mean} {square}");
        }
    }
}
