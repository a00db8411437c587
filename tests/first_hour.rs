//! What a new user types first, and what the commands promise to leave behind.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;

use self::screen::{Screen, grn, shared, transcript, write_chain};

/// Runs a command that must succeed; returns its stdout.
fn ok(folder: &Path, args: &[&str]) -> String {
    let output = grn(folder, args);
    assert!(output.status.success(), "grn {}\n{}", args.join(" "), transcript(folder, &output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn fit_and_predict_work_as_typed() {
    let dir = tempfile::tempdir().unwrap();
    let prior = Path::new(env!("CARGO_MANIFEST_DIR")).join("networks/hesc.string.protein.links.txt");
    let fitted = grn(dir.path(), &["fit", "--prior", prior.to_str().unwrap(), "--model", "graph-kernel"]);
    let said = transcript(dir.path(), &fitted);
    assert!(
        fitted.status.success() && said.contains("using the embedded simulated screen, which is not real data"),
        "{said}"
    );
    let table = ok(dir.path(), &["predict", "--pert", "KDM1A"]);
    let first = table.lines().nth(2).unwrap();
    assert!(table.starts_with("KDM1A (graph)\n") && first.starts_with("KDM1A") && first.contains('-'), "{table}");
    let json: serde_json::Value =
        serde_json::from_str(&ok(dir.path(), &["predict", "--pert", "KDM1A", "--json"])).unwrap();
    assert_eq!(json["genes"].as_array().unwrap().len(), 2000);
    assert_eq!(json["predictions"][0]["delta"].as_array().unwrap().len(), 2000);
}

#[test]
fn a_run_has_all_its_files_and_needs_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    ok(
        dir.path(),
        &[
            "fit",
            "screen.h5ad",
            "--prior",
            "prior.tsv",
            "--model",
            "graph-kernel",
            "--hold-out",
            "G3",
            "--outdir",
            "run",
        ],
    );
    for file in [
        "manifest.json",
        "config.toml",
        "genes.tsv",
        "split.tsv",
        "graph.tsv.gz",
        "responses.h5ad",
        "metrics.jsonl",
        "model/model.safetensors",
    ] {
        assert!(dir.path().join("run").join(file).exists(), "{file}");
    }
    let split = std::fs::read_to_string(dir.path().join("run/split.tsv")).unwrap();
    assert!(split.contains("G3\ttest\n") && split.contains("G4\ttrain\n"), "{split}");
    let again = ok(dir.path(), &["predict", "--run", "run", "--pert", "G3", "--format", "tsv"]);
    let here = dir.path();
    std::fs::remove_file(here.join("screen.h5ad")).unwrap();
    std::fs::remove_file(here.join("prior.tsv")).unwrap();
    assert_eq!(ok(here, &["predict", "--run", "run", "--pert", "G3", "--format", "tsv"]), again);
    ok(here, &["predict", "--run", "run", "--pert", "G3", "--pert", "G1+G5", "-o", "out.h5ad"]);
    std::fs::write(here.join("change.tsv"), "gene\tvalue\nG4\t1.0\nG5\t1.0\n").unwrap();
    ok(here, &["rank", "--run", "run", "--signature", "change.tsv", "-o", "ranking.tsv"]);
    let header = std::fs::read_to_string(here.join("ranking.tsv")).unwrap();
    assert!(header.starts_with("query\trank\tgene\tscore\tprobability"), "{header}");
    ok(here, &["plot", "network", "--run", "run", "--center", "G3", "-o", "network.svg"]);
    ok(here, &["report", "--run", "run"]);
    assert!(here.join("run/report.html").exists());
}

#[test]
fn the_saved_settings_repeat_the_run() {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    let fit = [
        "fit",
        "screen.h5ad",
        "--prior",
        "prior.tsv",
        "--model",
        "graph-kernel",
        "--seed",
        "5",
        "--pert-col",
        "target_gene",
    ];
    ok(dir.path(), &[&fit[..], &["--outdir", "first"]].concat());
    ok(dir.path(), &["fit", "--config", "first/config.toml", "--outdir", "second"]);
    let model = |run: &str| std::fs::read(dir.path().join(run).join("model/model.safetensors")).unwrap();
    assert_eq!(model("first"), model("second"));
}

#[test]
fn one_seed_gives_the_same_model_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    let model = |threads: &str| {
        ok(dir.path(), &["fit", "screen.h5ad", "--prior", "prior.tsv", "-j", threads, "--outdir", threads]);
        std::fs::read(dir.path().join(threads).join("responses.h5ad")).unwrap();
        ok(dir.path(), &["predict", "--run", threads, "--pert", "G20", "--format", "tsv"])
    };
    assert_eq!(model("1"), model("4"));
}

#[test]
fn real_cells_from_file_to_prediction() {
    let Some(cells) = shared("data/papalexi_thp1/papalexi2021_thp1_counts.h5ad") else { return };
    let Some(prior) = shared("data/networks/trrust.tsv.gz") else { return };
    let dir = tempfile::tempdir().unwrap();
    let check = grn(dir.path(), &["data", "check", cells.to_str().unwrap(), "--json"]);
    let check: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(check["n_cells"].as_u64().or(check["cells"].as_u64()), Some(16_192), "{check:#}");
    let fit = [
        "fit",
        cells.to_str().unwrap(),
        "--prior",
        prior.to_str().unwrap(),
        "--model",
        "graph-kernel",
        "--outdir",
        "run",
    ];
    ok(dir.path(), &fit);
    let table = ok(dir.path(), &["predict", "--run", "run", "--pert", "JAK2+STAT1"]);
    assert!(table.starts_with("JAK2+STAT1 (graph)"), "{table}");
}
