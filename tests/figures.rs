//! `grn plot` as users see it: figures of a simulated screen, of its differential expression, and what is refused.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;

fn grn(dir: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("grn").unwrap().current_dir(dir).args(args).assert()
}

const SMALL: [&str; 9] = [
    "simulate",
    "--genes=400",
    "--perturbations=3",
    "--cells-per-perturbation=40",
    "--controls=80",
    "--depth=4000",
    "--seed=2",
    "-o",
    "s.h5ad",
];

#[test]
fn a_screen_and_its_differential_expression_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &SMALL).success();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();

    grn(dir.path(), &["plot", "screen", "s.h5ad", "--deg-range", "5,50", "-o", "screen.svg"]).success();
    let svg = read("screen.svg");
    for part in
        ["Counting noise", "negative binomial", "Degrees", "Knockdown efficiency", "Genes that change", "5 to 50"]
    {
        assert!(svg.contains(part), "{part}");
    }
    grn(dir.path(), &["plot", "screen", "s.h5ad", "--deg-range", "5,50", "-o", "again.svg"]).success();
    assert_eq!(svg, read("again.svg"));

    grn(dir.path(), &["de", "s.h5ad", "-o", "de.csv"]).success();
    let target = read("de.csv").lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    grn(dir.path(), &["plot", "volcano", "de.csv", "--pert", &target, "-o", "v.png"]).success();
    assert_eq!(&std::fs::read(dir.path().join("v.png")).unwrap()[1..4], b"PNG");

    let refused = grn(dir.path(), &["plot", "volcano", "de.csv", "--pert", "NOBODY", "-o", "v.svg"]).code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("NOBODY"));
    grn(dir.path(), &["plot", "screen", "s.h5ad", "-o", "screen.gif"]).code(2);

    // Without the truth, and without counts, what is left is drawn.
    std::fs::rename(dir.path().join("s.truth"), dir.path().join("elsewhere")).unwrap();
    grn(dir.path(), &["plot", "screen", "s.h5ad", "-o", "plain.svg"]).success();
    assert!(!read("plain.svg").contains("Degrees"));
}

/// Columns of a small table as the commands write them.
fn table(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn calibration_is_drawn_from_the_tables_of_cross_validations() {
    let dir = tempfile::tempdir().unwrap();
    let coverage = "model\ttarget_gene\tlevel\tinside\n\
                    grn\tA\t0.5\t0.4\ngrn\tB\t0.5\t0.6\ngrn\tA\t0.9\t0.8\ngrn\tB\t0.9\t1.0\n";
    table(dir.path(), "cv/coverage.tsv", coverage);
    let firsts = (0..20).map(|i| format!("genome\texcluded\tQ{i}\t{:.2}\t{}\t0.1\n", f64::from(i) / 20.0, i % 2));
    let firsts = "candidates\town\tquery\tprobability\tright\tnone\n".to_owned() + &firsts.collect::<String>();
    table(dir.path(), "ranks/firsts.tsv", &firsts);
    let both = ["plot", "calibration", "--cv", "cv", "--rank-cv", "ranks", "-o", "c.svg", "--json"];
    let out = grn(dir.path(), &both).success().get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    // (0.4 + 0.6) / 2 and (0.8 + 1.0) / 2; 20 queries make two groups of ten, half of each right.
    let alt = json["alt"].as_str().unwrap();
    for part in ["50.0 % at level 0.5", "90.0 % at level 0.9", "0.50 right of 10"] {
        assert!(alt.contains(part), "{part}: {alt}");
    }
    let refused = |args: &[&str], part: &str| {
        let out = grn(dir.path(), args).code(2);
        let text = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
        assert!(text.contains(part) && text.contains("hint:") || part == "excluded", "{text}");
    };
    refused(&["plot", "calibration", "--rank-cv", "ranks", "--own", "guessed", "-o", "c.svg"], "excluded");
    refused(&["plot", "calibration", "--cv", "nowhere", "-o", "c.svg"], "grn cv --calibrate");
    refused(&["plot", "calibration", "--rank-cv", "nowhere", "-o", "c.svg"], "grn rank-cv");
    refused(&["plot", "ranking", "--ranking", "nowhere.tsv", "-o", "c.svg"], "grn rank --signature");
    refused(&["plot", "discrimination", "--cv", "nowhere", "-o", "c.svg"], "grn cv");
    refused(&["plot", "degs", "--cv", "nowhere", "-o", "c.svg"], "grn cv");
}

#[test]
fn a_ranking_is_drawn_with_its_steps_and_ways() {
    let dir = tempfile::tempdir().unwrap();
    let gene = |rank: usize, name: &str, a: f64, b: f64| {
        serde_json::json!({
            "rank": rank, "gene": name, "score": a + b, "probability": 0.5, "direction": 1, "seen": true,
            "steps": { "likelihood": a, "walk": b },
            "explanation": { "gene": name, "agreement": 0.5, "responders": [{ "gene": "C", "path": format!("{name} -| C") }] },
        })
    };
    let why = serde_json::json!({
        "calibrated": true,
        "rankings": [{
            "query": "B", "mode": "knockdown", "n_candidates": 9, "none": 0.1, "scorers": ["likelihood", "walk"],
            "top": [gene(1, "A", 2.0, 1.0), gene(2, "B", 1.0, -0.5)],
        }],
    });
    table(dir.path(), "r.why.json", &why.to_string());
    grn(dir.path(), &["plot", "ranking", "--ranking", "r.tsv", "-o", "r.svg"]).success();
    let svg = std::fs::read_to_string(dir.path().join("r.svg")).unwrap();
    for part in ["1. A", "2. B", "A -| C", "likelihood", "In bold: the known", "10.0 %"] {
        assert!(svg.contains(part), "{part}");
    }
    grn(dir.path(), &["plot", "ranking", "--ranking", "r.tsv", "--query", "Z", "-o", "r.svg"]).code(2);
}
