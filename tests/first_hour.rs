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

/// A command of the path below and all it says, times and versions apart.
fn step(folder: &Path, said: &mut String, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let output = grn(folder, &words);
    let text = transcript(folder, &output);
    said.push_str(&format!("$ grn {command}\n{text}\n"));
    text
}

/// The options that a hint tells to add: what stands between backticks and begins with two dashes.
fn advice(text: &str) -> String {
    let hint = text.split("hint:").nth(1).unwrap_or_else(|| panic!("no hint\n{text}"));
    let code = hint.split('`').skip(1).step_by(2).find(|code| code.starts_with("--"));
    code.unwrap_or_else(|| panic!("no option in the hint\n{text}")).to_owned()
}

/// Everything a stranger meets in the first hour with a screen of his own, word by word.
#[test]
fn the_first_hour_word_by_word() {
    let dir = tempfile::tempdir().unwrap();
    let (here, said) = (dir.path(), &mut String::new());
    let mut mine = Screen { column: "crispr_target", ..Screen::usual() };
    mine.labels[0].0 = "safe_harbour".into();
    mine.write(&here.join("mine.h5ad"));
    write_chain(&here.join("prior.tsv"), 40);
    std::fs::write(here.join("old_names.tsv"), "alias\tgene\nOLD20\tG20\n").unwrap();
    std::fs::write(here.join("change.tsv"), "gene\tvalue\nG4\t1.0\nG5\t1.0\n").unwrap();

    step(here, said, "--version");
    step(here, said, "quickstart --dry-run -j 2");
    // The command that comes to mind fails, its hint leads to the next, and so on until it works.
    let fit = "fit mine.h5ad --model graph-kernel --outdir run";
    let no_prior = step(here, said, fit);
    assert!(no_prior.contains("--prior"), "{no_prior}");
    let fit = format!("{fit} --prior prior.tsv");
    let no_column = step(here, said, &fit);
    let named = format!("{fit} {}", advice(&no_column).replace("COLUMN", "crispr_target"));
    step(here, said, "data check mine.h5ad");
    let no_control = step(here, said, &named);
    let mended = format!("{named} {} --aliases old_names.tsv", advice(&no_control).replace("LABEL", "safe_harbour"));
    let wrong_control = step(here, said, &format!("{fit} --pert-col crispr_target --control-pert NT"));
    assert!(wrong_control.contains("exit 2"), "{wrong_control}");
    let fitted = step(here, said, &mended);
    assert!(fitted.starts_with("exit 0"), "{fitted}");
    step(here, said, "predict --pert G99 --run run");
    step(here, said, "predict --pert g20 --run run");
    step(here, said, "predict --pert OLD20 --run run --top 3");
    step(here, said, "predict --pert G20 --run run --top 3");
    step(here, said, "predict --pert G20 --top 3");
    step(here, said, "rank --run run --signature change.tsv --top 3 --candidates closed");
    step(here, said, "plot network --run run --center G99 -o network.svg");
    step(here, said, "plot network --run run --center G20 -o network.svg");
    step(here, said, "report --run run");
    step(here, said, &mended);
    step(here, said, "run list .");
    assert!(here.join("run/report.html").exists() && here.join("network.svg").exists());
    let filters = vec![
        (r"in \d+\.\d s", "in [TIME]"),
        (r"grn \d+\.\d+\.\d+", "grn [VERSION]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "[DATE]"),
    ];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(said.clone()) });
}
