//! The table of a screen: equal to the definition, and the same bits however the cells come.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use grn::data::{
    CellBlock, CellTable, Condition, Csr, GeneIndex, Normalisation, Perturbation, Pseudobulk, PseudobulkBuilder,
    PseudobulkOptions,
};
use grn::stats::Rng;
use proptest::prelude::*;

/// Random sparse counts with the condition of each cell; about one cell in eight has none.
struct Cells {
    x: Csr<f32>,
    table: CellTable,
    genes: Arc<GeneIndex>,
}

fn cells(n_cells: usize, n_genes: usize, n_conditions: usize, density: f64, seed: u64) -> Cells {
    let mut rng = Rng::named(seed, "cells");
    let mut x = Csr::empty(n_genes);
    for _ in 0..n_cells {
        let genes: Vec<u32> = (0..n_genes as u32).filter(|_| rng.uniform() < density).collect();
        x.push_row(genes.into_iter().map(|g| (g, (1 + rng.below(40)) as f32)));
    }
    let label = |k: usize| if k == 0 { String::new() } else { format!("G{k}") };
    let of_cell: Vec<Option<Condition>> = (0..n_cells)
        .map(|_| (rng.below(8) > 0).then(|| Condition::of(Perturbation::of([label(rng.below(n_conditions))]))))
        .collect();
    let genes = Arc::new(GeneIndex::new((0..n_genes).map(|g| format!("G{g}"))).unwrap());
    Cells { x, table: CellTable::new(of_cell), genes }
}

fn rows(x: &Csr<f32>, range: std::ops::Range<usize>) -> Csr<f32> {
    let mut out = Csr::empty(x.n_cols());
    for i in range {
        let (genes, values) = x.row(i);
        out.push_row(genes.iter().copied().zip(values.iter().copied()));
    }
    out
}

fn build(cells: &Cells, block: usize, threads: usize) -> Pseudobulk {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let options = PseudobulkOptions { halves: true, seed: 3, ..Default::default() };
    let builder = PseudobulkBuilder::new(Arc::clone(&cells.genes), cells.table.conditions.clone(), options);
    let mut builder = builder.normalise(Normalisation::To(50.0));
    pool.install(|| {
        for first in (0..cells.x.n_rows()).step_by(block) {
            let x = rows(&cells.x, first..(first + block).min(cells.x.n_rows()));
            builder.push(CellBlock { first_cell: first, x }, &cells.table.of_cell);
        }
        builder.finish()
    })
}

/// Every number of a table as bits, so that NaN equals NaN and nothing else is forgiven.
fn bits(table: &Pseudobulk) -> Vec<u32> {
    let m = &table.moments;
    let halves = table.halves.iter().flatten();
    let layers = [Some(&m.mean), m.var.as_ref(), m.third.as_ref(), m.fraction.as_ref()];
    layers.into_iter().flatten().chain(halves).flat_map(|x| x.iter().map(|v| v.to_bits())).collect()
}

/// Mean, variance, third moment and fraction of dense values by their definition, in f64.
fn by_definition(values: &[f64]) -> [f64; 4] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let central = |p: i32| values.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
    [mean, central(2), central(3), values.iter().filter(|x| **x > 0.0).count() as f64 / n]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_table_is_what_its_definition_says(
        n_cells in 1usize..60, n_genes in 1usize..30, n_conditions in 1usize..5, density in 0.0f64..1.0, seed in 0u64..1000,
    ) {
        let cells = cells(n_cells, n_genes, n_conditions, density, seed);
        let table = build(&cells, 7, 2);
        for (i, &n) in table.n_cells.iter().enumerate() {
            let of: Vec<usize> = (0..n_cells).filter(|&c| cells.table.of_cell[c] == Some(i as u32)).collect();
            prop_assert_eq!(n as usize, of.len());
            for gene in 0..n_genes {
                let value = |&c: &usize| {
                    let (genes, values) = cells.x.row(c);
                    let total: f64 = values.iter().map(|&v| f64::from(v)).sum();
                    genes.iter().position(|&g| g as usize == gene).map_or(0.0, |k| (f64::from(values[k]) * 50.0 / total).ln_1p())
                };
                let expected = by_definition(&of.iter().map(value).collect::<Vec<f64>>());
                let m = &table.moments;
                let got = [Some(&m.mean), m.var.as_ref(), m.third.as_ref(), m.fraction.as_ref()];
                for (got, expected) in got.into_iter().flatten().zip(expected) {
                    prop_assert!((f64::from(got[[i, gene]]) - expected).abs() < 2e-5, "{} {}", got[[i, gene]], expected);
                }
            }
        }
    }

    #[test]
    fn threads_and_blocks_change_no_bit(
        n_cells in 1usize..80, n_genes in 1usize..40, n_conditions in 1usize..6, density in 0.0f64..1.0, seed in 0u64..1000,
        block in 1usize..90,
    ) {
        let cells = cells(n_cells, n_genes, n_conditions, density, seed);
        let expected = bits(&build(&cells, n_cells, 1));
        prop_assert_eq!(&bits(&build(&cells, block, 4)), &expected);
        prop_assert_eq!(&bits(&build(&cells, 1, 1)), &expected);
    }
}

/// More genes than one task adds up, so that ranges of genes are shared out.
#[test]
fn wide_tables_are_shared_out_by_genes() {
    let cells = cells(40, 5000, 3, 0.1, 1);
    assert_eq!(bits(&build(&cells, 40, 1)), bits(&build(&cells, 13, 4)));
}

#[test]
fn halves_are_disjoint_and_nearly_equal() {
    let cells = cells(400, 10, 3, 0.5, 2);
    let table = build(&cells, 64, 2);
    let [a, b] = table.halves.as_ref().unwrap();
    for (i, &n) in table.n_cells.iter().enumerate() {
        for gene in 0..10 {
            // The two halves together are the whole: n_a a + n_b b = n m, where n_a and n_b differ by one at most.
            let whole = n as f64 * f64::from(table.moments.mean[[i, gene]]);
            let (low, high) = ((n / 2) as f64, n.div_ceil(2) as f64);
            let (a, b) = (f64::from(a[[i, gene]]), f64::from(b[[i, gene]]));
            let either = [low * a + high * b - whole, high * a + low * b - whole];
            assert!(either.iter().any(|e| e.abs() < 1e-3), "{either:?}");
            assert!(a != b || a == 0.0);
        }
    }
}

#[test]
fn a_condition_of_one_cell_has_no_replicate() {
    let mut cells = cells(1, 3, 1, 1.0, 5);
    cells.table = CellTable::new([Some(Condition::of(Perturbation::of(["A"])))]);
    let table = build(&cells, 1, 1);
    let [a, b] = table.halves.as_ref().unwrap();
    assert!(a[[0, 0]].is_nan() != b[[0, 0]].is_nan());
}
