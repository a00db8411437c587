//! How well a change matches what the response expects of each candidate.

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::{Expected, LARGEST, Programmes, Reach, Response};
use crate::data::GeneId;
use crate::rank::frame::median;
use crate::rank::{Asked, Candidates, Own};

/// Part of the error of a change that no number of cells takes away, in median standard errors.
const MODEL_ERROR: f32 = 0.25;

/// Squared length of the expected change, in errors, below which a candidate is hardly told from one that changes
/// nothing: little expected is little evidence.
const LEAST_SQUARE: f64 = 1.0;

/// A matched filter: -(b' d q) / sqrt(b' d b + 1) with the expected change b of a candidate, the change q without common
/// programmes and the precision d of each gene.
///
/// Where the own reading is excluded, the candidate itself is in none of these sums, nor in the shares of the
/// programmes that are taken out of q.
#[derive(Debug, Clone)]
pub(in crate::rank) struct Filter {
    programmes: Programmes,
    reach: Arc<Reach>,
    /// Precision of the change of each gene.
    precision: Vec<f32>,
    /// Whether changes beyond [`LARGEST`] standard errors count as that many.
    clipped: bool,
}

/// What does not depend on the query: length of the expected change, and products with the programmes.
struct Norms {
    length: f64,
    on_programmes: Vec<f64>,
}

impl Filter {
    /// A filter on these expected changes.
    pub(in crate::rank) fn new(response: &Response, reach: Arc<Reach>, clipped: bool) -> Self {
        let programmes = response.programmes().clone();
        let floor = MODEL_ERROR * median(&programmes.noise).unwrap_or(1.0);
        let precision = programmes.noise.iter().map(|s| (s * s + floor * floor).recip()).collect();
        Self { programmes, reach, precision, clipped }
    }

    /// Scores with `further` as the weight of paths beyond one edge, n_queries x n_candidates; 0 for candidates that are
    /// not measured or reach nothing.
    pub(in crate::rank) fn scores(
        &self,
        asked: &Asked,
        candidates: &Candidates,
        own: Own,
        further: f32,
    ) -> Array2<f32> {
        let genes: Vec<Option<usize>> = candidates.gene.iter().map(|g| g.map(GeneId::index)).collect();
        let scales = self.scales(&asked.known);
        let norm = |g: &Option<usize>| g.map(|g| scales.norms(g, self.reach.of(g, further), own));
        let norms: Vec<Option<Norms>> = genes.par_iter().map(norm).collect();
        let mut out = Array2::zeros((asked.len(), genes.len()));
        out.outer_iter_mut().into_par_iter().enumerate().for_each(|(q, mut row)| {
            let query = self.query(asked, q);
            for (score, (gene, norms)) in row.iter_mut().zip(genes.iter().zip(&norms)) {
                if let (Some(gene), Some(norms)) = (gene, norms) {
                    *score = query.score(*gene, self.reach.of(*gene, further), norms, own) as f32;
                }
            }
        });
        out
    }

    fn query(&self, asked: &Asked, q: usize) -> Query {
        let noise = &self.programmes.noise;
        let clipped: Vec<f32> = asked.z.row(q).iter().map(|z| z.clamp(-LARGEST, LARGEST)).collect();
        let shares = self.programmes.shares_without(&clipped);
        let x = match self.clipped {
            true => clipped,
            false => asked.delta.row(q).iter().zip(noise).map(|(d, s)| d / s).collect(),
        };
        let weighted = x.iter().zip(noise).zip(&self.precision).map(|((x, s), d)| f64::from(x * s * d)).collect();
        Query { weighted, shares }
    }

    fn scales(&self, known: &[bool]) -> Scales {
        let counts = self.precision.iter().zip(known);
        let precision: Vec<f64> = counts.map(|(&d, &known)| if known { f64::from(d) } else { 0.0 }).collect();
        let along = |axis: ndarray::ArrayView1<'_, f32>| {
            let weight = precision.iter().zip(&self.programmes.noise).map(|(d, s)| d * f64::from(*s));
            axis.iter().zip(weight).map(|(v, w)| f64::from(*v) * w).collect()
        };
        Scales { axes: self.programmes.axes.outer_iter().map(along).collect(), precision }
    }
}

/// What an expected change is multiplied with, per gene; 0 at genes that the queries lack.
struct Scales {
    precision: Vec<f64>,
    /// Precision times error times programme.
    axes: Vec<Vec<f64>>,
}

impl Scales {
    fn norms(&self, gene: usize, expected: Expected<'_>, own: Own) -> Norms {
        let (mut square, mut on_programmes) = (LEAST_SQUARE, vec![0.0; self.axes.len()]);
        for (g, b) in expected.changes() {
            let b = f64::from(b);
            square += b * b * self.precision[g];
            on_programmes.iter_mut().zip(&self.axes).for_each(|(sum, axis)| *sum += b * axis[g]);
        }
        if own == Own::Used {
            square += f64::from(expected.own()).powi(2) * self.precision[gene];
        }
        Norms { length: square.sqrt(), on_programmes }
    }
}

/// A change, ready to be matched.
struct Query {
    /// Change times precision.
    weighted: Vec<f64>,
    /// Shares of the programmes without each gene.
    shares: Vec<Vec<f64>>,
}

impl Query {
    fn score(&self, gene: usize, expected: Expected<'_>, norms: &Norms, own: Own) -> f64 {
        let whole: f64 = expected.changes().map(|(g, b)| f64::from(b) * self.weighted[g]).sum();
        let common: f64 = self.shares.iter().zip(&norms.on_programmes).map(|(share, on)| share[gene] * on).sum();
        let reading = match own {
            Own::Used => f64::from(expected.own()) * self.weighted[gene],
            Own::Excluded => 0.0,
        };
        (common - whole - reading) / norms.length
    }
}

#[cfg(test)]
pub(in crate::rank) mod tests {
    use ndarray::array;

    use super::super::{ResponseSettings, tests::chain};
    use super::*;
    use crate::data::Responses;
    use crate::graph::GraphBuilder;

    /// Effects of 0.5 of A on B and of B on C, standard errors 0.05, without programmes.
    pub(in crate::rank) fn line() -> (Responses, Response) {
        let (responses, _) = chain(6);
        let settings = ResponseSettings { programmes: 0, ..ResponseSettings::default() };
        let response = Response::of_effects(&[(1, 0, 0.5), (2, 1, 0.5)], &responses, &settings).unwrap();
        (responses, response)
    }

    pub(in crate::rank) fn asked(delta: Array2<f32>) -> Asked {
        let frame = crate::rank::Frame { mean: vec![0.0; 5], squared_scale: 1.0, spread: vec![0.05; 5] };
        let names = delta.outer_iter().map(|_| String::new()).collect();
        let queries = crate::rank::Queries { names, delta, error: None, known: vec![true; 5] };
        Asked::new(&queries, &frame, 1.0)
    }

    pub(in crate::rank) fn candidates(responses: &Responses) -> Candidates {
        let names = responses.genes.names().iter().cloned().chain(["UNMEASURED".into()]);
        Candidates::of(names, responses, &GraphBuilder::new().build())
    }

    /// By hand: all errors are equal, so each score is -sum(b q) v / sqrt(sum(b^2) v + 1) with the precision
    /// v = 1 / (0.05^2 (1 + 1/16)).
    #[test]
    fn scores_are_signed_projections() {
        let (responses, response) = line();
        let v = 1.0 / (0.0025 * 1.0625f32);
        let asked = asked(array![[9.0, -0.1, -0.05, 0.0, 0.0]]);
        let candidates = candidates(&responses);
        let t = |reach: Arc<Reach>, own: Own, sums: [(f32, f32); 3]| {
            let scores = Filter::new(&response, reach, true).scores(&asked, &candidates, own, 1.0);
            for (c, (product, square)) in sums.into_iter().enumerate() {
                let expected = product * v / (square * v + 1.0).sqrt();
                assert!((scores[[0, c]] - expected).abs() <= 1e-3 * expected.abs(), "{scores} {expected}");
            }
            assert_eq!((scores[[0, 3]], scores[[0, 5]]), (0.0, 0.0));
        };
        let direct = [(0.1 * 0.5, 0.25), (0.05 * 0.5, 0.25), (0.0, 0.0)];
        t(Arc::new(Reach::direct(&response)), Own::Excluded, direct);
        let full = (0.1 * 0.5 + 0.05 * 0.25, 0.25 + 0.0625);
        t(response.reach(), Own::Excluded, [full, direct[1], direct[2]]);
        // A itself stands at 4 errors = 0.2, upwards.
        let used = [(full.0 - 0.2, full.1 + 1.0), (0.1 + 0.05 * 0.5, 1.25), (0.05, 1.0)];
        t(response.reach(), Own::Used, used);
    }

    #[test]
    fn the_own_reading_changes_no_bit() {
        let (responses, graph) = chain(60);
        let response = Response::fit(&responses, &graph, None, &ResponseSettings::default()).unwrap();
        let candidates = candidates(&responses);
        let delta = array![[0.3, -0.1, -0.05, 0.02, 0.01]];
        for clipped in [true, false] {
            let filter = Filter::new(&response, response.reach(), clipped);
            let scores = filter.scores(&asked(delta.clone()), &candidates, Own::Excluded, 0.5);
            for gene in 0..5 {
                let mut other = delta.clone();
                other[[0, gene]] += 7.3;
                let again = filter.scores(&asked(other), &candidates, Own::Excluded, 0.5);
                assert_eq!(again[[0, gene]].to_bits(), scores[[0, gene]].to_bits());
            }
        }
    }
}
