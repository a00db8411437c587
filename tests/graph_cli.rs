//! `grn graph` as users see it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use assert_cmd::Command;
use grn::data::{Csr, GeneIndex};
use grn::io::{AnnData, Column, Matrix, read_graph, write_h5ad};

const LINKS: &str = "protein1 protein2 experiments combined_score\n\
                     KDM1A RCOR1 990 999\nRCOR1 HDAC1 900 950\nKDM1A HDAC1 100 400\nSOX2 NANOG 0 700\n";
const REGULON: &str = "source\ttarget\tweight\nSOX2\tKDM1A\t-1\nHDAC1\tMYC\t-1\nRCOR1\tMYC\t1\n";

fn grn(dir: &Path, args: &str) -> (i32, String, String) {
    let out = Command::cargo_bin("grn").unwrap().current_dir(dir).args(args.split(' ')).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
}

/// A folder with two priors and the graph built from them.
fn built(more: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("string.tsv"), LINKS).unwrap();
    std::fs::write(dir.path().join("collectri.tsv"), REGULON).unwrap();
    let args = format!("graph build --prior string.tsv --prior collectri.tsv -o g.tsv.gz{more}");
    let (code, out, err) = grn(dir.path(), &args);
    assert_eq!(code, 0, "{err}");
    (dir, out)
}

fn json(dir: &Path, args: &str) -> serde_json::Value {
    let (code, out, err) = grn(dir, &format!("{args} --json"));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn build_merges_priors() {
    let (dir, out) = built("");
    assert_eq!(out, "g.tsv.gz: 6 genes, 11 edges, 27 % signed\n");
    let graph = read_graph(&dir.path().join("g.tsv.gz")).unwrap();
    assert_eq!((graph.n_edges(), graph.channels().len()), (11, 3));
    let (code, _, err) = grn(dir.path(), "graph build --prior string.tsv -o g.tsv.gz");
    assert!(code == 2 && err.contains("which exists") && err.contains("--overwrite"), "{err}");
}

#[test]
fn build_filters() {
    let t = |more: &str, edges: usize| {
        let (dir, _) = built(more);
        assert_eq!(read_graph(&dir.path().join("g.tsv.gz")).unwrap().n_edges(), edges, "{more}");
    };
    t(" --min-score 500", 9);
    // By hand: HDAC1 and RCOR1 to MYC, KDM1A to RCOR1, RCOR1 to HDAC1, SOX2 to KDM1A, and SOX2 with NANOG both ways.
    t(" --top 1", 7);
}

#[test]
fn build_says_what_is_wrong() {
    let (dir, _) = built("");
    let t = |args: &str, expected: &[&str]| {
        let (code, _, err) = grn(dir.path(), args);
        assert!(code == 2 && expected.iter().all(|e| err.contains(e)), "{args}: {err}");
    };
    t("graph build -o x.tsv", &["nothing to build from", "hint: add `--prior FILE`"]);
    t("graph build --prior string.tsv --min-score 2000 -o x.tsv", &["--min-score", "0 to 1000", "got 2000"]);
    t("graph build --prior string.tsv --min-score 1000 -o x.tsv", &["no edge", "hint: lower `--min-score`"]);
    t("graph build --prior none.tsv -o x.tsv", &["cannot read `none.tsv`"]);
    assert!(!dir.path().join("x.tsv").exists());
}

#[test]
fn info_counts() {
    let (dir, _) = built("");
    let value = json(dir.path(), "graph info g.tsv.gz");
    let count = |key: &str| value[key].as_u64().unwrap();
    assert_eq!((count("genes"), count("edges"), count("components"), count("repressing")), (6, 11, 1, 2));
    let (_, text, _) = grn(dir.path(), "graph info g.tsv.gz --hubs 1");
    assert!(text.contains("channel     string.experiments (6 edges"), "{text}");
    assert!(text.ends_with("hub         HDAC1 (3 out, 2 in)\n"), "{text}");
}

#[test]
fn path_finds_the_strongest() {
    let (dir, _) = built("");
    let (_, text, _) = grn(dir.path(), "graph path g.tsv.gz SOX2 MYC -k 2");
    // Compared with the factor 0.8 per edge: 0.511 and 0.389 against 0.205 through KDM1A and HDAC1.
    let expected = "strength\tsign\tpath\n\
                    0.9990\t.\tSOX2 -1.000> KDM1A .0.999> RCOR1 +1.000> MYC\n\
                    0.9491\t.\tSOX2 -1.000> KDM1A .0.999> RCOR1 .0.950> HDAC1 -1.000> MYC\n";
    assert_eq!(text, expected);
    let value = json(dir.path(), "graph path g.tsv.gz HDAC1 MYC");
    assert_eq!((&value["paths"][0]["sign"], &value["paths"][0]["strength"]), (&"-".into(), &1.0.into()));
    assert_eq!(value["paths"][0]["edges"][0]["evidence"]["collectri"], 1.0);
    let (code, _, err) = grn(dir.path(), "graph path g.tsv.gz MYC SOX2");
    assert!(code == 2 && err.contains("no path from `MYC` to `SOX2`"), "{err}");
    let (code, _, err) = grn(dir.path(), "graph path g.tsv.gz KDM1B SOX2");
    assert!(code == 2 && err.contains("hint: did you mean `KDM1A`"), "{err}");
}

#[test]
fn export_writes_the_surroundings_of_a_gene() {
    let (dir, _) = built("");
    let value = json(dir.path(), "graph export g.tsv.gz --center SOX2 --hops 1 -o ego.graphml");
    assert_eq!((&value["genes"], &value["edges"], &value["format"]), (&3.into(), &3.into(), &"graphml".into()));
    assert!(std::fs::read_to_string(dir.path().join("ego.graphml")).unwrap().contains("<graphml"));
    let (code, _, err) = grn(dir.path(), "graph export g.tsv.gz -o net.xlsx");
    assert!(code == 2 && err.contains("one of `tsv`") && err.contains("hint: try `--format graphml`"), "{err}");
}

/// Cells of a made screen, log1p: A and B rise and fall together in the controls, C against them, D alone; in the
/// perturbed cells everything is 9.
fn write_screen(path: &Path) {
    let genes = Arc::new(GeneIndex::new(["A", "B", "C", "D"]).unwrap());
    let (mut x, mut labels) = (Csr::empty(4), Vec::new());
    for cell in 0..60 {
        let (up, other) = ((cell % 5) as f32 / 2.0, (cell % 7) as f32 / 3.0);
        let control = cell < 40;
        let row = if control { [up + 0.5, 2.0 * up + 0.25, 3.0 - up, other] } else { [9.0; 4] };
        x.push_row((0..4).zip(row).filter(|(_, v)| *v != 0.0));
        labels.push(if control { "non-targeting" } else { "KDM1A" }.to_owned());
    }
    let screen = AnnData {
        obs_names: (0..60).map(|c| format!("cell{c}")).collect(),
        obs: vec![("target_gene".into(), Column::Categories(labels))],
        genes,
        var: Vec::new(),
        x: Matrix::Sparse(&x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(path, &screen).unwrap();
}

#[test]
fn coexpression_comes_from_control_cells() {
    let dir = tempfile::tempdir().unwrap();
    write_screen(&dir.path().join("s.h5ad"));
    std::fs::write(dir.path().join("string.tsv"), LINKS).unwrap();
    let value = json(dir.path(), "graph build --prior string.tsv --coexpression s.h5ad --scale log1p -o g.tsv");
    assert_eq!(value["coexpression"], serde_json::json!({"cells": 40, "pairs": 3}));
    assert_eq!(value["perturbed_genes"], serde_json::json!({"total": 1, "in_graph": 1, "missing": []}));
    let table = std::fs::read_to_string(dir.path().join("g.tsv")).unwrap();
    let lines: Vec<&str> = table.lines().filter(|l| l.contains("coexpression")).collect();
    let ends: Vec<&str> = lines.iter().map(|l| &l[..3]).collect();
    assert_eq!(ends, ["A\tB", "A\tC", "B\tA", "B\tC", "C\tA", "C\tB"]);
    assert!(lines[0].contains("\t+\t") && lines[1].contains("\t-\t"), "{table}");
    let value = json(
        dir.path(),
        "graph build --coexpression s.h5ad --scale log1p --genes-of s.h5ad --prior string.tsv -o h.tsv",
    );
    assert_eq!(value["summary"]["genes"], 4, "A, B, C and the perturbed KDM1A");
}
