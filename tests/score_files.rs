//! `grn score prep`, `scale` and `baseline`, and challenge files, as a user sees them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assert_cmd::Command;
use grn::data::{Csr, GeneIndex, Scale};
use grn::io::{AnnData, Column, Matrix, ScreenOptions, open_cells, open_screen, write_h5ad};
use serde_json::Value;

const GENES: [&str; 4] = ["STAT1", "JAK2", "MYC", "ACTB"];

/// Six cells: two controls, two of each perturbation.
fn write_cells(path: &Path, values: [[f32; 4]; 6]) {
    let labels = ["ctrl", "STAT1", "MYC", "ctrl", "STAT1", "MYC"].map(String::from);
    let mut x = Csr::empty(4);
    values.iter().for_each(|row| x.push_row((0..4).zip(row.iter().copied()).filter(|(_, v)| *v != 0.0)));
    let file = AnnData {
        obs_names: (0..6).map(|i| format!("cell{i}")).collect(),
        obs: vec![
            ("guide".into(), Column::Strings((0..6).map(|i| format!("g{i}")).collect())),
            ("condition".into(), Column::Categories(labels.to_vec())),
            ("line".into(), Column::Categories(["K562", "H1"].map(String::from).into_iter().cycle().take(6).collect())),
        ],
        genes: Arc::new(GeneIndex::new(GENES).unwrap()),
        var: Vec::new(),
        x: Matrix::Sparse(&x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(path, &file).unwrap();
}

const LOG1P: [[f32; 4]; 6] = [
    [0.5, 0.0, 1.5, 2.0],
    [0.0, 0.25, 1.0, 2.5],
    [0.5, 0.5, 0.0, 2.0],
    [1.5, 0.0, 0.5, 3.0],
    [0.0, 0.75, 2.0, 0.5],
    [0.5, 1.5, 0.0, 4.0],
];

fn grn(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut out = Command::cargo_bin("grn").unwrap();
    let out = out.current_dir(dir).args(args).env("HDF5_USE_FILE_LOCKING", "FALSE").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

fn done(dir: &Path, args: &[&str]) -> Value {
    let (code, out, err) = grn(dir, args);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// Dense values of the cells of a file, whatever its scale.
fn values(path: &Path) -> Vec<Vec<f32>> {
    let x = open_cells(path, None).unwrap().read(Scale::Log1p).unwrap().x;
    let dense = |i: usize| {
        let mut row = vec![0.0; x.n_cols()];
        x.row(i).0.iter().zip(x.row(i).1).for_each(|(&j, &v)| row[j as usize] = v);
        row
    };
    (0..x.n_rows()).map(dense).collect()
}

fn labels(path: &Path, column: &str) -> Vec<String> {
    open_screen(path, &ScreenOptions::default()).unwrap().column(column).unwrap()
}

fn golden(path: &str) -> Option<PathBuf> {
    let path = Path::new("../shared/data/golden_scoring").join(path);
    if path.exists() {
        return Some(path.canonicalize().unwrap());
    }
    println!("skipped: {} is absent", path.display());
    None
}

#[test]
fn a_prepared_file_holds_the_cells_and_is_read_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let vcc = dir.path().join("p.vcc");
    write_cells(&dir.path().join("p.h5ad"), LOG1P);
    let prep = ["score", "prep", "p.h5ad", "--expected-genes", "4", "--celltype-col", "line", "-o", "p.vcc", "--json"];
    let result = done(dir.path(), &prep);
    assert_eq!((&result["cells"], &result["genes"], &result["scale"]), (&6.into(), &4.into(), &"log1p".into()));
    assert_eq!(values(&vcc), LOG1P.map(Vec::from));
    assert_eq!(labels(&vcc, "target_gene"), ["ctrl", "STAT1", "MYC", "ctrl", "STAT1", "MYC"]);
    assert_eq!(labels(&vcc, "celltype"), ["K562", "H1", "K562", "H1", "K562", "H1"]);
    let file = open_cells(&vcc, None).unwrap();
    assert_eq!((file.columns(), file.format), (&["target_gene", "celltype"].map(String::from)[..], "challenge file"));
    let scores = done(dir.path(), &["score", "--pred", "p.vcc", "--real", "p.h5ad", "--json"]);
    let mae = scores["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "mae").unwrap();
    assert_eq!(mae["mean"], 0.0);
    // A second time is refused, unless asked for.
    assert_eq!(grn(dir.path(), &prep).0, 2);
    assert_eq!(grn(dir.path(), &[&prep[..], &["--overwrite"]].concat()).0, 0);
}

#[test]
fn genes_take_the_order_of_the_list() {
    let dir = tempfile::tempdir().unwrap();
    write_cells(&dir.path().join("p.h5ad"), LOG1P);
    std::fs::write(dir.path().join("genes.csv"), "MYC,x\nACTB,y\nSTAT1,z\nJAK2,\n").unwrap();
    let (code, _, err) =
        grn(dir.path(), &["score", "prep", "p.h5ad", "--genes", "genes.csv", "--encoding", "64", "-o", "p.vcc"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("genes are put in the order of") && err.contains("lists 4 genes, not 18080"), "{err}");
    let vcc = dir.path().join("p.vcc");
    assert_eq!(open_cells(&vcc, None).unwrap().genes.names()[0].as_ref(), "MYC");
    assert_eq!(values(&vcc), LOG1P.map(|[a, b, c, d]| vec![c, d, a, b]));
}

#[test]
fn counts_are_scaled_to_the_median_total() {
    let dir = tempfile::tempdir().unwrap();
    // Totals 4, 8, 0, 2, 4, 16: the median of those above zero is 4.
    let counts = [
        [1.0, 0.0, 3.0, 0.0],
        [8.0, 0.0, 0.0, 0.0],
        [0.0; 4],
        [0.0, 2.0, 0.0, 0.0],
        [2.0, 0.0, 0.0, 2.0],
        [0.0, 12.0, 4.0, 0.0],
    ];
    write_cells(&dir.path().join("p.h5ad"), counts);
    let result = done(dir.path(), &["score", "prep", "p.h5ad", "--expected-genes", "-1", "-o", "p.vcc", "--json"]);
    assert_eq!(result["scale"], "counts");
    let scaled = counts.map(|row| {
        let total: f32 = row.iter().sum();
        row.map(|v| if total > 0.0 { (f64::from(v) * 4.0 / f64::from(total)).ln_1p() as f32 } else { 0.0 }).to_vec()
    });
    assert_eq!(values(&dir.path().join("p.vcc")), scaled);
}

#[test]
fn what_the_challenge_refuses_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_cells(&dir.path().join("p.h5ad"), LOG1P);
    std::fs::write(dir.path().join("genes.csv"), "STAT1\nJAK2\nMYC\nTP53\n").unwrap();
    let t = |more: &[&str], expected: &str| {
        let args = [&["score", "prep", "p.h5ad", "-o", "p.vcc"], more].concat();
        let (code, _, err) = grn(dir.path(), &args);
        assert!(code == 2 && err.contains(expected), "{err}");
        assert!(!dir.path().join("p.vcc").exists());
    };
    let any = ["--expected-genes", "-1"];
    t(&[], "expected 18080, got 4");
    t(&["--genes", "genes.csv"], "1 missing (`TP53`) and 1 others (`ACTB`)");
    t(&[&any[..], &["--max-cells", "5"]].concat(), "expected at most 5, got 6");
    t(&[&any[..], &["--control-pert", "NT"]].concat(), "expected the control label `NT`");
    t(&[&any[..], &["--pert-col", "guide"]].concat(), "no control");
    t(&[&any[..], &["--encoding", "16"]].concat(), "possible values: 32, 64");
    let with = |value: f32| {
        let mut values = LOG1P;
        values[4][2] = value;
        write_cells(&dir.path().join("p.h5ad"), values);
    };
    with(15.0);
    t(&any, "whole counts, or log1p values below 15");
    with(-0.5);
    t(&any, "-0.5");
    with(f32::NAN);
    t(&any, "NaN");
}

#[test]
fn a_damaged_challenge_file_is_an_error_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    write_cells(&dir.path().join("p.h5ad"), LOG1P);
    done(dir.path(), &["score", "prep", "p.h5ad", "--expected-genes", "-1", "-o", "p.vcc", "--json"]);
    let bytes = std::fs::read(dir.path().join("p.vcc")).unwrap();
    std::fs::write(dir.path().join("cut.vcc"), &bytes[..1000]).unwrap();
    let (code, _, err) = grn(dir.path(), &["data", "check", "cut.vcc"]);
    assert!(code == 2 && err.contains("complete Zstandard stream") && err.contains("grn score prep"), "{err}");
}

#[test]
fn the_prepared_file_of_cell_eval_has_the_same_content() {
    let files = ["edge/pred.h5ad", "expected-v082/prep/edge.prep.vcc"].map(golden);
    let [Some(pred), Some(expected)] = files else { return };
    let dir = tempfile::tempdir().unwrap();
    let pred = pred.to_str().unwrap();
    done(dir.path(), &["score", "prep", pred, "--expected-genes", "-1", "-o", "p.vcc", "--json"]);
    let ours = dir.path().join("p.vcc");
    assert_eq!(open_cells(&ours, None).unwrap().genes, open_cells(&expected, None).unwrap().genes);
    assert_eq!(open_cells(&ours, None).unwrap().columns(), open_cells(&expected, None).unwrap().columns());
    assert_eq!(labels(&ours, "target_gene"), labels(&expected, "target_gene"));
    assert_eq!(values(&ours), values(&expected));
}

#[test]
fn scores_are_scaled_as_cell_eval_does() {
    for name in ["vcc", "full"] {
        let case = if name == "vcc" { "main_vcc" } else { "main" };
        let files = [
            format!("expected-v082/{case}/agg_results.csv"),
            format!("expected-v082/baseline/{name}_agg_results.csv"),
            format!("expected-v082/score/{name}_score.csv"),
        ];
        let [Some(user), Some(base), Some(expected)] = files.map(|f| golden(&f)) else { return };
        let dir = tempfile::tempdir().unwrap();
        let args = ["score", "scale", user.to_str().unwrap(), base.to_str().unwrap(), "-o", "s.csv"];
        let (code, _, err) = grn(dir.path(), &args);
        assert_eq!(code, 0, "{err}");
        let read = |path: &Path| -> Vec<(String, f64)> {
            let rows = csv::Reader::from_path(path).unwrap().into_deserialize().collect::<Result<_, _>>();
            rows.unwrap()
        };
        let (ours, expected) = (read(&dir.path().join("s.csv")), read(&expected));
        assert_eq!(ours.len(), expected.len());
        for ((name, got), (wanted_name, wanted)) in ours.iter().zip(&expected) {
            assert!(
                name == wanted_name && (got - wanted).abs() < 1e-15,
                "{name} {got}, expected {wanted_name} {wanted}"
            );
        }
    }
}

#[test]
fn scaled_scores_match_metrics_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("u.csv", "statistic,mae,pr_auc\nmean,0.1,0.75\n");
    write("b.csv", "statistic,pr_auc,mae\nmean,0.5,0.2\n");
    let (code, out, err) = grn(dir.path(), &["score", "scale", "u.csv", "b.csv"]);
    assert_eq!((code, out.as_str()), (0, "metric,from_baseline\nmae,0.5\npr_auc,0.5\navg_score,0.5\n"));
    assert!(err.contains("matched by name"), "{err}");
    assert_eq!(done(dir.path(), &["score", "scale", "u.csv", "b.csv", "--json"])["avg_score"], 0.5);
    write("b.csv", "statistic,pr_auc\nmean,0.5\n");
    let (code, _, err) = grn(dir.path(), &["score", "scale", "u.csv", "b.csv"]);
    assert!(code == 2 && err.contains("only in the first: `mae`") && err.contains("hint:"), "{err}");
}

#[test]
fn the_baseline_gives_every_perturbation_the_mean_of_all_means() {
    let dir = tempfile::tempdir().unwrap();
    write_cells(&dir.path().join("r.h5ad"), LOG1P);
    let result = done(dir.path(), &["score", "baseline", "r.h5ad", "-o", "b.h5ad", "--json"]);
    assert_eq!((&result["cells"], &result["controls"]), (&4.into(), &2.into()));
    // Means: ctrl (1, 0, 1, 2.5), STAT1 (0, 0.5, 1.5, 1.5), MYC (0.5, 1, 0, 3).
    let profile = [0.5, 0.5, 2.5 / 3.0, 7.0 / 3.0].map(|v: f64| v as f32).to_vec();
    let alike = |profile: &Vec<f32>, n: usize| vec![profile.clone(); n];
    let real = [0, 3].map(|i| LOG1P[i].to_vec());
    let b = dir.path().join("b.h5ad");
    assert_eq!(values(&b), [alike(&profile, 4), real.to_vec()].concat());
    assert_eq!(labels(&b, "condition"), ["STAT1", "STAT1", "MYC", "MYC", "ctrl", "ctrl"]);
    // As many cells as stated; the control's number is that of the file.
    std::fs::write(dir.path().join("n.csv"), "condition,n_cells\nMYC,3\nctrl,9\nNEW,1\n").unwrap();
    let args = ["score", "baseline", "r.h5ad", "--counts", "n.csv", "-o", "n.h5ad"];
    let (code, _, err) = grn(dir.path(), &args);
    assert!(code == 0 && err.contains("1 labels of the counts are not in the file: `NEW`"), "{err}");
    assert_eq!(labels(&dir.path().join("n.h5ad"), "condition"), ["MYC", "MYC", "MYC", "NEW", "ctrl", "ctrl"]);
}

#[test]
fn the_baseline_of_changes_holds_the_mean_change() {
    let dir = tempfile::tempdir().unwrap();
    // Knockdowns that only raise genes, so that the changes can be read as expression.
    let mut cells = LOG1P;
    cells[0] = [0.25; 4];
    cells[3] = [0.25; 4];
    for i in [1, 2, 4, 5] {
        cells[i] = [0.5, 0.25, 1.25, 0.75];
    }
    write_cells(&dir.path().join("r.h5ad"), cells);
    done(dir.path(), &["score", "baseline", "r.h5ad", "--as-delta", "-o", "d.h5ad", "--json"]);
    let d = values(&dir.path().join("d.h5ad"));
    assert_eq!((d[0].clone(), d[4].clone()), (vec![0.25, 0.0, 1.0, 0.5], vec![0.25; 4]));
}

#[test]
fn the_baseline_profile_is_that_of_cell_eval() {
    let files = ["main/real.h5ad", "expected-v082/baseline/baseline_profile.csv"].map(golden);
    let [Some(real), Some(profile)] = files else { return };
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), &["score", "baseline", real.to_str().unwrap(), "-o", "b.h5ad", "--json"]);
    let ours = values(&dir.path().join("b.h5ad"));
    let profile: Vec<f32> = std::fs::read_to_string(profile).unwrap().lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!((ours.len(), ours[0].len()), (1000, profile.len()));
    for (gene, (got, wanted)) in ours[799].iter().zip(&profile).enumerate() {
        assert!((got - wanted).abs() <= 1e-6 * wanted.abs(), "gene {gene}: {got}, expected {wanted}");
    }
}
