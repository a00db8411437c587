//! The hot paths of the simulator, on the embedded network.

use divan::Bencher;
use grn::data::Intervention;
use grn::simulate::{
    self, DoseResponse, Efficiency, ExtendOptions, Solver, Thermo, ThermoOptions, TopologyOptions, Wiring,
};

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
