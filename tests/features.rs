//! Feature tables on the command line: read, kept in the run, and asked for where a model needs one.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;

use self::screen::{Screen, grn, transcript, write_chain};

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    let row = |k: i32| format!("G{k}\t{}\t{}\n", (f64::from(k) * 0.3).sin(), (f64::from(k) * 0.3).cos());
    std::fs::write(dir.path().join("waves.tsv"), (0..40).map(row).collect::<String>()).unwrap();
    let effect = |k: i32| format!("G{k},{},0.5\n", f64::from(k) * 0.1);
    let effects: String = (0..20).map(effect).collect();
    std::fs::write(dir.path().join("other.csv"), format!("gene,G1,G2\n{effects}")).unwrap();
    dir
}

const FIT: [&str; 6] = ["fit", "screen.h5ad", "--prior", "prior.tsv", "--outdir", "run"];

fn predicted(dir: &Path) -> String {
    let output = grn(dir, &["predict", "--pert", "G30", "--run", "run", "--json"]);
    assert!(output.status.success(), "{}", transcript(dir, &output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tables_are_kept_in_the_run_and_named_in_its_files() {
    let dir = folder();
    for model in ["ridge", "genepert"] {
        let tables = ["--features", "waves.tsv", "--other-effects", "other.csv", "--model", model, "--overwrite"];
        let output = grn(dir.path(), &[&FIT[..], &tables].concat());
        assert!(output.status.success(), "{}", transcript(dir.path(), &output));
        let run = dir.path().join("run");
        assert!(run.join("features/waves.safetensors").exists() && run.join("features/other.safetensors").exists());
        let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
        assert!(manifest.contains("\"waves.tsv\"") && manifest.contains("\"other.csv\""), "{manifest}");
        let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
        assert!(config.contains("features = [\"waves.tsv\"]"), "{config}");
        let before = predicted(dir.path());
        std::fs::rename(dir.path().join("waves.tsv"), dir.path().join("moved.tsv")).unwrap();
        assert_eq!(predicted(dir.path()), before, "{model}: the run needs no other file");
        std::fs::rename(dir.path().join("moved.tsv"), dir.path().join("waves.tsv")).unwrap();
    }
}

#[test]
fn a_model_that_needs_a_table_says_so_before_anything_is_written() {
    let dir = folder();
    let output = grn(dir.path(), &[&FIT[..], &["--model", "genepert"]].concat());
    let said = transcript(dir.path(), &output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("expected an embedding table of genes, got none"), "{said}");
    assert!(said.contains("--features FILE"), "{said}");
    assert!(!dir.path().join("run").exists());
}

#[test]
fn a_broken_table_names_its_line() {
    let dir = folder();
    std::fs::write(dir.path().join("waves.tsv"), "G1\t1\t2\nG2\t1\n").unwrap();
    let output = grn(dir.path(), &[&FIT[..], &["--features", "waves.tsv"]].concat());
    let said = transcript(dir.path(), &output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`waves.tsv`, line 2 (`G2`): expected a gene and 2 numbers, got 1"), "{said}");
}
