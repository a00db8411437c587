//! Similarity to measured training signatures, shrunk by their noise.
//!
//! Two scorers: `retrieval` says how much of the change lies along a signature, `recognition` how much better the change
//! is explained as a second measurement of the signature than as no change at all. The second tells a gene from its
//! partners, whose signatures point the same way and miss part of the change.
//!
//! A signature is the change of a training perturbation less the mean change; each value is multiplied by the share of its
//! variance that is not noise, v / (v + e) with v the variance of the gene over training perturbations less the mean noise,
//! and e the squared standard error of the value (all of it counts where no errors are known). With q the change
//! less the mean, d a signature and s the spread of each gene over training perturbations, `retrieval` is <q, d> / |d| and
//! `recognition` the root of the positive part of sum (2 q d - d^2) / s^2, twice a log likelihood ratio; a candidate has
//! the largest over the signatures of perturbations that target it. The length of q is left out because it is
//! common to all candidates and would carry the change of each into the scores of all. Where own readings are excluded the
//! candidate's own gene is zero in d. A candidate that no training perturbation targets scores 0, as an unrelated signature
//! would.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{Asked, Known, Scorer, ScorerSpec};
use crate::data::GeneId;
use crate::rank::{Candidates, Own, RankError};

/// <q, d> / |d|.
pub(in crate::rank) const RETRIEVAL: ScorerSpec = ScorerSpec {
    name: "retrieval",
    about: "similarity to the measured training signatures of the candidate, shrunk by their noise (seen genes only)",
    source: "Lamb et al., Science 2006 (signature matching); shrinkage of James and Stein, Berkeley Symposium 1961, per gene",
    without_own: true,
    joint: true,
    fit: |known| Ok(Box::new(Retrieval::fit(known, Kind::Projection))),
};

/// Root of the positive part of sum (2 q d - d^2) / s^2.
pub(in crate::rank) const RECOGNITION: ScorerSpec = ScorerSpec {
    name: "recognition",
    about: "whether the change is a second measurement of a training signature of the candidate (seen genes only)",
    source: "log likelihood ratio of two normal distributions with the spread of the training changes",
    without_own: true,
    joint: true,
    fit: |known| Ok(Box::new(Retrieval::fit(known, Kind::Recognition))),
};

/// How a change is compared with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Projection,
    Recognition,
}

struct Retrieval {
    kind: Kind,
    /// Spread of each gene over the training perturbations, length n_genes.
    spread: Vec<f32>,
    /// Shrunken signatures, n_perturbations x n_genes.
    signatures: Array2<f32>,
    /// Perturbations of each target.
    of: HashMap<Arc<str>, Vec<usize>>,
}

impl Retrieval {
    fn fit(known: &Known<'_>, kind: Kind) -> Self {
        let responses = known.responses;
        let mut signatures = responses.delta.clone();
        for mut row in signatures.outer_iter_mut() {
            row.iter_mut().zip(&known.frame.mean).for_each(|(x, m)| *x -= m);
        }
        if let Some(error) = responses.squared_error() {
            shrink(&mut signatures, &error);
        }
        let mut of: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (row, perturbation) in responses.perturbations.iter().enumerate() {
            perturbation.targets().iter().for_each(|t| of.entry(Arc::clone(t)).or_default().push(row));
        }
        Self { kind, spread: known.frame.spread.clone(), signatures, of }
    }

    /// Every query compared with a signature, without a gene where one is named.
    fn compared(&self, row: usize, asked: &Asked, without: Option<usize>) -> Vec<f32> {
        let mut d: Vec<f64> = self.signatures.row(row).iter().map(|&v| f64::from(v)).collect();
        d.iter_mut().zip(&asked.known).filter(|(_, known)| !**known).for_each(|(d, _)| *d = 0.0);
        if let Some(gene) = without {
            d[gene] = 0.0;
        }
        let against: Vec<f64> = match self.kind {
            Kind::Projection => d.clone(),
            Kind::Recognition => d.iter().zip(&self.spread).map(|(d, s)| d / f64::from(*s).powi(2)).collect(),
        };
        let square: f64 = d.iter().zip(&against).map(|(d, a)| d * a).sum();
        let compare = |q: ndarray::ArrayView1<'_, f32>| {
            let dot = q.iter().zip(&against).map(|(q, a)| f64::from(*q) * a).sum::<f64>();
            match self.kind {
                Kind::Projection if square > 0.0 => dot / square.sqrt(),
                Kind::Projection => 0.0,
                Kind::Recognition => (2.0 * dot - square).max(0.0).sqrt(),
            }
        };
        asked.centred.outer_iter().map(|q| compare(q) as f32).collect()
    }
}

/// Multiplies every value by the share of its variance that is not noise.
fn shrink(signatures: &mut Array2<f32>, squared_error: &Array2<f32>) {
    let n = signatures.nrows().max(1) as f32;
    for (mut values, errors) in signatures.axis_iter_mut(Axis(1)).zip(squared_error.axis_iter(Axis(1))) {
        let total = values.iter().map(|v| v * v).sum::<f32>() / n;
        let signal = (total - errors.sum() / n).max(0.0);
        values.iter_mut().zip(errors).for_each(|(v, e)| *v *= if signal > 0.0 { signal / (signal + e) } else { 0.0 });
    }
}

impl Scorer for Retrieval {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let mut out = Array2::zeros((asked.len(), candidates.len()));
        out.axis_iter_mut(Axis(1)).into_par_iter().enumerate().for_each(|(c, mut to)| {
            let without = candidates.gene[c].map(GeneId::index).filter(|_| own == Own::Excluded);
            let rows = self.of.get(&candidates.names[c]).map_or(&[][..], Vec::as_slice);
            for (k, &row) in rows.iter().enumerate() {
                let compared = self.compared(row, asked, without);
                to.iter_mut().zip(compared).for_each(|(to, p)| *to = if k == 0 { p } else { f32::max(*to, p) });
            }
        });
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;

    /// The mean training change is zero, so signatures are the rows.
    fn fixture() -> Fixture {
        let delta = array![[4.0, 3.0, 0.0], [-4.0, 0.0, 3.0], [0.0, -3.0, -3.0]];
        Fixture::new(&["A", "B", "C"], &["A", "A+B", "X"], delta)
    }

    #[test]
    fn the_best_signature_of_a_candidate_counts() {
        let fixture = fixture();
        let scorer = (RETRIEVAL.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C"]);
        let scores = |query| scorer.scores(&asked(array![query], &fixture), &candidates, Own::Used).unwrap();
        // <q, d>/5 = (4+6)/5 and (-4+9)/5.
        assert_eq!(scores([1.0, 2.0, 3.0]), array![[2.0, 1.0, 0.0]]);
        let without = |query| scorer.scores(&asked(array![query], &fixture), &candidates, Own::Excluded).unwrap();
        // Without A: (0, 3, 0) and (0, 0, 3) for A, without B (-4, 0, 3) for B.
        assert_eq!(without([1.0, 2.0, 3.0]), array![[3.0, 1.0, 0.0]]);
        assert_eq!(without([9e9, 2.0, 3.0])[[0, 0]], 3.0);
    }

    /// Of two signatures along the change the one of its length is recognised, one across it or against it is not.
    #[test]
    fn a_second_measurement_is_told_from_a_partner() {
        let delta = array![[4.0, 2.0, 0.0], [1.0, 0.5, 0.0], [-5.0, -2.5, 0.0]];
        let fixture = Fixture::new(&["A", "B", "C"], &["X", "Y", "Z"], delta);
        let scorer = (RECOGNITION.fit)(&fixture.known()).unwrap();
        let scores = |query, own| {
            let candidates = fixture.candidates(&["X", "Y", "Z"]);
            scorer.scores(&asked(array![query], &fixture), &candidates, own).unwrap()
        };
        let spread = &fixture.known().frame.spread;
        let (a, b) = (spread[0].powi(2), spread[1].powi(2));
        let got = scores([4.0, 2.0, 7.0], Own::Excluded);
        assert!((got[[0, 0]] - (16.0 / a + 4.0 / b).sqrt()).abs() < 1e-5, "{got}");
        assert!((got[[0, 1]] - ((8.0 - 1.0) / a + (2.0 - 0.25) / b).sqrt()).abs() < 1e-5, "{got}");
        assert_eq!(got[[0, 2]], 0.0);
    }

    /// Variance over rows 4 and noise 1: signal 3, a share of 3 / (3 + 1).
    #[test]
    fn noise_shrinks_signatures() {
        let mut signatures = array![[2.0, 0.5], [-2.0, -0.5]];
        shrink(&mut signatures, &array![[1.0, 1.0], [1.0, 1.0]]);
        assert_eq!(signatures, array![[1.5, 0.0], [-1.5, 0.0]]);
    }
}
