//! Whether genes change in the direction that a candidate predicts.

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::{Known, Scorer, ScorerSpec};
use crate::rank::response::{LARGEST, Programmes, Reach, Response};
use crate::rank::{Asked, Candidates, Own, RankError};

/// Fewest standard errors of a change that counts.
const LEAST: f64 = 3.0;

/// Right minus wrong signs over the root of the number of predictions.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "signs",
    about: "genes that change in the direction the candidate predicts, less those that do not",
    source: "CausalR (Bradley and Barrett, Bioinformatics 33, 2017), signs from the learned response",
    without_own: true,
    joint: true,
    fit: |known: &Known<'_>| {
        let response = Response::of(known)?;
        Ok(Box::new(Signs { reach: response.reach(), programmes: response.programmes().clone() }))
    },
};

struct Signs {
    reach: Arc<Reach>,
    programmes: Programmes,
}

impl Scorer for Signs {
    fn scores(&self, asked: &Asked, candidates: &Candidates, _: Own) -> Result<Array2<f32>, RankError> {
        let mut out = Array2::zeros((asked.len(), candidates.len()));
        out.outer_iter_mut().into_par_iter().enumerate().for_each(|(q, mut row)| {
            let z: Vec<f32> = asked.z.row(q).iter().map(|z| z.clamp(-LARGEST, LARGEST)).collect();
            let shares = self.programmes.shares_without(&z);
            let may_count = self.may_count(&z, &shares);
            for (score, gene) in row.iter_mut().zip(&candidates.gene) {
                *score = gene.map_or(0.0, |g| self.score(g.index(), (&z, &may_count), &shares, &asked.known) as f32);
            }
        });
        Ok(out)
    }
}

impl Signs {
    /// Genes whose change can be large enough with some share of the programmes; most cannot and are counted unseen.
    fn may_count(&self, z: &[f32], shares: &[Vec<f64>]) -> Vec<bool> {
        let largest = |share: &Vec<f64>| share.iter().fold(0.0f64, |most, s| most.max(s.abs()));
        let largest: Vec<f64> = shares.iter().map(largest).collect();
        let bound = |g: usize| {
            let common = largest.iter().zip(self.programmes.axes.column(g));
            f64::from(z[g].abs()) + common.map(|(s, a)| s * f64::from(a.abs())).sum::<f64>()
        };
        // A little less than the limit, for rounding.
        (0..z.len()).map(|g| bound(g) > LEAST * (1.0 - 1e-9)).collect()
    }

    /// The candidate itself is not among the genes that it reaches, nor in the shares of the programmes.
    fn score(&self, gene: usize, (z, may_count): (&[f32], &[bool]), shares: &[Vec<f64>], known: &[bool]) -> f64 {
        let (mut sum, mut predicted) = (0.0, 0.0);
        let shares: Vec<f64> = shares.iter().map(|share| share[gene]).collect();
        for (g, b) in self.reach.of(gene, 1.0).changes().filter(|(g, b)| known[*g] && *b != 0.0) {
            predicted += 1.0;
            if !may_count[g] {
                continue;
            }
            let along = |(k, share): (usize, &f64)| share * f64::from(self.programmes.axes[[k, g]]);
            let common: f64 = shares.iter().enumerate().map(along).sum();
            let z = f64::from(z[g]) - common;
            if z.abs() > LEAST {
                sum -= z.signum() * f64::from(b.signum());
            }
        }
        if predicted > 0.0 { sum / f64::sqrt(predicted) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::rank::response::filter_tests::{asked, candidates, line};

    /// A activates B, B activates C: both fall in the first query; in the second C rises, in the third B hardly falls.
    #[test]
    fn right_signs_less_wrong_ones() {
        let (responses, response) = line();
        let signs = Signs { reach: response.reach(), programmes: response.programmes().clone() };
        let delta = array![[0.0, -0.2, -0.2, 0.0, 0.0], [0.0, -0.2, 0.2, 0.0, 0.0], [0.0, -0.1, -0.2, 0.0, 0.0]];
        let scores = signs.scores(&asked(delta), &candidates(&responses), Own::Excluded).unwrap();
        let half = 0.5f32.sqrt();
        let expected = array![[2.0 * half, 1.0], [0.0, -1.0], [half, 1.0]];
        assert!((&scores.slice(ndarray::s![.., ..2]) - &expected).iter().all(|e| e.abs() < 1e-6), "{scores}");
    }
}
