//! Whether the unperturbed state is stable.

use super::Elasticity;
use crate::stats::Rng;

/// Time per step; exp(h J) by its Taylor series to fourth order is accurate to 1e-5 for |h J| < 0.5.
const STEP: f64 = 0.25;
/// Steps before and while the growth is measured.
const STEPS: usize = 600;

/// The largest real part of the eigenvalues of the elasticity matrix J: a small disturbance of ln x follows
/// `dv/dt = J v - v` (time in mRNA lifetimes, equal for all genes), so the state is stable where this is below 1.
///
/// Follows `dv/dt = J v` from a random start over regulators and measures the growth of |v| over the second half of 150
/// lifetimes. Unlike power iteration this sees real parts, not moduli: a strong negative loop is no instability.
/// 0 where there is no cycle.
///
/// # Complexity
/// O(links between regulators x 2,400).
pub fn growth_rate(elasticity: &Elasticity) -> f64 {
    let core = Core::of(elasticity);
    if core.start.len() <= 1 {
        return 0.0;
    }
    let n = core.start.len() - 1;
    let mut v: Vec<f64> = (0..n as u64).map(|i| Rng::keyed(0, "growth", i, 0).normal()).collect();
    let mut logs = Vec::with_capacity(STEPS);
    let mut log = 0.0;
    for _ in 0..STEPS {
        core.step(&mut v);
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        for x in &mut v {
            *x /= norm;
        }
        log += norm.ln();
        logs.push(log);
    }
    let half = STEPS / 2;
    (logs[STEPS - 1] - logs[half - 1]) / ((STEPS - half) as f64 * STEP)
}

/// The elasticity matrix among genes that lie on cycles, by target.
struct Core {
    start: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Core {
    fn of(elasticity: &Elasticity) -> Self {
        let cyclic = on_cycles(elasticity);
        let mut position = vec![None; elasticity.n_genes()];
        cyclic.iter().enumerate().for_each(|(k, &gene)| position[gene] = Some(k as u32));
        let mut core = Self { start: vec![0], entries: Vec::new() };
        for &gene in &cyclic {
            let row = elasticity.row(gene);
            core.entries.extend(row.filter_map(|(source, value)| Some((position[source as usize]?, value))));
            core.start.push(core.entries.len());
        }
        core
    }

    /// v <- exp(h J) v.
    fn step(&self, v: &mut [f64]) {
        let mut term = v.to_vec();
        for k in 1..=4 {
            let next: Vec<f64> = self
                .start
                .windows(2)
                .map(|w| {
                    let row = &self.entries[w[0]..w[1]];
                    row.iter().map(|&(j, a)| a * term[j as usize]).sum::<f64>() * STEP / f64::from(k)
                })
                .collect();
            v.iter_mut().zip(&next).for_each(|(x, t)| *x += t);
            term = next;
        }
    }
}

/// Genes in a strongly connected component of more than one gene: only they can feed back on themselves.
fn on_cycles(elasticity: &Elasticity) -> Vec<usize> {
    let mut graph = petgraph::graph::DiGraph::<(), ()>::with_capacity(elasticity.n_genes(), 0);
    (0..elasticity.n_genes()).for_each(|_| {
        graph.add_node(());
    });
    for gene in 0..elasticity.n_genes() {
        elasticity.row(gene).for_each(|(source, _)| {
            graph.add_edge(source.into(), (gene as u32).into(), ());
        });
    }
    let components = petgraph::algo::tarjan_scc(&graph);
    let mut genes: Vec<usize> =
        components.into_iter().filter(|c| c.len() > 1).flatten().map(petgraph::graph::NodeIndex::index).collect();
    genes.sort_unstable();
    genes
}

#[cfg(test)]
mod tests {
    use super::super::{Thermo, Wiring};

    /// Growth rate of a ring of `n` genes whose last link has the given sign; all elasticities have modulus 0.5.
    fn ring(n: usize, last: char) -> f64 {
        let line = |i: usize| format!("G{i}\tG{}\t{}\t1\n", (i + 1) % n, if i + 1 == n { last } else { '+' });
        let table: String = std::iter::once("header\n".to_owned()).chain((0..n).map(line)).collect();
        let wiring = Wiring::parse(&table, "ring").unwrap();
        // n (f - 1) / (2 (1 + f)) = +-1/2 at n = 2 for f = 3 and f = 1/3.
        let folds: Vec<f64> = wiring.links.iter().map(|l| if l.activates { 3.0 } else { 1.0 / 3.0 }).collect();
        Thermo::new(&wiring, &folds, 2.0, &vec![1.0; n]).unwrap().growth
    }

    #[test]
    fn rings_have_the_growth_of_their_roots_of_unity() {
        // Eigenvalues of a ring: 0.5 times the n-th roots of the product of the signs.
        let t = |n, last, expected: f64| {
            let got = ring(n, last);
            assert!((got - expected).abs() < 2e-3, "ring of {n} ending in {last}: {got}, expected {expected}");
        };
        t(2, '+', 0.5);
        t(2, '-', 0.0);
        t(3, '+', 0.5);
        t(3, '-', 0.5 * (std::f64::consts::PI / 3.0).cos());
        t(5, '-', 0.5 * (std::f64::consts::PI / 5.0).cos());
    }

    #[test]
    fn without_a_cycle_there_is_no_growth() {
        let wiring = Wiring::parse("header\nA\tB\t+\t1\nB\tC\t-\t1\nA\tC\t+\t1\n", "chain").unwrap();
        assert_eq!(Thermo::new(&wiring, &[9.0; 3], 2.0, &[1.0; 3]).unwrap().growth, 0.0);
    }
}
