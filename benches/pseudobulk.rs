//! Cells to a table: adding up in memory, and reading a compressed file.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use divan::counter::ItemsCount;
use grn::data::{
    CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Pseudobulk, PseudobulkOptions, Scale, Screen,
    TargetSum,
};
use grn::io::{AnnData, Column, Matrix, ScreenOptions, read_table, write_h5ad};
use grn::stats::Rng;

const CELLS: usize = 4000;
const GENES: usize = 10_000;
const STORED: usize = 1500;

fn main() {
    divan::main();
}

fn label(cell: usize) -> String {
    if cell.is_multiple_of(10) { "non-targeting".into() } else { format!("G{}", cell % 97) }
}

/// 4,000 cells x 10,000 genes of counts, 1,500 stored values each, 98 conditions.
fn screen() -> Screen {
    let mut rng = Rng::named(1, "bench");
    let mut x = Csr::empty(GENES);
    for _ in 0..CELLS {
        let mut genes: Vec<u32> = (0..STORED).map(|_| rng.below(GENES) as u32).collect();
        genes.sort_unstable();
        genes.dedup();
        x.push_row(genes.into_iter().map(|g| (g, (1 + rng.poisson(1.5)) as f32)));
    }
    let condition = |cell| Perturbation::of([label(cell)].iter().filter(|l| *l != "non-targeting"));
    let cells = CellTable::new((0..CELLS).map(|cell| Some(Condition::of(condition(cell)))));
    let genes = Arc::new(GeneIndex::new((0..GENES).map(|g| format!("G{g}"))).unwrap());
    Screen::new(Expression::new(genes, x, Scale::Counts).unwrap(), cells).unwrap()
}

fn options() -> PseudobulkOptions {
    PseudobulkOptions { target_sum: TargetSum::Fixed(1e4), ..Default::default() }
}

#[divan::bench(sample_count = 10)]
fn add_up_in_memory(bencher: divan::Bencher) {
    let screen = screen();
    let values = ItemsCount::new(screen.expression.x.nnz());
    bencher.counter(values).bench(|| Pseudobulk::from_screen(&screen, &options()));
}

#[divan::bench(sample_count = 10)]
fn read_gzip_h5ad(bencher: divan::Bencher) {
    let screen = screen();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.h5ad");
    write(&path, &screen);
    let values = ItemsCount::new(screen.expression.x.nnz());
    bencher.counter(values).bench(|| read_table(&path, &ScreenOptions::default(), &options(), &mut |_, _| ()).unwrap());
}

fn write(path: &Path, screen: &Screen) {
    let file = AnnData {
        obs_names: (0..CELLS).map(|cell| cell.to_string()).collect(),
        obs: vec![("target_gene".into(), Column::Categories((0..CELLS).map(label).collect()))],
        genes: Arc::clone(screen.genes()),
        var: Vec::new(),
        x: Matrix::Sparse(&screen.expression.x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(path, &file).unwrap();
}
