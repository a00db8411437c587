//! `grn data check` and `grn data pseudobulk` as a user sees them.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assert_cmd::Command;
use grn::data::{Csr, GeneIndex};
use grn::io::{AnnData, Column, Matrix, write_h5ad};
use grn::stats::Rng;
use serde_json::Value;

const GENES: [&str; 5] = ["STAT1", "JAK2", "MYC", "TP53", "ACTB"];

/// Cells of counts: `ctrl`, a knockdown of STAT1 that works, one of MYC that does not, and one of a gene not measured.
fn write_screen(path: &Path, column: &str, seed: u64) {
    let labels: Vec<String> =
        (0..400).map(|i| ["ctrl", "STAT1+ctrl", "MYC+ctrl", "ABSENT+MYC"][i % 4].into()).collect();
    let mut rng = Rng::named(seed, "cells");
    let mut x = Csr::empty(5);
    for label in &labels {
        let stat1 = if label.starts_with("STAT1") { 1.0 } else { 10.0 };
        let row = [stat1, 5.0, 5.0, 5.0, 50.0].map(|mean| rng.poisson(mean) as f32);
        x.push_row((0u32..).zip(row).filter(|(_, v)| *v > 0.0));
    }
    let file = AnnData {
        obs_names: (0..400).map(|i| format!("c{i}")).collect(),
        obs: vec![(column.into(), Column::Categories(labels))],
        genes: Arc::new(GeneIndex::new(GENES).unwrap()),
        var: Vec::new(),
        x: Matrix::Sparse(&x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(path, &file).unwrap();
}

fn grn(args: &[&str], paths: &[&Path]) -> (i32, String, String) {
    let out = Command::cargo_bin("grn").unwrap().args(args).args(paths).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn screen_in(dir: &tempfile::TempDir, name: &str, seed: u64) -> PathBuf {
    let path = dir.path().join(name);
    write_screen(&path, "condition", seed);
    path
}

#[test]
fn a_good_screen_is_usable() {
    let dir = tempfile::tempdir().unwrap();
    let path = screen_in(&dir, "s.h5ad", 1);
    let (code, out, err) = grn(&["data", "check", "--json"], &[&path]);
    assert_eq!(code, 0, "{err}");
    let report = json(&out);
    let is = |key: &str, expected: Value| assert_eq!(report[key], expected, "{key}");
    is("cells", 400.into());
    is("genes", 5.into());
    is("scale", "counts".into());
    is("pert_col", "condition".into());
    is("control", "ctrl".into());
    is("control_cells", 100.into());
    is("perturbations", 3.into());
    is("pairs", 1.into());
    is("targets_measured", 2.into());
    is("knockdown_visible", 1.into());
    is("targets_not_among_genes", serde_json::json!(["ABSENT"]));
    is("usable", true.into());
    assert_eq!(report["on_target"][0]["target"], "STAT1");
    assert_eq!(
        (&report["on_target"][0]["change"], &report["on_target"][1]["change"]),
        (&"down".into(), &"unchanged".into())
    );
}

#[test]
fn the_text_says_what_was_chosen_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) = grn(&["data", "check"], &[&screen_in(&dir, "s.h5ad", 1)]);
    assert_eq!(code, 0);
    assert!(out.contains("knockdown      visible in 1 of 2 measured targets, 1 unchanged: `MYC`"), "{out}");
    assert!(out.contains("are whole numbers, largest"), "{out}");
    assert!(err.contains("notice: perturbations are in column `condition`, control `ctrl`"), "{err}");
}

#[test]
fn what_is_not_a_screen_fails_the_check_and_still_reports() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.h5ad");
    write_screen(&path, "sample", 1);
    let (code, out, _) = grn(&["data", "check", "--json"], &[&path]);
    assert_eq!(code, 1);
    let report = json(&out);
    assert_eq!((&report["cells"], &report["scale"], &report["usable"]), (&400.into(), &"counts".into(), &false.into()));
    let problem = report["problems"][0].as_str().unwrap();
    assert!(problem.contains("try `--pert-col sample --control-pert ctrl`"), "{problem}");
    let (code, _, err) = grn(&["data", "check", "--pert-col", "sample"], &[&path]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_prior_is_compared_with_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    let path = screen_in(&dir, "s.h5ad", 1);
    let prior = dir.path().join("edges.tsv");
    std::fs::write(&prior, "source\ttarget\tweight\nSTAT1\tACTB\t0.5\nMYC\tTP53\t0.7\n").unwrap();
    let (code, out, err) = grn(&["data", "check", "--json", "--prior", prior.to_str().unwrap()], &[&path]);
    assert_eq!(code, 0, "{err}");
    let coverage = &json(&out)["prior"];
    assert_eq!((&coverage["targets_covered"], &coverage["genes_covered"]), (&2.into(), &4.into()));
    assert_eq!(coverage["targets_without_edge"], serde_json::json!(["ABSENT"]));
    std::fs::write(&prior, "source\ttarget\tweight\nX\tY\t0.5\n").unwrap();
    assert_eq!(grn(&["data", "check", "--prior", prior.to_str().unwrap()], &[&path]).0, 1);
}

#[test]
fn an_unreadable_file_is_an_error_without_library_noise() {
    let dir = tempfile::tempdir().unwrap();
    let path = screen_in(&dir, "s.h5ad", 1);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    let (code, out, err) = grn(&["data", "check"], &[&path]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: cannot read") && err.contains("truncated or damaged"), "{err}");
    assert!(!err.contains("HDF5-DIAG"), "{err}");
}

#[test]
fn several_files_merge_into_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (screen_in(&dir, "a.h5ad", 1), screen_in(&dir, "b.h5ad", 2));
    let output = dir.path().join("p.h5ad");
    let to = ["data", "pseudobulk", "--json", "--halves", "-o", output.to_str().unwrap()];
    let (code, out, err) = grn(&to, &[&a, &b]);
    assert_eq!(code, 0, "{err}");
    let report = json(&out);
    assert_eq!((&report["cells"], &report["conditions"], &report["controls"]), (&800.into(), &4.into(), &1.into()));
    let (code, _, err) = grn(&to, &[&a]);
    assert!(code == 2 && err.contains("--overwrite"), "{err}");
    let (code, out, err) = grn(&["data", "check", "--json"], &[&output]);
    assert_eq!(code, 0, "{err}");
    let report = json(&out);
    assert_eq!((&report["rows"], &report["quantity"]), (&"table".into(), &"level".into()));
    assert_eq!((&report["knockdown_visible"], &report["control"]), (&1.into(), &"ctrl".into()));
}

#[test]
fn a_wrong_target_sum_says_what_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = screen_in(&dir, "a.h5ad", 1);
    let output = dir.path().join("p.h5ad");
    let (code, _, err) = grn(&["data", "pseudobulk", "--target-sum", "lots", "-o", output.to_str().unwrap()], &[&path]);
    assert_eq!(code, 2);
    assert!(err.contains("`median`, `none` or a number above 0") && err.contains("hint:"), "{err}");
}
