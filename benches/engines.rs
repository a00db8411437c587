//! Engines that carry single cells through time.

use std::path::Path;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use grn::data::{GeneId, GeneIndex};
use grn::simulate::{
    Cell, CellType, Cle, DEFAULT_STEP, Dynamics, Engine, HillLink, HillNetwork, HillSum, Law, SERGIO_DECAY, Ssa,
    Thermo, Wiring, solve,
};
use grn::stats::Rng;

fn main() {
    divan::main();
}

/// Cells per cell type, as in SERGIO's sets.
const CELLS: u64 = 300;

/// A network as large as SERGIO's first: 100 genes, 258 edges, 9 cell types.
fn hundred() -> HillNetwork {
    let mut rng = Rng::named(1, "hundred");
    let mut links = Vec::new();
    for target in 10..100u32 {
        let mut sources: Vec<u32> = (0..14).filter(|&j| j != target).collect();
        rng.shuffle(&mut sources);
        for &source in &sources[..if target < 22 { 2 } else { 3 }] {
            let strength = (1.0 + 4.0 * rng.uniform()) * if rng.uniform() < 0.6 { 1.0 } else { -1.0 };
            links.push(HillLink { source: GeneId(source), target: GeneId(target), strength, hill: 2.0 });
        }
    }
    let genes = GeneIndex::new((0..100).map(|g| format!("G{g}"))).expect("the names differ");
    let mut rates = |gene| (GeneId(gene), (0..9).map(|_| 0.2 + 0.8 * rng.uniform()).collect());
    HillNetwork { genes: Arc::new(genes), links, masters: (0..10).map(&mut rates).collect() }
}

/// Independent cells of every type, each from the steady state of its type through a burn-in.
fn cells(law: &HillSum, types: &[CellType], per_type: u64) -> Vec<Cell> {
    let hours = Dynamics::new(law, 1.0).burn_in();
    let of_type = |(t, cell_type): (usize, &CellType)| {
        let steady = solve(law, &cell_type.forced, None, &cell_type.name).expect("a type has a steady state").log_ratio;
        let cell =
            move |k| Cell::steady(t as u64 * per_type + k, Some(steady.clone()), cell_type.forced.clone(), hours);
        (0..per_type).map(cell).collect::<Vec<Cell>>()
    };
    types.iter().enumerate().flat_map(of_type).collect()
}

fn gene_steps(law: &HillSum, cells: &[Cell]) -> ItemsCount {
    let steps: f64 = cells.iter().flat_map(|c| &c.phases).map(|p| (p.hours / DEFAULT_STEP).round()).sum();
    ItemsCount::new(law.n_genes() * steps as usize)
}

fn bench_cle(bencher: Bencher, network: &HillNetwork) {
    let (law, types) = HillSum::new(network, SERGIO_DECAY).expect("it converges");
    let cells = cells(&law, &types, CELLS);
    let engine = Cle::new(Dynamics::new(&law, 1.0), DEFAULT_STEP, 0).expect("the step is short");
    bencher.counter(gene_steps(&law, &cells)).bench_local(|| engine.run(&cells).expect("the cells fit"));
}

/// 2,700 independent cells of 100 genes by the Langevin equation; items are gene-steps.
#[divan::bench(sample_count = 5)]
fn cle_100_genes(bencher: Bencher) {
    bench_cle(bencher, &hundred());
}

/// The same of SERGIO's own first network, where its files are present.
#[divan::bench(sample_count = 5)]
fn cle_sergio_ds1(bencher: Bencher) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/peer_grn/sergio");
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let (Ok(targets), Ok(masters)) = (read("DS1_Interaction_cID_4.txt"), read("DS1_Regs_cID_4.txt")) else {
        println!("skipped: {} is absent", folder.display());
        return;
    };
    let network = HillNetwork::parse_sergio((&targets, "targets"), (&masters, "masters")).expect("it is well formed");
    bench_cle(bencher, &network);
}

/// The same with the default law: 2,000 genes of the extended embedded network, 64 cells, 100 steps.
#[divan::bench(sample_count = 5)]
fn cle_thermo_2000_genes(bencher: Bencher) {
    let given = Wiring::embedded().expect("the embedded network is sound");
    let wiring = extend(&given, 2000, &ExtendOptions::default(), 0).expect("2,000 genes are enough");
    let (law, _) = Thermo::draw(&wiring, &ThermoOptions::default(), 0).expect("the options are in range");
    let cells: Vec<Cell> = (0..64).map(|number| Cell::steady(number, None, Vec::new(), 1.0)).collect();
    let engine = Cle::new(Dynamics::new(&law, 1e5), DEFAULT_STEP, 0).expect("the step is short");
    bencher.counter(ItemsCount::new(64usize * 2000 * 100)).bench_local(|| engine.run(&cells).expect("the cells fit"));
}

/// One gene, 100 molecules, 1,000 cells, molecule by molecule: about a million reactions.
#[divan::bench(sample_count = 5)]
fn ssa(bencher: Bencher) {
    let network = HillNetwork::parse_sergio(("", "targets"), ("0,1\n", "masters")).expect("it is well formed");
    let (law, _) = HillSum::new(&network, SERGIO_DECAY).expect("it converges");
    let engine = Ssa::new(Dynamics::new(&law, 80.0), 0).expect("one gene is few enough");
    let cells: Vec<Cell> = (0..1000).map(|number| Cell::steady(number, None, Vec::new(), 6.25)).collect();
    bencher.bench_local(|| engine.run(&cells).expect("the cells fit"));
}
