//! `grn simulate` as users see it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;
use grn::io::{ScreenOptions, open_screen, read_screen};

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
    for file in ["edges.tsv", "genes.tsv", "deltas.h5ad", "parameters.json"] {
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
    let said = text(&simulate(dir.path(), &["--dry-run"]).success().get_output().stdout);
    assert!(said.starts_with("would simulate") && said.contains("70 cells, 400 genes"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn columns_and_truth_hold_what_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let lineage = ["--lineage", "stem>a,stem>b", "--stages", "2", "--dose", "0.3,0.9", "--target", "MYC+SOX2"];
    let noise = ["--ambient", "0.1", "--doublets", "0.5", "--guides", "2-4", "--noise-free", "--batches", "3"];
    let done = simulate(dir.path(), &[&lineage[..], &noise, &["--json"]].concat()).success();
    let summary: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!((&summary["cells"], &summary["doses"]), (&110.into(), &serde_json::json!([0.3, 0.9])));
    assert_eq!(summary["cell_types"], serde_json::json!(["stem", "a", "b"]));
    let screen = open_screen(&dir.path().join("screen.h5ad"), &ScreenOptions::default()).unwrap();
    let distinct = |name: &str| {
        let values = screen.column(name).unwrap();
        values.into_iter().collect::<std::collections::BTreeSet<String>>().len()
    };
    assert_eq!((distinct("cell_type"), distinct("batch"), distinct("dose"), distinct("doublet")), (3, 3, 3, 2));
    assert!(distinct("second_efficiency") > 5 && distinct("pseudotime") == 3);
    let file = hdf5::File::open(dir.path().join("screen.h5ad")).unwrap();
    assert_eq!(file.dataset("layers/noise_free/data").unwrap().size(), 110 * 400);
    let deltas = hdf5::File::open(dir.path().join("screen.truth/deltas.h5ad")).unwrap();
    // Five states, four perturbations and the held-out gene, two doses.
    assert_eq!(deltas.dataset("X").unwrap().shape(), [5 * 5 * 2, 400]);
    assert!(deltas.link_exists("obs/cell_type") && deltas.link_exists("obs/dose"));
    let genes = std::fs::read_to_string(dir.path().join("screen.truth/genes.tsv")).unwrap();
    assert_eq!(genes.lines().count(), 401);
}

#[test]
fn levels_of_a_screen_are_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let first = ["--depth", "100000", "--extrinsic", "0", "--batch-sigma", "0"];
    simulate(dir.path(), &first).success();
    let levels = |folder: &str| -> Vec<(String, f64)> {
        let text = std::fs::read_to_string(dir.path().join(folder).join("genes.tsv")).unwrap();
        let row = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            (fields[0].to_owned(), fields[1].parse::<f64>().unwrap())
        };
        text.lines().skip(1).map(row).collect()
    };
    let before = levels("screen.truth");
    std::fs::rename(dir.path().join("screen.h5ad"), dir.path().join("measured.h5ad")).unwrap();
    std::fs::remove_dir_all(dir.path().join("screen.truth")).unwrap();
    let done = simulate(dir.path(), &["--levels", "measured.h5ad", "--seed", "9"]).success();
    let said = text(&done.get_output().stderr);
    assert!(said.contains("mean of 30 control rows") && said.contains("400 genes have the given"), "{said}");
    let after = levels("screen.truth");
    // Thirty cells of dispersion 0.1 estimate a level to 6 %, a rare gene (20 molecules) to 7 %.
    for ((gene, before), (same, after)) in before.iter().zip(&after).filter(|((_, level), _)| *level > 2e-4) {
        assert_eq!(gene, same);
        assert!((after / before).ln().abs() < 0.4, "{gene}: {before} then {after}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_simulation_leaves_nothing_behind() {
    use std::time::{Duration, Instant};
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("grn"))
        .current_dir(dir.path())
        .args(["-q", "simulate", "--genes", "3000", "--perturbations", "2", "--controls", "400000", "-o", "s.h5ad"])
        .spawn()
        .unwrap();
    let began = Instant::now();
    let written = || {
        let sizes = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len());
        sizes.sum::<u64>()
    };
    while written() < 2_000_000 {
        let running = child.try_wait().unwrap().is_none();
        assert!(running && began.elapsed() < Duration::from_secs(100), "nothing to interrupt");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
