//! `grn simulate` as users see it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;
use grn::io::{ScreenOptions, read_screen};

const SMALL: [&str; 8] =
    ["--genes", "400", "--perturbations", "4", "--cells-per-perturbation", "10", "--controls", "30"];

fn simulate(dir: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("grn").unwrap();
    command.current_dir(dir).arg("simulate").args(SMALL).args(["-o", "screen.h5ad"]).args(args).assert()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_screen_is_written_with_its_truth_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let done = simulate(dir.path(), &["--json"]).success();
    let summary: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!((&summary["cells"], &summary["genes"], &summary["perturbations"]), (&70.into(), &400.into(), &4.into()));
    assert_eq!(summary["held_out"], serde_json::json!(["KDM1A"]));
    assert!(summary["residual"].as_f64().unwrap() <= 1e-10);
    for file in ["edges.tsv", "deltas.h5ad", "parameters.json"] {
        assert!(dir.path().join("screen.truth").join(file).is_file(), "{file}");
    }
    let (screen, _) = read_screen(&dir.path().join("screen.h5ad"), &ScreenOptions::default()).unwrap();
    assert_eq!((screen.expression.n_cells(), screen.genes().len()), (70, 400));
    assert_eq!(screen.cells.conditions.len(), 5);
    assert_eq!(screen.cells.controls().unwrap().len(), 1);
}

#[test]
fn the_same_seed_gives_the_same_cells_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let counts = |args: &[&str]| {
        simulate(dir.path(), &[args, &["--overwrite"]].concat()).success();
        read_screen(&dir.path().join("screen.h5ad"), &ScreenOptions::default()).unwrap().0.expression.x
    };
    let one = counts(&["--seed", "3", "--threads", "1"]);
    assert_eq!(one, counts(&["--seed", "3", "--threads", "4"]));
    assert_ne!(one, counts(&["--seed", "4"]));
}

#[test]
fn an_earlier_screen_is_not_replaced_unasked() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("screen.h5ad"), "precious").unwrap();
    let refused = simulate(dir.path(), &[]).code(2);
    let said = text(&refused.get_output().stderr);
    assert!(said.contains("`screen.h5ad` exists") && said.contains("hint: replace it with `--overwrite`"), "{said}");
    assert_eq!(std::fs::read_to_string(dir.path().join("screen.h5ad")).unwrap(), "precious");
    assert!(!dir.path().join("screen.truth").exists());
}

#[test]
fn a_network_of_ones_own_is_simulated() {
    let dir = tempfile::tempdir().unwrap();
    let sign = |i| if i % 3 == 0 { '-' } else { '+' };
    let rows: Vec<String> = (0..30).map(|i| format!("TF{}\tT{i}\t{}\t", i % 6, sign(i))).collect();
    let table = rows.join("0.9\n");
    std::fs::write(dir.path().join("own.tsv"), format!("source\ttarget\tsign\tweight\n{table}0.9\n")).unwrap();
    simulate(dir.path(), &["--network", "own.tsv", "--target", "TF1+TF2"]).success();
    let edges = std::fs::read_to_string(dir.path().join("screen.truth/edges.tsv")).unwrap();
    for row in &rows {
        assert!(edges.lines().any(|line| line.starts_with(row.as_str())), "{row}");
    }
    let (screen, _) = read_screen(&dir.path().join("screen.h5ad"), &ScreenOptions::default()).unwrap();
    assert!(screen.cells.conditions.iter().any(|c| c.to_string() == "TF1+TF2"));
}

#[test]
fn a_misspelt_target_is_an_error_with_a_suggestion() {
    let dir = tempfile::tempdir().unwrap();
    let refused = simulate(dir.path(), &["--target", "NANOGG"]).code(2);
    let said = text(&refused.get_output().stderr);
    assert!(said.contains("gene `NANOGG` is not in the network") && said.contains("did you mean `NANOG`"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_dry_run_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let said = text(&simulate(dir.path(), &["--dry-run"]).success().get_output().stderr);
    assert!(said.contains("would simulate 70 cells x 400 genes"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
