//! Drug screens in Parquet, their signatures and pairs, and the ranking of drug targets.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;
#[path = "support/tahoe.rs"]
mod tahoe;

use std::fs::File;
use std::path::Path;

use grn::data::{PseudobulkOptions, Responses};
use grn::io::{ScreenOptions, read_table};
use grn::stats::Rng;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use self::screen::{Screen, grn, transcript, write_chain};
use self::tahoe::{Cell, write_cells};

const DOSE: &str = "[('X ', 0.05, 'uM')]";

/// Genes A, B, C have the tokens 10, 11, 12; drug X acts on A and B, drug Y on a gene that is not in the table.
fn small() -> Vec<Cell> {
    vec![
        Cell("DMSO_TF", "s0", "L1", "P1", vec![1, 10, 11], vec![-2.0, 1.0, 3.0]),
        Cell("X", DOSE, "L1", "P1", vec![1, 12, 10], vec![-2.0, 7.0, 1.0]),
        Cell("Y", "s2", "L1", "P1", vec![1, 10], vec![-2.0, 1.0]),
        Cell("DMSO_TF", "s0", "L1", "P1", vec![10, 99], vec![3.0, 50.0]),
        Cell("X", DOSE, "L1", "P1", vec![1, 12], vec![-2.0, 1.0]),
        Cell("X", DOSE, "L1", "P2", vec![1, 12], vec![-2.0, 1.0]),
        Cell("", "s1", "L1", "P1", vec![10], vec![1.0]),
        Cell("DMSO_TF", "s0", "L2", "P1", vec![1, 10], vec![-2.0, 4.0]),
        Cell("X", DOSE, "L2", "P1", vec![1, 10], vec![-2.0, 2.0]),
        Cell("X", DOSE, "L2", "P1", vec![1], vec![-2.0]),
    ]
}

fn write_small(here: &Path, cells: &[Cell]) {
    write_cells(&here.join("cells.parquet"), cells);
    let genes = "gene_symbol\tensembl_id\ttoken_id\nA\tENSG1\t10\nB\tENSG2\t11\nC\tENSG3\t12\n";
    std::fs::write(here.join("genes.tsv"), genes).unwrap();
    std::fs::write(here.join("targets.tsv"), "drug\ttargets\tclass\nX\tA, ENSG2\tkinase inhibitor\nY\tWNV\t\n")
        .unwrap();
}

const EXTRACT: [&str; 10] = [
    "data",
    "drugs",
    "cells.parquet",
    "--drug-targets",
    "targets.tsv",
    "--gene-metadata",
    "genes.tsv",
    "--target-sum",
    "none",
    "--json",
];

fn ok(here: &Path, args: &[&str]) -> String {
    let output = grn(here, args);
    assert!(output.status.success(), "grn {}\n{}", args.join(" "), transcript(here, &output));
    String::from_utf8(output.stdout).unwrap()
}

fn json(here: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(here, args)).unwrap()
}

/// Rows of a file of pairs as text.
fn pairs(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    // The library writes 0 as `0E0`.
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string().replace("0E0", "0.0")).collect()
}

/// By hand, in units of ln 2: control cells of (L1, P1) have A 1 and 2, B 2 and 0, C 0 and 0; treated cells A 1 and 0,
/// C 3 and 1. The changes are -1, -1, 2; the variances of the control 1/4, 1, 0, of the treated 1/4, 0, 1; each is
/// divided by 2 cells. L2 has one control cell, P2 none.
#[test]
fn signatures_are_changes_against_all_control_cells() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    write_small(here, &small());
    let done = json(here, &[&EXTRACT[..], &["--min-cells", "2", "-o", "out"]].concat());
    let of = |key: &str| done["extraction"][key].clone();
    assert_eq!([of("cells"), of("control_cells"), of("marked_cells")], [10, 3, 6]);
    assert_eq!([of("signatures"), of("unknown_tokens")], [1, 1]);
    assert_eq!((of("labels"), of("unknown_targets")), (serde_json::json!(["A", "B"]), serde_json::json!(["WNV"])));
    let dropped = |key: &str| done["extraction"]["dropped"][key].as_u64().unwrap();
    assert_eq!([dropped("cells_without_label"), dropped("cells_without_target")], [1, 1]);
    assert_eq!([dropped("cells_without_control"), dropped("signatures_of_few_cells")], [1, 1]);
    let options = ScreenOptions { whole_labels: true, ..ScreenOptions::default() };
    let path = here.join("out/signatures.h5ad");
    let read = read_table(&path, &options, &PseudobulkOptions::default(), &mut |_, _| {}).unwrap();
    let responses = Responses::from_pseudobulk(&read.table).unwrap();
    assert_eq!(responses.perturbations[0].to_string(), "X | 0.05 uM | L1");
    let unit = std::f32::consts::LN_2;
    let errors = responses.squared_error().unwrap();
    for (gene, (change, error)) in [(-1.0, 0.25), (-1.0, 0.5), (2.0, 0.5)].into_iter().enumerate() {
        assert!((responses.delta[[0, gene]] - change * unit).abs() < 1e-6, "{}", responses.delta);
        assert!((errors[[0, gene]] - error * unit * unit).abs() < 1e-6, "{errors}");
    }
    // Nothing but the results and the log is left behind.
    assert_eq!(std::fs::read_dir(here.join("out")).unwrap().count(), 3);
}

#[test]
fn pairs_stand_beside_the_mean_of_all_control_cells() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    write_small(here, &small());
    let args = [&EXTRACT[..], &["--min-cells", "1", "--pairs", "--shard-rows", "1", "-o", "out"]].concat();
    let done = json(here, &args);
    let dropped = &done["extraction"]["dropped"];
    assert_eq!((&done["extraction"]["pairs"], &done["extraction"]["pair_files"]), (&2.into(), &2.into()));
    assert_eq!((&dropped["pairs_of_low_overlap"], &dropped["pairs_without_gene"]), (&1.into(), &1.into()));
    let first = pairs(&here.join("out/pairs-00000.parquet"));
    assert_eq!(first.len(), 1);
    for part in [
        "genes: [10, 11, 12]",
        "expr_treated: [1.0, 0.0, 7.0]",
        "expr_control: [2.0, 1.5, 0.0]",
        "drug: \"X\"",
        "targets: \"A;B\"",
        "cell_line_id: \"L1\"",
        "plate: \"P1\"",
        "ctrl_drug: \"DMSO_TF\"",
        "overlap_ratio: 0.5",
    ] {
        assert!(first[0].contains(part), "{part}\n{}", first[0]);
    }
    assert!(pairs(&here.join("out/pairs-00001.parquet"))[0].contains("cell_line_id: \"L2\""));
    let again = [&args[..args.len() - 1], &["again", "-j", "1"]].concat();
    json(here, &again);
    let bytes = |dir: &str, name: &str| std::fs::read(here.join(dir).join(name)).unwrap();
    ["pairs-00000.parquet", "pairs-00001.parquet"].iter().for_each(|n| assert_eq!(bytes("out", n), bytes("again", n)));
    // A shorter extraction into the same folder leaves no file of the longer one.
    let one = [&args[..args.len() - 4], &["--shard-rows", "9", "-o", "out", "--overwrite"]].concat();
    json(here, &one);
    assert!(!here.join("out/pairs-00001.parquet").exists());
}

/// The first control cell of (L1, P1) has A and B: the first treated cell shares one of its two genes, the second none.
/// Both targets of X are a row each.
#[test]
fn the_reports_pairs_are_made_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    write_small(here, &small());
    let done = json(here, &[&EXTRACT[..], &["--min-cells", "1", "--report", "-o", "out"]].concat());
    assert_eq!((&done["extraction"]["pairs"], &done["extraction"]["pair_control"]), (&4.into(), &"first".into()));
    assert_eq!(done["extraction"]["dropped"]["pairs_of_low_overlap"], 1);
    let rows = pairs(&here.join("out/pairs-00000.parquet"));
    let t =
        |row: usize, parts: &[&str]| parts.iter().for_each(|p| assert!(rows[row].contains(p), "{p}\n{}", rows[row]));
    assert_eq!(rows.len(), 4);
    t(0, &["genes: [10, 12]", "expr_treated: [1.0, 7.0]", "expr_control: [1.0, 0.0]", "targets: \"A\""]);
    t(1, &["genes: [10, 12]", "targets: \"B\"", "overlap_ratio: 0.5"]);
    t(2, &["genes: [10]", "expr_treated: [2.0]", "expr_control: [4.0]", "overlap_ratio: 1.0", "targets: \"A\""]);
}

#[test]
fn damaged_cells_are_named_by_file_and_row() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let t = |change: &dyn Fn(&mut Vec<Cell>), expected: &str| {
        let mut cells = small();
        change(&mut cells);
        write_small(here, &cells);
        let output = grn(here, &[&EXTRACT[..], &["--min-cells", "1", "-o", "out", "--overwrite"]].concat());
        let said = transcript(here, &output);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{expected}\n{said}");
    };
    t(&|c| c[1].5.truncate(2), "`cells.parquet`, row 2: expected as many counts as genes (3), got 2");
    t(&|c| c[4].5[1] = -1.0, "row 5: expected finite counts of at least 0 behind the marker, got -1");
    t(&|c| c[1].4[1] = 10, "row 2: expected each gene once in a cell, got token 10 twice");
    write_small(here, &small());
    let few = grn(here, &[&EXTRACT[..], &["-o", "few"]].concat());
    let said = transcript(here, &few);
    assert!(said.contains("expected a drug, dose and cell line with 10 cells"), "{said}");
    t(&|c| c.retain(|c| c.0 != "DMSO_TF"), "expected a drug with `DMSO` in its name as control, got `X`, `Y`");
    t(&|c| c.retain(|c| c.0 != "X"), "expected a drug with a target in the gene table such as `X`");
    write_small(here, &small());
    std::fs::write(here.join("cells.parquet"), "PAR1").unwrap();
    let said =
        transcript(here, &grn(here, &[&EXTRACT[..], &["--min-cells", "1", "-o", "out", "--overwrite"]].concat()));
    assert!(said.contains("expected an intact Parquet file"), "{said}");
}

/// Cells of drugs over the genes of the simulated knockdowns: an inhibitor of G3 raises G4 and G5, an activator of G7
/// lowers G8 and G9; neither changes the expression of its target.
fn drug_cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (drug, sample, risen, fallen) in
        [("DMSO_TF", "s0", 99, 99), ("Inhib", "s1", 4, 99), ("Activ", "s2", 99, 8), ("Other", "s3", 20, 99)]
    {
        for cell in 0..60u64 {
            let mean = |gene: usize| match gene {
                g if g == risen || g == risen + 1 => 12.0,
                g if g == fallen || g == fallen + 1 => 1.5,
                _ => 5.0,
            };
            let key = cells.len() as u64 + cell;
            let count = |gene: usize| Rng::keyed(3, "drugs", key, gene as u64).poisson(mean(gene)) as f32;
            let counts: Vec<(i64, f32)> = (0..40).map(|g| (g as i64 + 3, count(g))).filter(|c| c.1 > 0.0).collect();
            let tokens = std::iter::once(1).chain(counts.iter().map(|c| c.0)).collect();
            let counts = std::iter::once(-2.0).chain(counts.iter().map(|c| c.1)).collect();
            cells.push(Cell(drug, sample, "CVCL_1", "plate1", tokens, counts));
        }
    }
    cells
}

fn fitted(here: &Path) {
    Screen::usual().write(&here.join("screen.h5ad"));
    write_chain(&here.join("prior.tsv"), 40);
    ok(here, &["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "graph-kernel", "--outdir", "run"]);
    write_cells(&here.join("drugs.parquet"), &drug_cells());
    let genes: String = (0..40).map(|g| format!("G{g}\t{}\n", g + 3)).collect();
    std::fs::write(here.join("genes.tsv"), format!("gene_symbol\ttoken_id\n{genes}")).unwrap();
    let targets = "drug\tgene\taction\tclass\nInhib\tG3\tinhibitor\tchain\nActiv\tG7\tagonist\tchain\nActiv\tNS5B\tagonist\t\n\
                   Other\tG0\t\t\nOther\tG39\t\t\nAbsent\tG1\t\t\n";
    std::fs::write(here.join("targets.tsv"), targets).unwrap();
    let extract = ["data", "drugs", "drugs.parquet", "--drug-targets", "targets.tsv", "--gene-metadata", "genes.tsv"];
    ok(here, &[&extract[..], &["-o", "drugs"]].concat());
}

fn row<'a>(rows: &'a Value, level: &str, name: &str, scorer: &str) -> &'a Value {
    let fits = |r: &&Value| r["level"] == level && r["name"] == name && r["scorer"] == scorer;
    rows.as_array().unwrap().iter().find(fits).unwrap()
}

#[test]
fn targets_of_drugs_are_looked_up_in_the_ranking() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    fitted(here);
    let rank = ["rank", "--run", "run", "--signature", "drugs/signatures.h5ad", "--drug-targets", "targets.tsv"];
    // Twelve knockdowns are too few to learn how to join scorers; this one compares with the measured knockdowns.
    let answer = json(here, &[&rank[..], &["--method", "retrieval", "-o", "ranking.tsv", "--json"]].concat());
    let rows = &answer["drugs"]["rows"];
    let modes: Vec<(&str, &str)> = answer["rankings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["query"].as_str().unwrap().split(" | ").next().unwrap(), r["mode"].as_str().unwrap()))
        .collect();
    assert_eq!(modes, [("Activ", "activation"), ("Inhib", "inhibition"), ("Other", "any")]);
    let number = |r: &Value, name: &str| r["metrics"][name].as_f64().unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    for (drug, gene) in [("Inhib", "G3"), ("Activ", "G7")] {
        let query = row(rows, "query", &format!("{drug} | s{} | CVCL_1", if drug == "Inhib" { 1 } else { 2 }), "score");
        assert_eq!(query["target_ranks"][gene], 1.0, "{query:#}");
        close(number(query, "mrr"), 1.0);
    }
    // One target among 40 genes in random order: the mean of 1 / rank, and 10 of 40.
    let harmonic: f64 = (1..=40).map(|k| 1.0 / f64::from(k)).sum();
    let random = row(rows, "drug", "Inhib", "random");
    close(number(random, "mrr"), harmonic / 40.0);
    close(number(random, "recall@10"), 0.25);
    close(number(random, "recall@100"), 1.0);
    // 38 genes of a chain have two edges, its ends one.
    let degree = row(rows, "query", "Other | s3 | CVCL_1", "degree");
    assert_eq!(degree["target_ranks"], serde_json::json!({ "G0": 39.5, "G39": 39.5 }));
    close(number(degree, "recall@40"), 1.0);
    close(number(degree, "exact_hit@20"), 0.0);
    // The table of the ranking and the metrics agree, and every drug counts once.
    let table = std::fs::read_to_string(here.join("ranking.tsv")).unwrap();
    let listed = |query: &str, gene: &str, column: usize| -> f64 {
        let line = table.lines().find(|l| l.starts_with(query) && l.split('\t').nth(2) == Some(gene)).unwrap();
        line.split('\t').nth(column).unwrap().parse().unwrap()
    };
    let other = row(rows, "query", "Other | s3 | CVCL_1", "score");
    close(other["target_ranks"]["G0"].as_f64().unwrap(), listed("Other", "G0", 1));
    let own = |gene: &str| listed("Inhib", gene, 7).abs();
    let above = (0..40).filter(|g| own(&format!("G{g}")) > own("G3")).count();
    let shift = row(rows, "query", "Inhib | s1 | CVCL_1", "deg-top");
    close(shift["target_ranks"]["G3"].as_f64().unwrap(), above as f64 + 1.0);
    let all = row(rows, "all", "all", "score");
    assert_eq!([&all["n_drugs"], &all["n_queries"], &all["n_targets"], &all["n_candidates"]], [3, 3, 4, 40]);
    let drugs = ["Inhib", "Activ", "Other"].map(|d| number(row(rows, "drug", d, "score"), "ndcg@10"));
    close(number(all, "ndcg@10"), drugs.iter().sum::<f64>() / 3.0);
    assert_eq!(row(rows, "class", "chain", "score")["n_drugs"], 2);
    let notices = answer["drugs"]["notices"].to_string();
    assert!(notices.contains("1 targets of drugs are no genes of the run and left out: `NS5B`"), "{notices}");
    let written = std::fs::read_to_string(here.join("ranking.drugs.tsv")).unwrap();
    let levels = |level: &str| written.lines().filter(|l| l.starts_with(level)).count();
    assert_eq!(["query\t", "drug\t", "class\t", "all\t"].map(levels), [12, 12, 8, 4], "{written}");
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    fitted(here);
    let rank = ["rank", "--run", "run", "--signature", "drugs/signatures.h5ad", "--drug-targets"];
    let t = |targets: &str, more: &[&str], expected: &str| {
        std::fs::write(here.join("t.tsv"), targets).unwrap();
        let output = grn(here, &[&rank[..], &["t.tsv", "--no-calibration"], more].concat());
        let said = transcript(here, &output);
        assert!(said.contains(expected), "{expected}\n{said}");
    };
    let inhib = "drug\tgene\nInhib\tG3\n";
    t(inhib, &["--own", "used"], "expected `excluded`, got `used`");
    t("drug\tgene\nElse\tG3\n", &[], "no query is of a drug with a known target");
    t("drug\tgene\nInhib\tNS5B\n", &[], "no target of the drugs is a gene of the run");
    t(inhib, &[], "2 queries are no drugs of the table: ranked, without metrics");
    t(inhib, &["--mode", "knockdown"], "mode knockdown, own reading excluded");
    t(inhib, &["--pert-col", "drug"], "targets of 1 drugs (1 queries): 1 of 1 targets are among the 40 candidates");
}
