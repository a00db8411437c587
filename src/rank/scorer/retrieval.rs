//! Similarity to measured training signatures, shrunk by their noise.
//!
//! A signature is the change of a training perturbation less the mean change; each value is multiplied by the share of its
//! variance that is not noise, v / (v + e) with v the variance of the gene over training perturbations less the mean noise,
//! and e the squared standard error of the value (all of it counts where no errors are known). The score of a candidate is
//! the largest <q, d> / |d| over the signatures of perturbations that target it; the length of q is left out because it is
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

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "retrieval",
    about: "similarity to the measured training signatures of the candidate, shrunk by their noise (seen genes only)",
    source: "Lamb et al., Science 2006 (signature matching); shrinkage of James and Stein, Berkeley Symposium 1961, per gene",
    without_own: true,
    joint: true,
    fit: |known| Ok(Box::new(Retrieval::fit(known))),
};

struct Retrieval {
    /// Shrunken signatures, n_perturbations x n_genes.
    signatures: Array2<f32>,
    /// Perturbations of each target.
    of: HashMap<Arc<str>, Vec<usize>>,
}

impl Retrieval {
    fn fit(known: &Known<'_>) -> Self {
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
        Self { signatures, of }
    }

    /// <q, d> / |d| of every query, without a gene where one is named.
    fn projections(&self, row: usize, asked: &Asked, without: Option<usize>) -> Vec<f32> {
        let mut d: Vec<f64> = self.signatures.row(row).iter().map(|&v| f64::from(v)).collect();
        d.iter_mut().zip(&asked.known).filter(|(_, known)| !**known).for_each(|(d, _)| *d = 0.0);
        if let Some(gene) = without {
            d[gene] = 0.0;
        }
        let length = d.iter().map(|v| v * v).sum::<f64>().sqrt();
        let dot = |q: ndarray::ArrayView1<'_, f32>| q.iter().zip(&d).map(|(q, d)| f64::from(*q) * d).sum::<f64>();
        let projection = |q| if length > 0.0 { (dot(q) / length) as f32 } else { 0.0 };
        asked.centred.outer_iter().map(projection).collect()
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
                let projections = self.projections(row, asked, without);
                to.iter_mut().zip(projections).for_each(|(to, p)| *to = if k == 0 { p } else { f32::max(*to, p) });
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
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C"]);
        let scores = |query| scorer.scores(&asked(array![query], &fixture), &candidates, Own::Used).unwrap();
        // <q, d>/5 = (4+6)/5 and (-4+9)/5.
        assert_eq!(scores([1.0, 2.0, 3.0]), array![[2.0, 1.0, 0.0]]);
        let without = |query| scorer.scores(&asked(array![query], &fixture), &candidates, Own::Excluded).unwrap();
        // Without A: (0, 3, 0) and (0, 0, 3) for A, without B (-4, 0, 3) for B.
        assert_eq!(without([1.0, 2.0, 3.0]), array![[3.0, 1.0, 0.0]]);
        assert_eq!(without([9e9, 2.0, 3.0])[[0, 0]], 3.0);
    }

    /// Variance over rows 4 and noise 1: signal 3, a share of 3 / (3 + 1).
    #[test]
    fn noise_shrinks_signatures() {
        let mut signatures = array![[2.0, 0.5], [-2.0, -0.5]];
        shrink(&mut signatures, &array![[1.0, 1.0], [1.0, 1.0]]);
        assert_eq!(signatures, array![[1.5, 0.0], [-1.5, 0.0]]);
    }
}
