//! The fixed points of the logistic law against the stochastic equation they stand for.

use std::path::Path;

use grn::simulate::{Law, Logistic, Solver, TopologyOptions, generate};
use grn::stats::{Rng, pearson};

/// The published equation by Euler and Maruyama, kept apart from the code of the law:
/// `dX = (sigmoid(alpha + beta X) - lambda X) dt + s sqrt(X) dW`, averaged over time.
struct Published {
    alpha: Vec<f64>,
    lambda: Vec<f64>,
    /// (source, target, beta)
    edges: Vec<(usize, usize, f64)>,
}

impl Published {
    const DT: f64 = 0.01;
    const NOISE: f64 = 1e-4;
    const BURN_IN: usize = 6_000;
    const AVERAGED: usize = 12_000;

    fn mean_levels(&self, removed: Option<usize>, seed: u64) -> Vec<f64> {
        let n = self.alpha.len();
        let mut x: Vec<f64> = (0..n).map(|i| 1.0 / (1.0 + (-self.alpha[i]).exp()) / self.lambda[i]).collect();
        let mut sum = vec![0.0; n];
        let mut rng = Rng::named(seed, "test of the published equation");
        for step in 0..Self::BURN_IN + Self::AVERAGED {
            let mut input = self.alpha.clone();
            for &(source, target, beta) in &self.edges {
                if Some(source) != removed {
                    input[target] += beta * x[source];
                }
            }
            for i in 0..n {
                let drift = 1.0 / (1.0 + (-input[i]).exp()) - self.lambda[i] * x[i];
                let dw = Self::DT.sqrt() * rng.normal();
                x[i] = (x[i] + drift * Self::DT + Self::NOISE * x[i].sqrt() * dw).max(0.0);
            }
            if step >= Self::BURN_IN {
                sum.iter_mut().zip(&x).for_each(|(sum, x)| *sum += x);
            }
        }
        sum.iter().map(|sum| sum / Self::AVERAGED as f64).collect()
    }

    /// The equation with the constants of a law.
    fn of(law: &Logistic) -> Self {
        let mut edges = Vec::new();
        for target in 0..law.n_genes() {
            for (k, &source) in law.regulators_of(target).iter().enumerate() {
                edges.push((source as usize, target, law.edge(target, k)[0]));
            }
        }
        Self { alpha: law.alpha().to_vec(), lambda: law.decay().to_vec(), edges }
    }

    /// The equation with the constants of the tables, read without the law's reader.
    fn read(edges: &str, nodes: &str) -> Self {
        let numbers = |line: &str| line.split('\t').map(|x| x.parse().unwrap()).collect::<Vec<f64>>();
        let nodes: Vec<Vec<f64>> = nodes.lines().skip(1).map(numbers).collect();
        let edge = |f: Vec<f64>| (f[0] as usize, f[1] as usize, f[2]);
        Self {
            alpha: nodes.iter().map(|f| f[0]).collect(),
            lambda: nodes.iter().map(|f| f[1]).collect(),
            edges: edges.lines().skip(1).map(|line| edge(numbers(line))).collect(),
        }
    }
}

/// The gene with the most targets.
fn hub(law: &Logistic) -> usize {
    let mut degrees = vec![0usize; law.n_genes()];
    (0..law.n_genes()).for_each(|g| law.regulators_of(g).iter().for_each(|&j| degrees[j as usize] += 1));
    (0..degrees.len()).max_by_key(|&g| degrees[g]).unwrap()
}

/// Compares baseline levels and the log2 fold changes after the knockout of the hub.
fn compare(what: &str, law: &Logistic, published: &Published) {
    let baseline = published.mean_levels(None, 1);
    let ln = |x: &[f64]| x.iter().map(|x| x.ln()).collect::<Vec<f64>>();
    let at_rest = pearson(&ln(&baseline), &ln(law.baseline())).unwrap();
    let hub = hub(law);
    let knocked_out = published.mean_levels(Some(hub), 2);
    let solved = Solver::new(law).knockouts(&[hub as u32]).remove(0).unwrap().dense(law.n_genes());
    // The hub itself is left out: the published knockout keeps its product, the law's does not.
    let others: Vec<usize> = (0..law.n_genes()).filter(|&g| g != hub).collect();
    let expected: Vec<f64> = others.iter().map(|&g| (knocked_out[g] / baseline[g]).log2()).collect();
    let got: Vec<f64> = others.iter().map(|&g| solved[g]).collect();
    let mut differences: Vec<f64> = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).collect();
    differences.sort_by(f64::total_cmp);
    let after = pearson(&expected, &got).unwrap();
    println!(
        "{what}: baseline r - 1 = {:.1e}; knockout of G{hub}: r - 1 = {:.1e}, median difference {:.1e}, largest {:.1e} log2",
        at_rest - 1.0,
        after - 1.0,
        differences[differences.len() / 2],
        differences[differences.len() - 1]
    );
    assert!(at_rest >= 0.99999, "{what}, baseline: {at_rest}");
    assert!(after >= 0.99999, "{what}, knockout: {after}");
}

#[test]
fn a_generated_network_rests_where_the_published_equation_does() {
    let wiring = generate(&TopologyOptions { genes: 400, ..TopologyOptions::default() }, 3).unwrap();
    let law = Logistic::draw(&wiring, 3).unwrap();
    compare("generated, 400 genes", &law, &Published::of(&law));
}

#[test]
fn the_published_network_rests_where_the_published_equation_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/peer_grn/aguirre");
    let tables = ["net_n2000_s0.tsv", "node_n2000_s0.tsv"].map(|name| std::fs::read_to_string(folder.join(name)));
    let [Ok(edges), Ok(nodes)] = tables else {
        println!("skipped: ../shared/data/peer_grn/aguirre is absent");
        return;
    };
    let law = Logistic::parse(&edges, "edges", &nodes, "nodes").unwrap();
    compare("published, 2,000 genes", &law, &Published::read(&edges, &nodes));
}
