//! `grn data convert`, `subset`, `concat` and `split`, and what reads their output.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::collections::BTreeMap;
use std::path::Path;

use grn::data::Scale;
use grn::io::{ScreenOptions, open_cells, open_screen, read_fold_rows};

use self::screen::{Screen, grn, transcript, write_chain};

fn run(folder: &Path, args: &[&str]) -> serde_json::Value {
    let out = grn(folder, &[args, &["--json"]].concat());
    assert!(out.status.success(), "{args:?}\n{}", transcript(folder, &out));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn refused(folder: &Path, args: &[&str], expected: &str) {
    let out = grn(folder, args);
    let said = transcript(folder, &out);
    assert_eq!(out.status.code(), Some(2), "{args:?}\n{said}");
    assert!(said.contains(expected), "{args:?}\n{said}");
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut screen = Screen::usual();
    screen.labels.push(("G1+G2".to_owned(), 8));
    screen.labels.push(("G3+G20".to_owned(), 8));
    screen.write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    dir
}

/// Cells of each label.
fn labels(path: &Path) -> BTreeMap<String, usize> {
    let options = ScreenOptions { pert_col: Some("target_gene".to_owned()), ..ScreenOptions::default() };
    let screen = open_screen(path, &options).unwrap();
    let mut counts = BTreeMap::new();
    screen.column("target_gene").unwrap().into_iter().for_each(|l| *counts.entry(l).or_insert(0) += 1);
    counts
}

#[test]
fn cells_are_converted_and_nothing_is_replaced_by_accident() {
    let dir = folder();
    let t = |args: &[&str]| run(dir.path(), args);
    for (output, to) in [("a.h5ad", "h5ad"), ("a.mtx", "mtx"), ("a.parquet", "parquet")] {
        let said = t(&["data", "convert", "screen.h5ad", "-o", output]);
        assert_eq!((said["cells"].as_u64(), said["format"].as_str()), (Some(176), Some(to)));
        let planned = t(&["data", "convert", "screen.h5ad", "-o", "none", "--to", to, "--dry-run"]);
        assert_eq!((planned["dry_run"].as_bool(), dir.path().join("none").exists()), (Some(true), false));
        let read = |name: &str| open_cells(&dir.path().join(name), None).unwrap().read(Scale::Counts).unwrap().x;
        assert_eq!(read(output), read("screen.h5ad"));
        assert_eq!(labels(&dir.path().join(output)), labels(&dir.path().join("screen.h5ad")));
        let expected = if to == "h5ad" { "which exists" } else { "is not empty" };
        refused(dir.path(), &["data", "convert", "screen.h5ad", "-o", output], expected);
        t(&["data", "convert", "screen.h5ad", "-o", output, "--overwrite"]);
    }
    refused(dir.path(), &["data", "convert", "screen.h5ad", "-o", "x"], "`--to h5ad`");
    refused(
        dir.path(),
        &["data", "convert", "screen.h5ad", "-o", "screen.h5ad", "--overwrite"],
        "another place than the input",
    );
}

#[test]
fn some_cells_and_genes_are_taken() {
    let dir = folder();
    let t = |more: &[&str], output: &str| {
        run(dir.path(), &[&["data", "subset", "screen.h5ad", "-o", output], more].concat());
        labels(&dir.path().join(output))
    };
    let of = |pairs: &[(&str, usize)]| pairs.iter().map(|(l, n)| ((*l).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    let two = of(&[("non-targeting", 40), ("G1", 10), ("G1+G2", 8)]);
    assert_eq!(t(&["--perts", "G1,G2+G1"], "a.h5ad"), two);
    std::fs::write(dir.path().join("perts.txt"), "G1\nG1+G2\n").unwrap();
    assert_eq!(t(&["--perts", "perts.txt"], "b.h5ad"), two);
    assert_eq!(t(&["--perts", "G1", "--drop-controls"], "c.h5ad"), of(&[("G1", 10)]));
    assert_eq!(t(&["--where", "target_gene=G1,G2"], "d.h5ad"), of(&[("G1", 10), ("G2", 10)]));
    let few = t(&["--max-cells", "5"], "e.h5ad");
    assert!(few.len() == 15 && few.values().all(|&n| n == 5), "{few:?}");
    let (x, same, other) = (
        t(&["--fraction", "0.5"], "f.h5ad"),
        t(&["--fraction", "0.5", "--threads", "1"], "g.h5ad"),
        t(&["--fraction", "0.5", "--seed", "9"], "h.h5ad"),
    );
    assert_eq!(x, same);
    assert!(x != other && (60..116).contains(&x.values().sum::<usize>()), "{x:?}");
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    assert!(bytes("f.h5ad") == bytes("g.h5ad"), "the same bits for any number of threads");

    std::fs::write(dir.path().join("genes.txt"), "G7\nnone\nG3\n").unwrap();
    t(&["--genes", "genes.txt"], "i.h5ad");
    let read = |name: &str| open_cells(&dir.path().join(name), None).unwrap().read(Scale::Counts).unwrap();
    let (all, some) = (read("screen.h5ad"), read("i.h5ad"));
    let names: Vec<&str> = some.genes.names().iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["G7", "G3"]);
    let value = |e: &grn::data::Expression, row: usize, gene: u32| {
        let (genes, values) = e.x.row(row);
        genes.iter().position(|&g| g == gene).map_or(0.0, |at| values[at])
    };
    assert!(
        (0..176).all(|row| value(&some, row, 0) == value(&all, row, 7) && value(&some, row, 1) == value(&all, row, 3))
    );
    let refuse = |more: &[&str], expected| {
        refused(dir.path(), &[&["data", "subset", "screen.h5ad", "-o", "z.h5ad"], more].concat(), expected);
    };
    refuse(&["--perts", "G1x"], "did you mean");
    refuse(&["--where", "target_gene=G111"], "--where target_gene=G111");
    refuse(&["--where", "nothing"], "COLUMN=VALUE");
    refuse(&["--where", "batch=1"], "column `batch` not found");
    refuse(&["--fraction", "2"], "a share from 0 to 1");
}

#[test]
fn files_are_put_together_with_their_names() {
    let dir = folder();
    let t = |args: &[&str]| run(dir.path(), args);
    t(&["data", "subset", "screen.h5ad", "--perts", "G1,G2", "-o", "one.h5ad"]);
    std::fs::write(dir.path().join("genes.txt"), (0..30).rev().map(|k| format!("G{k}\n")).collect::<String>()).unwrap();
    t(&["data", "subset", "screen.h5ad", "--perts", "G3", "--genes", "genes.txt", "-o", "two.h5ad"]);
    let concat = ["data", "concat", "one.h5ad", "two.h5ad", "--label", "plate", "-o", "all.h5ad"];
    refused(dir.path(), &concat, "10 missing (`G30`");
    let said = t(&[&concat[..], &["--join", "inner"]].concat());
    assert_eq!((said["cells"].as_u64(), said["genes"].as_u64()), (Some(110), Some(30)));
    let all = open_screen(&dir.path().join("all.h5ad"), &ScreenOptions::default()).unwrap();
    let plates = all.column("plate").unwrap();
    assert_eq!((plates[0].as_str(), plates[60].as_str(), plates.len()), ("one", "two", 110));
    t(&["data", "concat", "one.h5ad", "two.h5ad", "--join", "outer", "-o", "outer.mtx"]);
    let read = |name: &str| open_cells(&dir.path().join(name), None).unwrap().read(Scale::Counts).unwrap().x;
    let (inner, outer) = (read("all.h5ad"), read("outer.mtx"));
    assert_eq!((inner.n_cols(), outer.n_cols(), outer.n_rows()), (30, 40, 110));
    // Both keep the order of the first file, and the second file has nothing else.
    assert_eq!(inner.row(109), outer.row(109));
}

#[test]
fn splits_are_made_and_taken_by_fit_and_cv() {
    let dir = folder();
    let t = |args: &[&str]| run(dir.path(), args);
    t(&["data", "split", "screen.h5ad", "--gears", "simulation", "-o", "split.tsv", "--seed", "3"]);
    let text = std::fs::read_to_string(dir.path().join("split.tsv")).unwrap();
    let (first, content) = text.split_once('\n').unwrap();
    assert_eq!(first, format!("# blake3 {}", blake3::hash(content.as_bytes()).to_hex()));
    assert!(content.starts_with("target_gene\tsplit\tsubgroup\n"));
    let rows = read_fold_rows(&dir.path().join("split.tsv")).unwrap();
    assert_eq!(rows.len(), 14);
    let count = |part: &str| rows.iter().filter(|r| r.fold == part).count();
    assert!(count("test") >= 3 && count("val") >= 1 && count("train") >= 6, "{rows:?}");

    let fit =
        ["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "mean", "--split", "split.tsv", "--outdir", "run"];
    t(&fit);
    let trained = std::fs::read_to_string(dir.path().join("run/split.tsv")).unwrap();
    assert_eq!(trained.matches("\ttrain\n").count(), count("train"));
    t(&["cv", "screen.h5ad", "--prior", "prior.tsv", "--model", "mean", "--folds", "split.tsv", "--outdir", "cv"]);
    let folds = read_fold_rows(&dir.path().join("cv/folds.tsv")).unwrap();
    assert_eq!(folds.iter().filter(|r| r.fold == "train").count(), count("train"));

    t(&["data", "split", "screen.h5ad", "--folds", "4", "-o", "folds.tsv"]);
    let said = t(&["cv", "screen.h5ad", "--prior", "prior.tsv", "--folds", "folds.tsv", "--outdir", "cv4"]);
    assert!(said.is_object());
    std::fs::write(dir.path().join("custom.json"), r#"{"train": ["G0", "G1+ctrl"], "test": ["G2"], "val": []}"#)
        .unwrap();
    let said = t(&["data", "split", "screen.h5ad", "--gears", "custom:custom.json", "-o", "custom.tsv"]);
    assert_eq!(said["parts"], serde_json::json!({ "train": 2, "test": 1, "out": 11 }));
    t(&[
        "cv",
        "screen.h5ad",
        "--prior",
        "prior.tsv",
        "--model",
        "mean",
        "--folds",
        "custom.tsv",
        "--outdir",
        "cv-custom",
    ]);
    let folds = read_fold_rows(&dir.path().join("cv-custom/folds.tsv")).unwrap();
    assert_eq!(folds.len(), 3);
    refused(
        dir.path(),
        &["data", "split", "screen.h5ad", "--gears", "simulations", "-o", "x.tsv"],
        "did you mean `simulation",
    );
    refused(dir.path(), &["data", "split", "screen.h5ad", "--folds", "3", "-o", "folds.tsv"], "which exists");
}

#[test]
fn a_split_of_cell_types_goes_to_toml_and_back() {
    let dir = folder();
    // Two cell types: the same cells twice.
    let t = |args: &[&str]| run(dir.path(), args);
    std::fs::copy(dir.path().join("screen.h5ad"), dir.path().join("T.one.h5ad")).unwrap();
    std::fs::rename(dir.path().join("screen.h5ad"), dir.path().join("B.h5ad")).unwrap();
    t(&["data", "concat", "T.one.h5ad", "B.h5ad", "--label", "cell_type", "-o", "both.h5ad"]);
    let toml = format!(
        "[datasets]\nboth = \"{}/{{both,other}}.h5ad\"\n[training]\nboth = \"train\"\n[zeroshot]\n\"both.B\" = \"test\"\n\
         [fewshot.\"both.T.one\"]\nval = [\"G1\"]\ntest = [\"G2\", \"G1+G2\", \"G999\"]\n",
        dir.path().display()
    );
    std::fs::write(dir.path().join("split.toml"), &toml).unwrap();
    let split = ["data", "split", "both.h5ad", "--toml", "split.toml", "-o"];
    let said = t(&[&split[..], &["split.tsv", "--write-toml", "again.toml"]].concat());
    assert_eq!(said["parts"], serde_json::json!({ "test": 16, "val": 1, "train": 11 }));
    let rows = read_fold_rows(&dir.path().join("split.tsv")).unwrap();
    let part = |label: &str, cell_type: &str| {
        let row = rows.iter().find(|r| r.label == label && r.cell_type.as_deref() == Some(cell_type)).unwrap();
        row.fold.clone()
    };
    assert_eq!(
        [part("G1", "T.one"), part("G2", "T.one"), part("G3", "T.one"), part("G3", "B")],
        ["val", "test", "train", "test"]
    );
    t(&["data", "split", "both.h5ad", "--toml", "again.toml", "-o", "again.tsv"]);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("again.tsv"), read("split.tsv"));

    // A condition of one cell type is held out, the same one of another type is not.
    let fit = [
        "fit",
        "both.h5ad",
        "--prior",
        "prior.tsv",
        "--model",
        "mean",
        "--celltype-col",
        "cell_type",
        "--split",
        "split.tsv",
    ];
    t(&[&fit[..], &["--outdir", "run"]].concat());
    let trained = read("run/split.tsv");
    assert!(trained.contains("G3\ttrain\n") && trained.contains("G2\ttest\n"), "{trained}");
    assert_eq!(trained.matches("\ttrain\n").count(), 11);
    std::fs::write(dir.path().join("bad.toml"), toml.replace("both.B", "both.C")).unwrap();
    refused(
        dir.path(),
        &["data", "split", "both.h5ad", "--toml", "bad.toml", "-o", "x.tsv"],
        "cell types of `both.h5ad`",
    );
}
