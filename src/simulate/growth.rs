//! Whether a steady state is stable.

use ndarray::Array2;

use super::Elasticity;
use crate::stats::{self, Rng};

/// Length of a Krylov space, and how often it is built anew from its leading direction.
const KRYLOV: usize = 60;
const RESTARTS: usize = 40;
/// Change of the leading eigenvalue between two spaces at which it counts as found.
const ACCURACY: f64 = 1e-6;
/// Terms of the Taylor series of exp(h A): its remainder is below 1e-9 for |h A| <= 1.
const TERMS: u32 = 12;

/// The largest real part of the eigenvalues of the elasticity matrix J. Where all genes decay equally fast, a small
/// disturbance of ln x follows `dv/dt = J v - v` (time in lifetimes), so the state is stable where this is below 1.
///
/// Arnoldi iteration on exp(h J) (Saad 1992, Numerical Methods for Large Eigenvalue Problems), whose largest eigenvalue in
/// modulus belongs to the eigenvalue of J furthest to the right: a strong negative loop is no instability, which power
/// iteration on J itself would take it for. Only genes on cycles are looked at; 0 where there is no cycle.
///
/// # Complexity
/// O(edges between genes on cycles x 720) per Krylov space of 60 vectors; one or two spaces are usual, 40 the most.
pub fn growth_rate(elasticity: &Elasticity) -> f64 {
    rightmost(&Core::of(elasticity, None)).unwrap_or(0.0)
}

/// The largest real part, per hour, of the eigenvalues of the Jacobian `D (J - I)` of the rates at a steady state, `D` the decay
/// rates per hour (one per gene): the state is stable where this is below 0.
///
/// # Complexity
/// As [`growth_rate`].
pub fn leading_eigenvalue(elasticity: &Elasticity, decay: &[f64]) -> f64 {
    // A gene off all cycles adds its own decay and nothing else.
    let slowest = decay.iter().copied().fold(f64::INFINITY, f64::min);
    rightmost(&Core::of(elasticity, Some(decay))).map_or(-slowest, |found| found.max(-slowest))
}

/// The largest real part of the eigenvalues of a matrix; `None` if it is empty.
fn rightmost(core: &Core) -> Option<f64> {
    let n = core.start.len() - 1;
    if n == 0 {
        return None;
    }
    let step = 1.0 / core.norm().max(f64::MIN_POSITIVE);
    let mut start: Vec<f64> = (0..n as u64).map(|i| Rng::keyed(0, "growth", i, 0).normal()).collect();
    let mut last = f64::INFINITY;
    for _ in 0..RESTARTS {
        let space = Space::build(&start, |v| core.exponential(v, step));
        let found = space.largest_modulus().ln() / step;
        if space.complete || (found - last).abs() <= ACCURACY {
            return Some(found);
        }
        (last, start) = (found, space.last);
    }
    Some(last)
}

/// An Arnoldi space: the operator seen from within it.
struct Space {
    hessenberg: Array2<f64>,
    /// Whether the space is closed under the operator.
    complete: bool,
    /// Where the start came to: it leans towards the leading direction.
    last: Vec<f64>,
}

impl Space {
    fn build(start: &[f64], mut apply: impl FnMut(&[f64]) -> Vec<f64>) -> Self {
        let steps = KRYLOV.min(start.len());
        let mut h = Array2::zeros((steps, steps));
        let mut basis = vec![unit(start.to_vec()).1];
        let mut image = start.to_vec();
        for k in 0..steps {
            let mut w = apply(&basis[k]);
            image = unit(apply(&image)).1;
            // Twice is enough (Kahan): the basis stays orthogonal to rounding.
            for _ in 0..2 {
                for (i, v) in basis.iter().enumerate() {
                    let along = dot(v, &w);
                    w.iter_mut().zip(v).for_each(|(w, v)| *w -= along * v);
                    h[[i, k]] += along;
                }
            }
            let (rest, next) = unit(w);
            if rest <= 1e-12 || k + 1 == steps {
                let closed = rest <= 1e-12 || steps == start.len();
                let h = h.slice_move(ndarray::s![..=k, ..=k]);
                return Self { hessenberg: h, complete: closed, last: image };
            }
            h[[k + 1, k]] = rest;
            basis.push(next);
        }
        Self { hessenberg: h, complete: true, last: image }
    }

    fn largest_modulus(&self) -> f64 {
        let values = stats::eigenvalues(&self.hessenberg).unwrap_or_default();
        values.iter().map(|(re, im)| re.hypot(*im)).fold(0.0, f64::max)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The length of a vector and the vector of length 1.
fn unit(mut v: Vec<f64>) -> (f64, Vec<f64>) {
    let length = dot(&v, &v).sqrt();
    v.iter_mut().for_each(|x| *x /= length.max(f64::MIN_POSITIVE));
    (length, v)
}

/// The elasticity matrix among genes that lie on cycles, by target.
struct Core {
    start: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Core {
    /// J, or D (J - I) with decay rates.
    fn of(elasticity: &Elasticity, decay: Option<&[f64]>) -> Self {
        let cyclic = on_cycles(elasticity);
        let mut position = vec![None; elasticity.n_genes()];
        cyclic.iter().enumerate().for_each(|(k, &gene)| position[gene] = Some(k as u32));
        let mut core = Self { start: vec![0], entries: Vec::new() };
        for (k, &gene) in cyclic.iter().enumerate() {
            let rate = decay.map_or(1.0, |d| d[gene]);
            let row = elasticity.row(gene);
            core.entries.extend(row.filter_map(|(source, value)| Some((position[source as usize]?, value * rate))));
            core.entries.extend(decay.map(|_| (k as u32, -rate)));
            core.start.push(core.entries.len());
        }
        core
    }

    /// The largest row sum of moduli.
    fn norm(&self) -> f64 {
        let sum = |w: &[usize]| self.entries[w[0]..w[1]].iter().map(|(_, a)| a.abs()).sum();
        self.start.windows(2).map(sum).fold(0.0, f64::max)
    }

    /// exp(h A) v.
    fn exponential(&self, v: &[f64], step: f64) -> Vec<f64> {
        let (mut sum, mut term) = (v.to_vec(), v.to_vec());
        for k in 1..=TERMS {
            let scale = step / f64::from(k);
            let row = |w: &[usize]| self.entries[w[0]..w[1]].iter().map(|&(j, a)| a * term[j as usize]).sum::<f64>();
            term = self.start.windows(2).map(|w| row(w) * scale).collect();
            sum.iter_mut().zip(&term).for_each(|(x, t)| *x += t);
        }
        sum
    }
}

/// Genes in a strongly connected component of more than one gene, or that act on themselves: only they can feed back on
/// themselves.
fn on_cycles(elasticity: &Elasticity) -> Vec<usize> {
    let n = elasticity.n_genes();
    let mut graph = petgraph::graph::DiGraph::<(), ()>::with_capacity(n, 0);
    (0..n).for_each(|_| {
        graph.add_node(());
    });
    let mut cyclic = vec![false; n];
    for (gene, cyclic) in cyclic.iter_mut().enumerate() {
        elasticity.row(gene).for_each(|(source, _)| {
            *cyclic |= source as usize == gene;
            graph.add_edge(source.into(), (gene as u32).into(), ());
        });
    }
    let components = petgraph::algo::tarjan_scc(&graph);
    components.iter().filter(|c| c.len() > 1).flatten().for_each(|g| cyclic[g.index()] = true);
    (0..n).filter(|&g| cyclic[g]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Law, Thermo, TopologyOptions, Wiring, generate};
    use super::*;

    /// A ring of `n` genes whose last link has the given sign; all elasticities have modulus 0.5.
    fn ring(n: usize, last: char) -> Thermo {
        let line = |i: usize| format!("G{i}\tG{}\t{}\t1\n", (i + 1) % n, if i + 1 == n { last } else { '+' });
        let table: String = std::iter::once("header\n".to_owned()).chain((0..n).map(line)).collect();
        let wiring = Wiring::parse(&table, "ring").unwrap();
        // n (f - 1) / (2 (1 + f)) = +-1/2 at n = 2 for f = 3 and f = 1/3.
        let folds: Vec<f64> = wiring.links.iter().map(|l| if l.activates { 3.0 } else { 1.0 / 3.0 }).collect();
        Thermo::new(&wiring, &folds, 2.0, &vec![1.0; n]).unwrap()
    }

    #[test]
    fn rings_have_the_growth_of_their_roots_of_unity() {
        // Eigenvalues of a ring: 0.5 times the n-th roots of the product of the signs.
        let t = |n, last, expected: f64| {
            let got = ring(n, last).growth;
            assert!((got - expected).abs() < 1e-9, "ring of {n} ending in {last}: {got}, expected {expected}");
        };
        t(2, '+', 0.5);
        t(2, '-', 0.0);
        t(3, '+', 0.5);
        t(3, '-', 0.5 * (std::f64::consts::PI / 3.0).cos());
        t(5, '-', 0.5 * (std::f64::consts::PI / 5.0).cos());
        t(200, '+', 0.5);
    }

    #[test]
    fn without_a_cycle_there_is_no_growth() {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\nB\tC\t-\t1\nA\tC\t+\t1\n", "chain").unwrap();
        let law = Thermo::new(&wiring, &[9.0; 3], 2.0, &[1.0; 3]).unwrap();
        assert_eq!(law.growth, 0.0);
        let leading = leading_eigenvalue(&Elasticity::at(&law, law.baseline()), &[3.0, 2.0, 5.0]);
        assert_eq!(leading, -2.0);
    }

    #[test]
    fn the_jacobian_of_two_genes_has_the_eigenvalues_of_the_quadratic_formula() {
        let law = ring(2, '+');
        let leading = leading_eigenvalue(&Elasticity::at(&law, law.baseline()), &[1.0, 4.0]);
        // [[-1, 1/2], [2, -4]]: l^2 + 5 l + 3 = 0.
        assert!((leading - f64::midpoint(-5.0, 13.0f64.sqrt())).abs() < 1e-9, "{leading}");
    }

    #[test]
    fn a_random_network_agrees_with_the_dense_eigenvalues() {
        let options = TopologyOptions { genes: 600, regulators: 0.5, ..TopologyOptions::default() };
        let wiring = generate(&options, 7).unwrap();
        let (law, _) = Thermo::draw(&wiring, &super::super::ThermoOptions::default(), 7).unwrap();
        let elasticity = Elasticity::at(&law, law.baseline());
        let mut dense = Array2::zeros((600, 600));
        (0..600).for_each(|i| elasticity.row(i).for_each(|(j, v)| dense[[i, j as usize]] = v));
        let t = |dense: &Array2<f64>, got: f64| {
            let expected = stats::eigenvalues(dense).unwrap().iter().map(|z| z.0).fold(f64::MIN, f64::max);
            assert!((got - expected).abs() < 1e-5, "{got}, dense {expected}");
        };
        t(&dense, growth_rate(&elasticity));
        let rates = Array2::from_shape_fn((600, 600), |(i, j)| law.decay()[i] * (dense[[i, j]] - f64::from(i == j)));
        t(&rates, leading_eigenvalue(&elasticity, law.decay()));
    }
}
