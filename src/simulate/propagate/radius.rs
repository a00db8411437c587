//! The spectral radius of the coefficients.

use super::LinearResponse;
use crate::stats::Rng;

/// Applications of the matrix; the growth over the second half is measured.
const STEPS: usize = 400;

impl LinearResponse {
    /// Spectral radius of the coefficients: the mean growth of a random vector over 200 applications after 200 others, 0
    /// where no change comes back to where it began. Good to about 1 % where the largest eigenvalues are well apart from
    /// the others in modulus. O(400 x edges).
    pub fn radius(&self) -> f64 {
        let n = self.genes.len();
        let mut v: Vec<f64> = (0..n as u64).map(|gene| Rng::keyed(0, "radius", gene, 0).normal()).collect();
        let mut log = 0.0;
        for step in 0..STEPS {
            let next: Vec<f64> = (0..n).map(|i| self.inputs(i).map(|(j, b)| b * v[j as usize]).sum()).collect();
            let norm = next.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
            if norm < f64::MIN_POSITIVE {
                return 0.0;
            }
            if step >= STEPS / 2 {
                log += norm.ln();
            }
            v = next.into_iter().map(|x| x / norm).collect();
        }
        (log / (STEPS / 2) as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::GeneIndex;

    #[test]
    fn rings_and_chains_have_the_radius_of_their_eigenvalues() {
        let t = |edges: &[(u32, u32, f64)], expected: f64| {
            let genes = Arc::new(GeneIndex::new(["A", "B", "C"]).unwrap());
            let got = LinearResponse::new(genes, vec![1.0; 3], edges).unwrap().radius();
            assert!((got - expected).abs() < 1e-2 * expected.max(1e-9), "{got}, expected {expected}");
        };
        t(&[(0, 1, 5.0), (1, 2, 5.0), (0, 2, 1.0)], 0.0);
        t(&[(0, 1, 0.5), (1, 2, 0.5), (2, 0, -4.0)], 1.0);
        t(&[(0, 1, 0.9), (1, 0, 0.4), (0, 2, 7.0)], 0.6);
    }
}
