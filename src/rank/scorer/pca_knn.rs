//! Nearest training signatures vote for their targets.
//!
//! Signatures are compared by the cosine of their principal components; the k nearest vote for all of their targets with
//! their similarity (negative ones do not vote), divided by the sum of the votes. Components and k are those that find the
//! targets of training perturbations best among the other training perturbations. Only genes perturbed in training can
//! score.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::components::Components;
use super::examples::{ByOwn, Classifier, Examples};
use super::{Known, Scorer, ScorerSpec};
use crate::rank::{RankError, mid_rank};

/// Numbers of components tried; the first wins where several are equally good.
const COMPONENTS: [usize; 3] = [50, 20, 100];
/// Numbers of neighbours tried; the first wins where several are equally good.
const NEIGHBOURS: [usize; 5] = [20, 10, 5, 3, 1];

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "pca-knn",
    about: "votes of the nearest training signatures, in principal components (seen genes only)",
    source: "ENNCELADUS/gene-perturbation-prediction, src/evaluate/evaluate_pca_knn.py",
    without_own: true,
    joint: false,
    fit: |known| fit(known),
};

fn fit(known: &Known<'_>) -> Result<Box<dyn Scorer>, RankError> {
    Ok(Box::new(ByOwn::fit(known, false, PcaKnn::fit)?))
}

struct PcaKnn {
    components: Components,
    /// Components read, and neighbours that vote.
    chosen: (usize, usize),
    /// Unit rows, n_perturbations x components read.
    train: Array2<f64>,
    /// n_perturbations x n_targets.
    labels: Array2<f64>,
}

impl PcaKnn {
    fn fit(examples: &Examples) -> Result<Self, RankError> {
        let components = Components::fit(examples, COMPONENTS[2])?;
        let scores = components.project(examples.x.view(), components.len());
        let mut best = (f64::NEG_INFINITY, (COMPONENTS[0], NEIGHBOURS[0]));
        for n in COMPONENTS {
            let unit = unit_rows(scores.slice(s![.., ..n.min(scores.ncols())]).to_owned());
            let similarity = unit.dot(&unit.t());
            for k in NEIGHBOURS {
                let found = left_out(&similarity, &examples.y, k);
                if found > best.0 {
                    best = (found, (n, k));
                }
            }
        }
        let train = unit_rows(scores.slice(s![.., ..best.1.0.min(scores.ncols())]).to_owned());
        Ok(Self { components, chosen: best.1, train, labels: examples.y.clone() })
    }
}

impl Classifier for PcaKnn {
    fn predict(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f64>, RankError> {
        let similarity = unit_rows(self.components.project(x, self.chosen.0)).dot(&self.train.t());
        let mut out = Array2::zeros((x.nrows(), self.labels.ncols()));
        for (mut to, similarity) in out.outer_iter_mut().zip(similarity.outer_iter()) {
            let all = (0..self.train.nrows()).collect();
            to.assign(&votes(similarity, all, &self.labels, self.chosen.1));
        }
        Ok(out)
    }
}

/// Share of the votes per target, among training perturbations `of`.
fn votes(similarity: ArrayView1<'_, f64>, mut of: Vec<usize>, labels: &Array2<f64>, k: usize) -> Array1<f64> {
    of.sort_by(|&a, &b| similarity[b].total_cmp(&similarity[a]));
    of.truncate(k);
    let total: f64 = of.iter().map(|&i| similarity[i].max(0.0)).sum();
    let weight = |i: usize| if total > 0.0 { similarity[i].max(0.0) / total } else { 1.0 / of.len() as f64 };
    of.iter().fold(Array1::zeros(labels.ncols()), |sum, &i| sum + &labels.row(i) * weight(i))
}

/// Mean reciprocal rank of the targets of each training perturbation by the votes of the others.
fn left_out(similarity: &Array2<f64>, labels: &Array2<f64>, k: usize) -> f64 {
    let one = |i: usize| {
        let others = (0..labels.nrows()).filter(|&j| j != i).collect();
        let votes = votes(similarity.row(i), others, labels, k).to_vec();
        let targets = (0..votes.len()).filter(|&t| labels[[i, t]] > 0.0);
        targets.map(|t| 1.0 / mid_rank(&votes, t)).fold(0.0, f64::max)
    };
    (0..labels.nrows()).map(one).sum()
}

/// Rows divided by their length; rows of zeros stay.
fn unit_rows(mut x: Array2<f64>) -> Array2<f64> {
    for mut row in x.axis_iter_mut(Axis(0)) {
        let length = row.dot(&row).sqrt();
        row.mapv_inplace(|v| if length > 0.0 { v / length } else { 0.0 });
    }
    x
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::rank::Own;

    /// Four signatures over X and Y, at 0, 90, 180 and 270 degrees, so that their mean is zero.
    fn fixture() -> Fixture {
        let delta = array![[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]];
        Fixture::new(&["X", "Y"], &["A", "A+B", "C", "D"], delta)
    }

    /// Cosines of (3, 4) with the four signatures are 0.6, 0.8, -0.6 and -0.8.
    #[test]
    fn neighbours_vote_by_similarity() {
        let t = |k: usize, expected: [f64; 4]| {
            let (labels, similarity) = (
                array![[1., 0., 0., 0.], [1., 1., 0., 0.], [0., 0., 1., 0.], [0., 0., 0., 1.]],
                [0.6, 0.8, -0.6, -0.8],
            );
            let got = votes(similarity.as_slice().into(), (0..4).collect(), &labels, k);
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-12), "{got}");
        };
        t(1, [1.0, 1.0, 0.0, 0.0]);
        t(2, [1.0, 0.8 / 1.4, 0.0, 0.0]);
        t(4, [1.0, 0.8 / 1.4, 0.0, 0.0]);
    }

    /// One neighbour finds A of the first perturbation in the second one, so one neighbour votes.
    #[test]
    fn votes_reach_the_candidates() {
        let fixture = fixture();
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let candidates = fixture.candidates(&["A", "B", "C", "E"]);
        let asked = asked(array![[3.0, 4.0], [-1.0, 0.0]], &fixture);
        let got = scorer.scores(&asked, &candidates, Own::Excluded).unwrap();
        assert_eq!(got, array![[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    }
}
