//! What is written opens in anndata without a warning, and comes back the same.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use grn::data::{
    CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Pseudobulk, PseudobulkOptions, Quantity, Scale,
    Screen,
};
use grn::io::{AnnData, Column, Matrix, ScreenOptions, read_screen, read_table, write_h5ad, write_pseudobulk};
use grn::stats::Rng;
use serde_json::json;

/// 60 cells x 7 genes of counts: two cell types, two batches, control, A, B and A+B.
fn screen() -> Screen {
    let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D", "E", "F", "G"]).unwrap());
    let mut rng = Rng::named(7, "cells");
    let mut x = Csr::empty(7);
    let condition = |i: usize| Condition {
        perturbation: Perturbation::of([&[][..], &["A"], &["B"], &["A", "B"]][i % 4]),
        cell_type: Some(Arc::from(["k562", "rpe1"][i / 4 % 2])),
        batch: Some(Arc::from(["1", "2"][i / 8 % 2])),
    };
    for _ in 0..60 {
        let row: Vec<(u32, f32)> = (0..7).map(|g| (g, rng.poisson(1.0 + f64::from(g)) as f32)).collect();
        x.push_row(row.into_iter().filter(|(_, v)| *v > 0.0));
    }
    let cells = CellTable::new((0..60).map(|i| Some(condition(i))));
    Screen::new(Expression::new(genes, x, Scale::Counts).unwrap(), cells).unwrap()
}

fn table() -> Pseudobulk {
    let mut table = Pseudobulk::from_screen(&screen(), &PseudobulkOptions { halves: true, ..Default::default() });
    table.control_label = "non-targeting".into();
    table
}

/// Runs a python program with anndata, warnings as errors; says why not where it cannot.
fn python(program: &str, file: &Path) -> Option<String> {
    let python = std::env::var("GRN_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_anndata = Command::new(&python).args(["-c", "import anndata"]).output();
    if !has_anndata.is_ok_and(|out| out.status.success()) {
        println!("skipped: `{python}` has no anndata (name another python with GRN_TEST_PYTHON)");
        return None;
    }
    // Warnings that anndata's own dependencies raise while it is imported are not ours.
    let program = format!("import sys, warnings, anndata as ad\nwarnings.simplefilter('error')\n{program}");
    let out = Command::new(&python).args(["-c", &program]).arg(file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[test]
fn a_table_comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.h5ad");
    for quantity in [Quantity::Level, Quantity::Effect] {
        let mut table = table();
        table.quantity = quantity;
        table.significant = (quantity == Quantity::Effect).then(|| table.moments.mean.mapv(|x| f32::from(x > 1.0)));
        write_pseudobulk(&path, &table).unwrap();
        let read = read_table(&path, &ScreenOptions::default(), &PseudobulkOptions::default(), &mut |_, _| ()).unwrap();
        let back = read.table;
        assert_eq!(back.genes, table.genes);
        assert_eq!(back.conditions, table.conditions);
        assert_eq!(
            (back.n_cells, back.quantity, back.control_label),
            (table.n_cells, quantity, "non-targeting".into())
        );
        assert_eq!(back.moments.mean, table.moments.mean);
        assert_eq!(back.moments.var, table.moments.var);
        assert_eq!(back.moments.third, table.moments.third);
        assert_eq!(back.moments.fraction, table.moments.fraction);
        assert_eq!((back.halves, back.significant), (table.halves, table.significant));
    }
}

#[test]
fn anndata_opens_a_table_without_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.h5ad");
    write_pseudobulk(&path, &table()).unwrap();
    let program = "a = ad.read_h5ad(sys.argv[1])\n\
        print(a.shape, list(a.obs.columns), sorted(a.layers), dict(a.uns['grn'])['quantity'], a.obs['target_gene'].dtype)\n\
        print(a.obs['n_cells'].sum(), a.obs_names[0], round(float(a.X.sum()), 4))";
    let Some(said) = python(program, &path) else { return };
    let sum: f64 = table().moments.mean.iter().map(|&x| f64::from(x)).sum();
    let expected = format!(
        "(16, 7) ['target_gene', 'n_cells', 'cell_type', 'batch'] ['fraction', 'half_a', 'half_b', 'third', 'var'] level category\n\
         60 non-targeting | k562 | 1 {}",
        (sum * 1e4).round() / 1e4
    );
    assert_eq!(said, expected);
}

#[test]
fn anndata_opens_every_kind_of_element() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.h5ad");
    let screen = screen();
    let labels: Vec<String> = (0..60).map(|i| ["ctrl", "A", "B", "A+B"][i % 4].to_owned()).collect();
    let uns = json!({"text": "ü", "n": 3, "x": 0.5, "yes": true, "list": [1, 2], "reals": [0.5, 1], "names": ["a", "b"],
        "empty": [], "inner": {"nothing": null, "deep": {"n": 1}}});
    let file = AnnData {
        obs_names: (0..60).map(|i| format!("cell{i}")).collect(),
        obs: vec![
            ("target_gene".into(), Column::Categories(labels.clone())),
            ("note".into(), Column::Strings(labels)),
            ("depth".into(), Column::Floats((0..60).map(|i| f64::from(i) / 2.0).collect())),
            ("n".into(), Column::Integers((0..60).collect())),
            ("kept".into(), Column::Booleans((0..60).map(|i| i % 2 == 0).collect())),
        ],
        genes: Arc::clone(screen.genes()),
        var: vec![("long".into(), Column::Integers((0..7).collect()))],
        x: Matrix::Sparse(&screen.expression.x),
        layers: vec![("counts".into(), Matrix::Sparse(&screen.expression.x))],
        uns: uns.as_object().unwrap().clone(),
    };
    write_h5ad(&path, &file).unwrap();
    let (back, _) = read_screen(&path, &ScreenOptions::default()).unwrap();
    assert_eq!(back.expression.x, screen.expression.x);
    let program = "a = ad.read_h5ad(sys.argv[1])\n\
        print(a.X.format, int(a.X.sum()), a.obs['kept'].dtype, a.obs['depth'].sum(), a.uns['text'], a.uns['yes'], a.uns['inner']['deep']['n'], list(a.uns['names']), a.uns['list'].sum())\n\
        a.write_h5ad(sys.argv[1] + '.again')";
    let Some(said) = python(program, &path) else { return };
    let sum: f64 = screen.expression.x.data().iter().map(|&x| f64::from(x)).sum();
    assert_eq!(said, format!("csr {sum} bool 885.0 ü True 1 ['a', 'b'] 3"));
    let (again, _) = read_screen(&path.with_extension("h5ad.again"), &ScreenOptions::default()).unwrap();
    assert_eq!(again.expression.x, screen.expression.x);
}

#[test]
fn a_column_of_the_wrong_length_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cells.h5ad");
    let screen = screen();
    let file = AnnData {
        obs_names: (0..60).map(|i| i.to_string()).collect(),
        obs: vec![("n".into(), Column::Integers(vec![1]))],
        genes: Arc::clone(screen.genes()),
        var: Vec::new(),
        x: Matrix::Sparse(&screen.expression.x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    assert!(write_h5ad(&path, &file).unwrap_err().to_string().contains("expected 60 values, got 1"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
