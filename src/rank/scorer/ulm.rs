//! Activity of the candidate's regulon, by a univariate linear model.
//!
//! Over all genes of the query, the change (in standard errors or spreads) is regressed on the weights with which the
//! candidate acts on them: the signed confidence of its edges, 0 where there is none; an edge of unknown sign counts as
//! activation. The score is the t value of the slope, times the direction in which training perturbations move their
//! targets: a regulator that is knocked down has a falling regulon. Fewer than five targets are no regulon and give 0.
//!
//! Where own readings are excluded the candidate's own gene is no observation of the regression; the sums over the other
//! genes are put together from the genes before it and the genes after it, so that its change takes no part in them.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

use super::own_reading::direction;
use super::{Asked, Known, Scorer, ScorerSpec};
use crate::data::{GeneId, Responses};
use crate::graph::{GeneGraph, Sign};
use crate::rank::{Candidates, Own, Queries, RankError};

/// Fewer targets than this are no regulon.
const LEAST_TARGETS: usize = 5;

/// The scorer in the registry.
pub(in crate::rank) const SPEC: ScorerSpec = ScorerSpec {
    name: "ulm",
    about: "activity of the candidate's regulon in the graph, by a univariate linear model",
    source: "Badia-i-Mompel et al., Bioinformatics Advances 2022 (decoupler, method `ulm`)",
    without_own: true,
    joint: false,
    fit: |known| fit(known),
};

fn fit(known: &Known<'_>) -> Result<Box<dyn Scorer>, RankError> {
    let mut ulm = Ulm { regulons: regulons(known.graph, known.responses), direction: 1.0 };
    ulm.direction = match direction(known.responses) {
        Some(direction) => direction,
        // No target is measured: the side to which the regulons of training targets move.
        None => ulm.side(known)?,
    };
    Ok(Box::new(ulm))
}

struct Ulm {
    /// Measured targets and signed weights, per node.
    regulons: Vec<Vec<(usize, f64)>>,
    direction: f32,
}

/// Sums of the changes and their squares over the known genes before and after each gene, and how many are known.
struct Sums {
    before: Vec<[f64; 2]>,
    after: Vec<[f64; 2]>,
    n: usize,
}

impl Sums {
    fn new(z: ArrayView1<'_, f32>, known: &[bool]) -> Self {
        let term = |g: usize| if known[g] { [f64::from(z[g]), f64::from(z[g]).powi(2)] } else { [0.0; 2] };
        let add = |sum: &mut [f64; 2], g: usize| {
            let so_far = *sum;
            let [a, b] = term(g);
            *sum = [so_far[0] + a, so_far[1] + b];
            Some(so_far)
        };
        let before = (0..z.len()).scan([0.0; 2], add).collect();
        let mut after: Vec<[f64; 2]> = (0..z.len()).rev().scan([0.0; 2], add).collect();
        after.reverse();
        Self { before, after, n: known.iter().filter(|k| **k).count() }
    }

    /// Sum, sum of squares and number of the known genes but one.
    fn without(&self, gene: usize, known: bool) -> ([f64; 2], usize) {
        let [a, b] = [self.before[gene], self.after[gene]];
        ([a[0] + b[0], a[1] + b[1]], self.n - usize::from(known))
    }

    /// Of all known genes.
    fn all(&self, z: ArrayView1<'_, f32>, known: &[bool]) -> ([f64; 2], usize) {
        let Some(last) = z.len().checked_sub(1) else { return ([0.0; 2], 0) };
        let own = if known[last] { f64::from(z[last]) } else { 0.0 };
        ([self.before[last][0] + own, self.before[last][1] + own * own], self.n)
    }
}

impl Ulm {
    /// t values of all candidates for one query; `own` is left out where it is said to be.
    fn t_values(&self, z: ArrayView1<'_, f32>, known: &[bool], candidates: &Candidates, own: Own) -> Vec<f64> {
        let sums = Sums::new(z, known);
        let t = |c: usize| {
            let Some(node) = candidates.node[c] else { return 0.0 };
            let left_out = candidates.gene[c].map(GeneId::index).filter(|_| own == Own::Excluded);
            let (changes, n) = left_out.map_or_else(|| sums.all(z, known), |g| sums.without(g, known[g]));
            let regulon = &self.regulons[node.index()];
            let read = || regulon.iter().filter(|(g, _)| known[*g] && Some(*g) != left_out);
            let zero = ([0.0; 3], 0);
            let (weights, n_targets) = read().fold(zero, |([w, ww, wz], n), (g, weight)| {
                ([w + weight, ww + weight * weight, wz + weight * f64::from(z[*g])], n + 1)
            });
            if n_targets < LEAST_TARGETS { 0.0 } else { t_value(weights, changes, n) }
        };
        (0..candidates.len()).map(t).collect()
    }

    /// 1 or -1 as the t values of training targets are positive or negative in sum.
    fn side(&self, known: &Known<'_>) -> Result<f32, RankError> {
        let responses = known.responses;
        let rows: Vec<usize> = (0..responses.len()).collect();
        let asked = Asked::new(&Queries::of_responses(responses, &rows), known.frame, 1.0);
        let targets = responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned());
        let candidates = Candidates::of(targets, responses, known.graph);
        let scores = self.scores(&asked, &candidates, Own::Excluded)?;
        let of = |(i, p): (usize, &crate::data::Perturbation)| {
            let at = p.targets().iter().filter_map(|t| candidates.position(t));
            at.map(|c| f64::from(scores[[i, c]])).sum::<f64>()
        };
        let sum: f64 = responses.perturbations.iter().enumerate().map(of).sum();
        Ok(if sum > 0.0 { 1.0 } else { -1.0 })
    }
}

impl Scorer for Ulm {
    fn scores(&self, asked: &Asked, candidates: &Candidates, own: Own) -> Result<Array2<f32>, RankError> {
        let mut out = Array2::zeros((asked.len(), candidates.len()));
        out.outer_iter_mut().into_par_iter().zip(asked.z.outer_iter().into_par_iter()).for_each(|(mut to, z)| {
            let t = self.t_values(z, &asked.known, candidates, own);
            to.iter_mut().zip(t).for_each(|(to, t)| *to = self.direction * t as f32);
        });
        Ok(out)
    }
}

/// Measured targets of every node.
fn regulons(graph: &GeneGraph, responses: &Responses) -> Vec<Vec<(usize, f64)>> {
    let column: Vec<Option<usize>> =
        graph.genes().names().iter().map(|n| responses.genes.resolve(n).map(GeneId::index)).collect();
    let weight = |sign: Sign, weight: f32| f64::from(if sign == Sign::Repression { -weight } else { weight });
    let of = |node: u32| {
        let edges = graph.out_edges(GeneId(node)).iter();
        edges.filter_map(|e| Some((column[e.target.index()]?, weight(e.sign, e.weight)))).collect()
    };
    (0..graph.n_genes() as u32).map(of).collect()
}

/// t of the slope of n changes on their weights, from the sums of w, w^2, w z and of z, z^2.
fn t_value([w, ww, wz]: [f64; 3], [z, zz]: [f64; 2], n: usize) -> f64 {
    let n_genes = n as f64;
    let variances = (n_genes * ww - w * w) * (n_genes * zz - z * z);
    if n < 3 || variances <= 0.0 {
        return 0.0;
    }
    let r = ((n_genes * wz - w * z) / variances.sqrt()).clamp(-1.0, 1.0);
    // Perfect correlation would be infinite.
    r * ((n_genes - 2.0) / (1.0 - r * r).max(f64::EPSILON)).sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::fixture::{Fixture, asked};
    use super::*;
    use crate::graph::Sign::{Activation, Repression, Unknown};

    const GENES: [&str; 8] = ["A", "B", "C", "D", "E", "F", "G", "H"];

    /// A regulates six others.
    fn fixture(direction: f32) -> Fixture {
        let edges = [
            ("A", "B", 1.0, Activation),
            ("A", "C", 0.5, Repression),
            ("A", "D", 0.8, Unknown),
            ("A", "E", 1.0, Activation),
            ("A", "F", 0.3, Repression),
            ("A", "G", 0.6, Activation),
            ("B", "C", 1.0, Activation),
        ];
        let mut delta = Array2::from_elem((2, 8), 1.0);
        delta.row_mut(1).fill(-1.0);
        delta[[0, 0]] = direction;
        Fixture::new(&GENES, &["A", "X"], delta).with_edges(&edges)
    }

    fn scores(fixture: &Fixture, query: [f32; 8], own: Own) -> Vec<f32> {
        let candidates = fixture.candidates(&["A", "B", "H"]);
        let mut asked = asked(array![query], fixture);
        asked.z = asked.delta.clone();
        (SPEC.fit)(&fixture.known()).unwrap().scores(&asked, &candidates, own).unwrap().row(0).to_vec()
    }

    const QUERY: [f32; 8] = [3.0, 2.0, -1.0, 0.5, 1.5, 0.1, 1.0, -0.3];

    /// Slope over its standard error by scipy.stats.linregress (1.17.1) on the weights [0, 1, -.5, .8, 1, -.3, .6, 0] and the
    /// changes, and without the first of both.
    #[test]
    fn scores_are_t_values_of_the_slope() {
        let t = |direction: f32, own, expected: f32| {
            let got = scores(&fixture(direction), QUERY, own);
            assert!((got[0] - expected).abs() < 1e-4, "{got:?}");
            assert_eq!(got[1..], [0.0, 0.0]);
        };
        t(1.0, Own::Used, 1.445_531_5);
        t(-1.0, Own::Used, -1.445_531_5);
        t(1.0, Own::Excluded, 4.707_159);
    }

    #[test]
    fn the_own_change_takes_no_part_where_it_is_excluded() {
        let fixture = fixture(1.0);
        let mut other = QUERY;
        other[0] = -1234.5;
        assert_eq!(scores(&fixture, QUERY, Own::Excluded)[0], scores(&fixture, other, Own::Excluded)[0]);
        assert_ne!(scores(&fixture, QUERY, Own::Used)[0], scores(&fixture, other, Own::Used)[0]);
    }

    /// No target is measured; the regulon of A falls where A is perturbed.
    #[test]
    fn the_direction_is_learned_from_regulons_where_no_target_is_measured() {
        let edges: Vec<_> = GENES[1..7].iter().map(|g| ("A", *g, 1.0, Activation)).collect();
        let delta = array![[-3.0, -2.0, -3.0, -2.5, -3.0, -2.0, 0.0], [0.1, 0.0, 0.0, 0.0, 0.0, 0.1, 0.0]];
        let fixture = Fixture::new(&GENES[1..], &["A", "X"], delta).with_edges(&edges);
        let candidates = fixture.candidates(&["A", "X"]);
        let scorer = (SPEC.fit)(&fixture.known()).unwrap();
        let asked = asked(array![[-1.0, -1.0, -1.0, -1.0, -1.0, -1.1, 0.5]], &fixture);
        assert!(scorer.scores(&asked, &candidates, Own::Excluded).unwrap()[[0, 0]] > 1.0);
    }
}
