use std::sync::Arc;

use ndarray::Array2;

use super::{LentCells, LentFrame, LentLayout, LentMatrix, lend};
use crate::data::{Csr, Pseudobulk, PseudobulkOptions, Scale};
use crate::io::{AnnData, Column, Matrix, ScreenOptions, open_cells, open_screen, read_table, write_h5ad};

const CELLS: usize = 40;
const GENES: usize = 7;

/// Counts with many zeros, and a label per cell.
fn counts() -> (Array2<f32>, Vec<String>) {
    let x = Array2::from_shape_fn((CELLS, GENES), |(i, j)| ((i * 7 + j * 3) % 5).saturating_sub(2) as f32);
    let labels = (0..CELLS).map(|i| ["non-targeting", "G1", "G2"][i % 3].to_owned()).collect();
    (x, labels)
}

fn genes() -> Vec<String> {
    (0..GENES).map(|j| format!("G{j}")).collect()
}

fn cells(x: LentMatrix, labels: &[String]) -> LentCells {
    LentCells {
        n_cells: CELLS,
        obs: vec![("target_gene".into(), Column::Categories(labels.to_vec()))],
        var: LentFrame { index: genes(), columns: Vec::new() },
        raw_var: None,
        matrices: vec![("X".into(), x)],
        is_ours: false,
        file: None,
        table: None,
    }
}

/// Offsets, positions and values along the rows of a matrix.
fn compressed(x: &Array2<f32>) -> (Vec<i64>, Vec<i32>, Vec<f64>) {
    let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
    for row in x.rows() {
        for (j, &value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            indices.push(j as i32);
            data.push(f64::from(value));
        }
        indptr.push(indices.len() as i64);
    }
    (indptr, indices, data)
}

fn csr(x: &Array2<f32>) -> LentLayout {
    let (indptr, indices, data) = compressed(x);
    LentLayout::Csr { indptr: Arc::new(indptr), indices: Arc::new(indices), data: Arc::new(data) }
}

/// Columns; `backward` has their rows in falling order.
fn csc(x: &Array2<f32>, backward: bool) -> LentLayout {
    let (indptr, mut indices, mut data) = compressed(&x.t().to_owned());
    if backward {
        for w in indptr.windows(2) {
            indices[w[0] as usize..w[1] as usize].reverse();
            data[w[0] as usize..w[1] as usize].reverse();
        }
    }
    LentLayout::Csc { indptr: Arc::new(indptr), indices: Arc::new(indices), data: Arc::new(data) }
}

fn layouts(x: &Array2<f32>) -> Vec<LentLayout> {
    let whole: Vec<u16> = x.iter().map(|&v| v as u16).collect();
    let by_column: Vec<f32> = x.t().iter().copied().collect();
    vec![
        csr(x),
        csc(x, false),
        csc(x, true),
        LentLayout::Dense { data: Arc::new(whole), strides: [GENES, 1] },
        LentLayout::Dense { data: Arc::new(by_column), strides: [1, CELLS] },
    ]
}

fn table(path: &std::path::Path) -> Pseudobulk {
    let options = PseudobulkOptions { halves: true, ..Default::default() };
    read_table(path, &ScreenOptions::default(), &options, &mut |_, _| {}).unwrap().table
}

#[test]
fn every_layout_gives_the_table_of_the_file() {
    let (x, labels) = counts();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("screen.h5ad");
    let file = AnnData {
        obs_names: (0..CELLS).map(|i| i.to_string()).collect(),
        obs: vec![("target_gene".into(), Column::Categories(labels.clone()))],
        genes: Arc::new(crate::data::GeneIndex::new(genes()).unwrap()),
        var: Vec::new(),
        x: Matrix::Dense(x.view()),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(&path, &file).unwrap();
    let expected = table(&path);
    let expected_rows: Csr<f32> = open_cells(&path, None).unwrap().read(Scale::Counts).unwrap().x;
    for (k, layout) in layouts(&x).into_iter().enumerate() {
        let loan = lend(&format!("layout:{k}"), cells(LentMatrix { shape: [CELLS, GENES], layout }, &labels)).unwrap();
        assert_eq!(open_cells(loan.path(), None).unwrap().read(Scale::Counts).unwrap().x, expected_rows, "layout {k}");
        let got = table(loan.path());
        let of = |t: &Pseudobulk| {
            [Some(&t.moments.mean), t.moments.var.as_ref(), t.moments.third.as_ref()]
                .map(Option::<&Array2<f32>>::cloned)
        };
        assert_eq!(of(&got), of(&expected), "layout {k}");
        assert_eq!(got.halves, expected.halves, "layout {k}");
        assert_eq!((got.conditions, got.n_cells), (expected.conditions.clone(), expected.n_cells.clone()));
    }
    // A file with the annotation in memory: other labels than its own.
    let other: Vec<String> = labels.iter().rev().cloned().collect();
    let backed = LentCells {
        matrices: Vec::new(),
        file: Some(path.clone()),
        ..cells(LentMatrix { shape: [0, 0], layout: csr(&x) }, &other)
    };
    let loan = lend("backed", backed).unwrap();
    let screen = open_screen(loan.path(), &ScreenOptions::default()).unwrap();
    assert_eq!(screen.column("target_gene").unwrap(), other);
    assert_eq!(open_cells(loan.path(), None).unwrap().read(Scale::Counts).unwrap().x, expected_rows);
}

#[test]
fn a_loan_ends_and_may_be_repeated() {
    let (x, labels) = counts();
    let of = || cells(LentMatrix { shape: [CELLS, GENES], layout: csr(&x) }, &labels);
    let (first, second) = (lend("again", of()).unwrap(), lend("again", of()).unwrap());
    let path = first.path().to_owned();
    drop(second);
    assert!(super::is_lent(&path) && open_cells(&path, None).is_ok());
    let (bytes, hash) = super::lent_summary(&path).unwrap();
    assert!(bytes > 0 && hash.len() == 64);
    drop(first);
    assert!(!super::is_lent(&path) && open_cells(&path, None).is_err());
    let other = lend("other name", of()).unwrap();
    assert_eq!(super::lent_summary(other.path()).unwrap(), (bytes, hash), "the same data give the same hash");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let (x, labels) = counts();
    let t = |cells: LentCells, part: &str| {
        let said = lend("wrong", cells).unwrap_err().to_string();
        assert!(said.contains(part), "{said}");
    };
    let shape = [CELLS, GENES];
    t(cells(LentMatrix { shape: [CELLS, 3], layout: csr(&x) }, &labels), "expected 40 cells x 7 genes");
    t(cells(LentMatrix { shape, layout: csr(&x) }, &labels[1..]), "obs/target_gene: expected 40 values");
    let short = LentLayout::Dense { data: Arc::new(vec![0f32; 10]), strides: [GENES, 1] };
    t(cells(LentMatrix { shape, layout: short }, &labels), "expected 280 values, got 10");
    let LentLayout::Csr { indptr, data, .. } = csr(&x) else { panic!("rows") };
    let indices = Arc::new(vec![0i32; 3]);
    t(cells(LentMatrix { shape, layout: LentLayout::Csr { indptr, indices, data } }, &labels), "3 indices");
}

#[test]
fn positions_out_of_range_are_refused_when_read() {
    let (x, labels) = counts();
    let LentLayout::Csr { indptr, indices, data } = csr(&x) else { panic!("rows") };
    let n = indices.numbers().len();
    for bad in [-1i32, GENES as i32] {
        let mut wrong =
            indices.numbers().positions(0..n, GENES).unwrap().into_iter().map(|p| p as i32).collect::<Vec<_>>();
        wrong[5] = bad;
        let layout = LentLayout::Csr { indptr: indptr.clone(), indices: Arc::new(wrong), data: data.clone() };
        let loan = lend(&format!("bad:{bad}"), cells(LentMatrix { shape: [CELLS, GENES], layout }, &labels)).unwrap();
        let said = open_cells(loan.path(), None).unwrap().read(Scale::Counts).unwrap_err().to_string();
        assert!(said.contains(&format!("positions below 7, got {bad}")), "{said}");
    }
}
