//! The hot paths of the simulator, on the embedded network.

use std::sync::Arc;

use divan::Bencher;
use grn::data::{GeneIndex, Intervention};
use grn::simulate::{
    self, CELLORACLE_HOPS, DoseResponse, Efficiency, ExtendOptions, Law, LinearResponse, Logistic, Solver, Thermo,
    ThermoOptions, TopologyOptions, Wiring,
};
use grn::stats::Rng;

fn main() {
    divan::main();
}

/// The whole embedded screen: 5,000 cells x 2,000 genes, 40 knockdowns.
#[divan::bench(sample_count = 5)]
fn demo() -> simulate::Simulated {
    simulate::demo(0).expect("the embedded network simulates")
}

/// A random wiring of 18,080 genes and 3 links per gene.
#[divan::bench(sample_count = 10)]
fn generate_18080_genes() -> Wiring {
    let options = TopologyOptions { genes: 18_080, ..TopologyOptions::default() };
    simulate::generate(&options, 0).expect("the options are in range")
}

/// The steady states of one knockdown at 15 efficiencies, 2,000 genes.
#[divan::bench(sample_count = 20)]
fn knockdown(bencher: Bencher) {
    let given = Wiring::embedded().expect("the embedded network is sound");
    let wiring = simulate::extend(&given, 2000, &ExtendOptions::default(), 0).expect("2,000 genes are enough");
    let (law, _) = Thermo::draw(&wiring, &ThermoOptions::default(), 0).expect("the options are in range");
    let solver = Solver::new(&law);
    let gene = wiring.expect("POU5F1").expect("POU5F1 is in the network");
    let efficiency = Efficiency::default();
    bencher.bench_local(|| {
        DoseResponse::solve(&solver, &[gene], Intervention::Knockdown, &efficiency, "POU5F1").expect("it converges")
    });
}

/// All knockouts of a logistic network: 2,000 genes, 2 links per gene, half of the genes regulators, or the pair of tables
/// named by `GRN_LOGISTIC_EDGES` and `GRN_LOGISTIC_NODES`.
#[divan::bench(sample_count = 5)]
fn ko_scan(bencher: Bencher) {
    let law = logistic();
    let solver = Solver::new(&law);
    let genes: Vec<u32> = (0..law.n_genes() as u32).collect();
    bencher.bench_local(|| {
        let scan = solver.knockouts(&genes);
        assert!(scan.iter().all(Result::is_ok), "every knockout has a steady state");
        scan
    });
}

fn logistic() -> Logistic {
    let table =
        |name: &str| std::env::var(name).ok().map(|p| std::fs::read_to_string(p).expect("the table is readable"));
    if let (Some(edges), Some(nodes)) = (table("GRN_LOGISTIC_EDGES"), table("GRN_LOGISTIC_NODES")) {
        return Logistic::parse(&edges, "edges", &nodes, "nodes").expect("the tables are in order");
    }
    let options = TopologyOptions { links_per_gene: 2.0, regulators: 0.5, d_out: 3.0, ..TopologyOptions::default() };
    let wiring = simulate::generate(&options, 0).expect("the options are in range");
    Logistic::draw(&wiring, 0).expect("it has a steady state")
}

/// CellOracle's rule, three hops, on every one of 3,000 cells x 2,000 genes with 40,000 coefficients, one knockout.
#[divan::bench(sample_count = 20)]
fn celloracle_cells(bencher: Bencher) {
    let response = response();
    let mut rng = Rng::named(1, "levels");
    let mut level = || if rng.uniform() < 0.5 { 0.0 } else { 2.0 * rng.uniform() };
    let levels = ndarray::Array2::from_shape_simple_fn((3000, 2000), &mut level);
    let change = [response.change("G0", 0.0).expect("G0 is a gene")];
    bencher.bench_local(|| response.celloracle_cells(levels.view(), &change, CELLORACLE_HOPS));
}

/// The same on the mean cell alone.
#[divan::bench(sample_count = 20)]
fn celloracle_mean(bencher: Bencher) {
    let response = response();
    let change = [response.change("G0", 0.0).expect("G0 is a gene")];
    bencher.bench_local(|| response.celloracle(&change, CELLORACLE_HOPS));
}

/// The converged linear response of the mean cell.
#[divan::bench(sample_count = 20)]
fn linear_response(bencher: Bencher) {
    let response = response();
    let change = [response.change("G0", 0.0).expect("G0 is a gene")];
    bencher.bench_local(|| response.linear(&change).expect("it converges"));
}

fn response() -> LinearResponse {
    let mut rng = Rng::named(0, "response");
    let edge = |_| (rng.below(2000) as u32, rng.below(2000) as u32, 0.1 * rng.normal());
    let edges: Vec<(u32, u32, f64)> = (0..40_000).map(edge).filter(|(a, b, _)| a != b).collect();
    let genes = GeneIndex::new((0..2000).map(|g| format!("G{g}"))).expect("the names are unique");
    LinearResponse::new(Arc::new(genes), vec![1.0; 2000], &edges).expect("the coefficients are in order")
}
