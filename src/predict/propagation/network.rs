//! A linear network: the change of a gene is a weighted sum of the changes of its regulators.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use super::prior::Prior;
use crate::stats::{LinalgError, inverse_spd, solve, solve_spd};

/// How a network is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Penalties {
    /// Ridge penalty on the difference of an edge of the prior from what is expected of it.
    pub(super) penalty: f64,
    /// How freely a regulator that the prior does not name may act: variance relative to that of a named one, 0..1.
    pub(super) unnamed: f64,
}

/// Weights W, n_genes x n_genes: a sparse part on the edges of the prior, and a part of low rank for all others.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// By source: target and weight.
    pub(super) out: Vec<Vec<(u32, f32)>>,
    /// Genes that may act on any other.
    pub(super) sources: Vec<usize>,
    /// Changes of the sources, n x n_sources.
    pub(super) left: Array2<f32>,
    /// n x n_genes: W = sparse + left' right on the sources.
    pub(super) right: Array2<f32>,
}

impl Network {
    /// Ridge regression of the change of each gene on that of its regulators. `changes` is n x n_genes, centred; row i
    /// takes no part in the fit of its own targets `own[i]`, which fell by intervention.
    ///
    /// # Complexity
    /// With r sources and k regulators per gene: O(n^2 (n + r) + n_genes n (n + k^2)) and one solve of O(n^3) per target gene.
    pub(super) fn fit(
        changes: &Array2<f64>,
        own: &[Vec<usize>],
        prior: &Prior,
        expected: [f64; 2],
        penalties: Penalties,
    ) -> Result<Self, LinalgError> {
        let fit = Fit::new(changes, own, prior, expected, penalties)?;
        let genes = (0..changes.ncols()).into_par_iter().map(|gene| fit.gene(gene));
        let genes: Vec<(Array1<f64>, Vec<(usize, f64)>)> = genes.collect::<Result<_, _>>()?;
        let mut out = vec![Vec::new(); changes.ncols()];
        let mut right = Array2::zeros(changes.raw_dim());
        for (gene, (dual, links)) in genes.into_iter().enumerate() {
            links.into_iter().for_each(|(source, weight)| out[source].push((gene as u32, weight as f32)));
            let scaled = dual.mapv(|a| (penalties.unnamed * a) as f32);
            right.column_mut(gene).assign(&scaled);
        }
        let left = changes.select(Axis(1), &prior.sources).mapv(|x| x as f32);
        Ok(Self { out, sources: prior.sources.clone(), left, right })
    }

    /// What arrives at every gene after 1, 2, ... `hops` steps from these changes (rows: perturbations), n x n_genes each.
    /// `first` is added to the first step. The genes of `held` stay as the intervention sets them, so nothing arrives
    /// there.
    pub(super) fn hops(
        &self,
        start: Array2<f32>,
        first: &[Vec<(usize, f32)>],
        held: &[Vec<usize>],
        hops: usize,
    ) -> Vec<Array2<f32>> {
        let mut all: Vec<Array2<f32>> = Vec::with_capacity(hops);
        for hop in 0..hops {
            let mut next = self.step(all.last().unwrap_or(&start));
            for (row, mut to) in next.outer_iter_mut().enumerate() {
                first[row].iter().filter(|_| hop == 0).for_each(|&(gene, change)| to[gene] += change);
                held[row].iter().for_each(|&gene| to[gene] = 0.0);
            }
            all.push(next);
        }
        all
    }

    /// The changes one step on.
    fn step(&self, changes: &Array2<f32>) -> Array2<f32> {
        let mut next = changes.select(Axis(1), &self.sources).dot(&self.left.t()).dot(&self.right);
        next.axis_iter_mut(Axis(0)).into_par_iter().zip(changes.axis_iter(Axis(0))).for_each(|(mut to, from)| {
            for (links, &change) in self.out.iter().zip(&from).filter(|(_, c)| **c != 0.0) {
                links.iter().for_each(|&(gene, weight)| to[gene as usize] += weight * change);
            }
        });
        next
    }
}

/// What the regressions of all genes share.
struct Fit<'a> {
    changes: &'a Array2<f64>,
    own: &'a [Vec<usize>],
    prior: &'a Prior,
    expected: [f64; 2],
    penalties: Penalties,
    /// By gene: its position among the sources.
    place: Vec<Option<usize>>,
    /// A = unnamed x S S' + penalty I with the changes S of the sources, n x n.
    base: Array2<f64>,
    /// A^-1.
    inverse: Array2<f64>,
    /// A^-1 S, n x n_sources.
    inverse_sources: Array2<f64>,
}

impl<'a> Fit<'a> {
    fn new(
        changes: &'a Array2<f64>,
        own: &'a [Vec<usize>],
        prior: &'a Prior,
        expected: [f64; 2],
        penalties: Penalties,
    ) -> Result<Self, LinalgError> {
        let sources = changes.select(Axis(1), &prior.sources);
        let mut base = sources.dot(&sources.t()) * penalties.unnamed;
        base.diag_mut().mapv_inplace(|v| v + penalties.penalty);
        let inverse = inverse_spd(&base)?;
        let inverse_sources = inverse.dot(&sources);
        let mut place = vec![None; changes.ncols()];
        prior.sources.iter().enumerate().for_each(|(k, &s)| place[s] = Some(k));
        Ok(Self { changes, own, prior, expected, penalties, place, base, inverse, inverse_sources })
    }

    /// Dual coefficients (n) and the weights of the edges of the prior of one gene.
    fn gene(&self, gene: usize) -> Result<(Array1<f64>, Vec<(usize, f64)>), LinalgError> {
        let links = &self.prior.regulators[gene];
        let mut rest = self.changes.column(gene).to_owned();
        for link in links {
            rest.scaled_add(-link.expected(self.expected), &self.changes.column(link.gene));
        }
        // What differs from the base: named regulators act more freely, and no gene regulates itself.
        let mut extra: Vec<(usize, f64)> = links.iter().map(|l| (l.gene, 1.0 - self.penalties.unnamed)).collect();
        if self.place[gene].is_some() && self.penalties.unnamed > 0.0 {
            extra.push((gene, -self.penalties.unnamed));
        }
        let dual = self.dual(gene, &rest, &extra)?;
        let learned = |&(source, variance): &(usize, f64)| (source, variance * self.changes.column(source).dot(&dual));
        let mut weights: Vec<(usize, f64)> = extra.iter().map(learned).collect();
        weights.iter_mut().zip(links).for_each(|(w, link)| w.1 += link.expected(self.expected));
        Ok((dual, weights))
    }

    /// (A + U diag(v) U')^-1 rest over the rows where the gene was not a target; 0 in the other rows.
    fn dual(&self, gene: usize, rest: &Array1<f64>, extra: &[(usize, f64)]) -> Result<Array1<f64>, LinalgError> {
        let used: Vec<usize> = (0..self.own.len()).filter(|&i| !self.own[i].contains(&gene)).collect();
        if used.len() == self.own.len() && extra.len() < used.len() {
            return self.by_woodbury(rest, extra);
        }
        let columns: Vec<usize> = extra.iter().map(|e| e.0).collect();
        let u = self.changes.select(Axis(1), &columns).select(Axis(0), &used);
        let variances: Array1<f64> = extra.iter().map(|e| e.1).collect();
        let matrix = self.base.select(Axis(0), &used).select(Axis(1), &used) + (&u * &variances).dot(&u.t());
        let solved = solve_spd(&matrix, &rest.select(Axis(0), &used).insert_axis(Axis(1)))?;
        let mut dual = Array1::zeros(rest.len());
        used.iter().zip(solved.column(0)).for_each(|(&i, &a)| dual[i] = a);
        Ok(dual)
    }

    /// The same by the identity of Woodbury: A^-1 r - A^-1 U (diag(1/v) + U' A^-1 U)^-1 U' A^-1 r.
    fn by_woodbury(&self, rest: &Array1<f64>, extra: &[(usize, f64)]) -> Result<Array1<f64>, LinalgError> {
        let plain = self.inverse.dot(rest);
        if extra.is_empty() {
            return Ok(plain);
        }
        let columns: Vec<usize> = extra.iter().map(|e| e.0).collect();
        let u = self.changes.select(Axis(1), &columns);
        let places: Vec<usize> = columns.iter().filter_map(|&c| self.place[c]).collect();
        let inverse_u = self.inverse_sources.select(Axis(1), &places);
        let mut small = u.t().dot(&inverse_u);
        extra.iter().enumerate().for_each(|(k, (_, v))| small[[k, k]] += 1.0 / v);
        let inner = solve(&small, &u.t().dot(&plain))?;
        Ok(plain - inverse_u.dot(&inner))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::prior::Link;
    use super::*;
    use crate::graph::Sign;
    use crate::stats::Rng;

    /// Three genes; 0 -> 1 is named.
    fn prior() -> Prior {
        let link = Link { gene: 0, weight: 1.0, sign: Sign::Activation };
        Prior { regulators: vec![Vec::new(), vec![link], Vec::new()], sources: vec![0, 2] }
    }

    fn changes(n: usize) -> Array2<f64> {
        let mut rng = Rng::named(5, "network");
        let mut x = Array2::from_shape_fn((n, 3), |_| rng.normal());
        for mut row in x.outer_iter_mut() {
            row[1] = 0.8 * row[0] - 0.5 * row[2];
        }
        x
    }

    #[test]
    fn named_and_unnamed_regulators_are_found_where_data_abound() {
        let x = changes(400);
        let penalties = Penalties { penalty: 1.0, unnamed: 0.5 };
        let network = Network::fit(&x, &vec![Vec::new(); 400], &prior(), [0.1, 0.0], penalties).unwrap();
        let arrives = |gene: usize| {
            let mut start = Array2::zeros((1, 3));
            start[[0, gene]] = 1.0;
            network.step(&start)[[0, 1]]
        };
        assert!((arrives(0) - 0.8).abs() < 0.02 && (arrives(2) + 0.5).abs() < 0.02, "{} {}", arrives(0), arrives(2));
    }

    #[test]
    fn a_strong_penalty_leaves_what_the_prior_expects() {
        let x = changes(20);
        let penalties = Penalties { penalty: 1e9, unnamed: 0.5 };
        let network = Network::fit(&x, &vec![Vec::new(); 20], &prior(), [0.3, 0.0], penalties).unwrap();
        let step = network.step(&array![[1.0f32, 0.0, 1.0]]).row(0).to_owned();
        assert!((step[1] - 0.3).abs() < 1e-5 && step[0].abs() < 1e-5 && step[2].abs() < 1e-5, "{step}");
    }

    #[test]
    fn woodbury_equals_the_direct_solution() {
        let (x, own) = (changes(9), vec![Vec::new(); 9]);
        let prior = prior();
        let fit = Fit::new(&x, &own, &prior, [0.1, 0.0], Penalties { penalty: 2.0, unnamed: 0.3 }).unwrap();
        let extra = [(0, 0.7), (2, -0.3)];
        let rest = x.column(1).to_owned();
        let u = x.select(Axis(1), &[0, 2]);
        let matrix = &fit.base + (&u * &array![0.7, -0.3]).dot(&u.t());
        let direct = solve_spd(&matrix, &rest.clone().insert_axis(Axis(1))).unwrap();
        let got = fit.by_woodbury(&rest, &extra).unwrap();
        assert!(got.iter().zip(direct.column(0)).all(|(a, b)| (a - b).abs() < 1e-9));
    }

    #[test]
    fn nothing_arrives_at_what_is_held() {
        let x = changes(50);
        let penalties = Penalties { penalty: 1.0, unnamed: 0.5 };
        let network = Network::fit(&x, &vec![Vec::new(); 50], &prior(), [0.1, 0.0], penalties).unwrap();
        let hops = network.hops(array![[0.0, -1.0, 1.0]], &[vec![(0, 0.5)]], &[vec![1]], 3);
        assert!(hops.iter().all(|h| h[[0, 1]] == 0.0));
        assert!((hops[0][[0, 0]] - 0.5).abs() < 0.1);
    }
}
