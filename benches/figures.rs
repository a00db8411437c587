//! A network of 300 genes and 1,000 edges, laid out, labelled and written.
//!
//! `benches/README.md` has the figures.
#![allow(missing_docs, clippy::unwrap_used)]

use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::report::{Layout, NetworkFigure};
use grn::stats::Rng;

fn main() {
    divan::main();
}

/// A tree of hubs and edges between any two genes.
fn graph(n_genes: usize, n_edges: usize) -> GeneGraph {
    let mut builder = GraphBuilder::new();
    let mut rng = Rng::keyed(7, "figure bench", 0, 0);
    let name = |k: usize| format!("GENE{k}");
    for k in 1..n_genes {
        builder.add(&name(k / 6), &name(k), rng.uniform() as f32, Sign::Activation, &[]);
    }
    while builder.n_edges() < n_edges {
        let (a, b) = (rng.below(n_genes), rng.below(n_genes));
        builder.add(&name(a), &name(b), rng.uniform() as f32, Sign::of(rng.below(3) as f32 - 1.0), &[]);
    }
    builder.build()
}

fn figure(layout: Layout, n_genes: usize, n_edges: usize) -> NetworkFigure {
    let around = NetworkFigure::around(&graph(n_genes, n_edges), "GENE0", 12, n_genes, None).unwrap();
    around.layout(layout, 0).unwrap()
}

#[divan::bench(sample_count = 10)]
fn radial_300(bencher: divan::Bencher) {
    bencher.bench(|| figure(Layout::Radial, 300, 1000).scene().to_svg().unwrap());
}

#[divan::bench(sample_count = 10)]
fn force_300(bencher: divan::Bencher) {
    bencher.bench(|| figure(Layout::Force, 300, 1000).scene().to_svg().unwrap());
}

#[divan::bench(sample_count = 10)]
fn layered_60(bencher: divan::Bencher) {
    bencher.bench(|| figure(Layout::Layered, 60, 150).scene().to_svg().unwrap());
}

#[divan::bench(sample_count = 10)]
fn page_300(bencher: divan::Bencher) {
    bencher.bench(|| figure(Layout::Force, 300, 1000).to_html().unwrap());
}

#[divan::bench(sample_count = 5)]
fn png_300(bencher: divan::Bencher) {
    let scene = figure(Layout::Force, 300, 1000).scene();
    bencher.bench(|| scene.to_png().unwrap());
}

#[divan::bench(sample_count = 5)]
fn pdf_300(bencher: divan::Bencher) {
    let scene = figure(Layout::Force, 300, 1000).scene();
    bencher.bench(|| scene.to_pdf().unwrap());
}
