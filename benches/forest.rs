//! Trees with a hundred targets, of the size a screen of 500 knockdowns has.

use divan::Bencher;
use grn::stats::{Forest, ForestOptions, Rng};
use ndarray::Array2;

fn main() {
    divan::main();
}

/// 470 rows x 80 normal features; 100 targets are sums of the first 20 features plus noise.
fn data() -> (Array2<f32>, Array2<f64>) {
    let mut rng = Rng::named(1, "forest bench");
    let x = Array2::from_shape_simple_fn((470, 80), || rng.normal() as f32);
    let weights = Array2::from_shape_simple_fn((20, 100), || rng.normal());
    let noise = Array2::from_shape_simple_fn((470, 100), || rng.normal());
    let first = x.slice(ndarray::s![.., ..20]).mapv(f64::from);
    (x, first.dot(&weights) + noise)
}

fn fit(bencher: Bencher<'_, '_>, options: &ForestOptions) {
    let (x, y) = data();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    bencher.bench(|| match &one {
        Ok(pool) => pool.install(|| Forest::fit(x.view(), y.view(), options, 0)),
        Err(_) => Forest::fit(x.view(), y.view(), options, 0),
    });
}

#[divan::bench(sample_count = 3)]
fn extra_trees(bencher: Bencher<'_, '_>) {
    fit(bencher, &ForestOptions::extra_trees());
}

#[divan::bench(sample_count = 3)]
fn random_forest(bencher: Bencher<'_, '_>) {
    fit(bencher, &ForestOptions::random_forest());
}
