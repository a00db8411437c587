//! `grn score`, `grn de` and `grn rank-cv` as a user sees them, on the simulated screen.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;

fn grn(dir: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("grn").unwrap().current_dir(dir).args(args).assert()
}

fn json(assert: assert_cmd::assert::Assert) -> serde_json::Value {
    serde_json::from_slice(&assert.success().get_output().stdout).unwrap()
}

#[test]
fn a_screen_scores_perfectly_against_itself() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["simulate", "-o", "s.h5ad"]).success();
    let card = json(grn(dir.path(), &["score", "--pred", "s.h5ad", "--real", "s.h5ad", "--outdir", "out", "--json"]));
    let mean = |name: &str| {
        let metrics = card["metrics"].as_array().unwrap();
        metrics.iter().find(|m| m["metric"] == name).unwrap()["mean"].as_f64().unwrap()
    };
    assert_eq!((mean("mae"), mean("discrimination_score_cosine")), (0.0, 1.0));
    let results = std::fs::read_to_string(dir.path().join("out/results.csv")).unwrap();
    assert!(results.starts_with("perturbation,overlap_at_N,"));
    assert!(dir.path().join("out/agg_results.csv").exists());
    // A second time into the same folder is refused.
    grn(dir.path(), &["score", "--pred", "s.h5ad", "--real", "s.h5ad", "--outdir", "out"]).code(2);
}

#[test]
fn differential_expression_has_the_columns_of_pdex() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["simulate", "-o", "s.h5ad"]).success();
    grn(dir.path(), &["de", "s.h5ad", "-o", "de.tsv"]).success();
    let table = std::fs::read_to_string(dir.path().join("de.tsv")).unwrap();
    let columns = "target\tfeature\ttarget_mean\tref_mean\ttarget_membership\tref_membership\tlog2_fold_change\t\
                   percent_change\tp_value\tstatistic\tfdr";
    assert_eq!(table.lines().next(), Some(columns));
    assert_eq!(table.lines().nth(1).unwrap().split('\t').count(), 11);
}

#[test]
fn held_out_perturbations_are_ranked_with_controls_beside() {
    let dir = tempfile::tempdir().unwrap();
    let result = json(grn(
        dir.path(),
        &["rank-cv", "--model", "graph-kernel", "--method", "all", "--folds", "3", "--outdir", "out", "--json"],
    ));
    let rows = result["rows"].as_array().unwrap();
    for set in ["closed", "expressed", "genome"] {
        for own in ["excluded", "used"] {
            for scorer in ["score", "wrong-query", "ceiling", "likelihood", "random", "degree", "frequency", "no-query"]
            {
                let found = |r: &&serde_json::Value| r["candidates"] == set && r["own"] == own && r["scorer"] == scorer;
                let row = rows.iter().find(found).unwrap_or_else(|| panic!("{set} {own} {scorer}"));
                assert!(row["n_queries"].as_u64() > Some(0) && row["n_candidates"].as_u64() > Some(1));
            }
        }
    }
    assert!(rows.iter().any(|r| r["candidates"] == "closed" && r["own"] == "global" && r["scorer"] == "score"));
    assert!(rows.iter().any(|r| r["stratum"] == "near") && rows.iter().any(|r| r["stratum"] == "far"));
    let table = std::fs::read_to_string(dir.path().join("out/rank_cv.tsv")).unwrap();
    assert_eq!(table.lines().count(), rows.len() + 1);
    let file = std::fs::File::open(dir.path().join("out/rankings.tsv.gz")).unwrap();
    let lists = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    assert!(lists.starts_with("query\trank\tgene\n") && lists.lines().count() > 1000);
}

#[test]
fn a_signature_is_ranked_by_the_newest_run() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["fit", "--model", "graph-kernel"]).success();
    let run = std::fs::read_dir(dir.path().join("runs")).unwrap().next().unwrap().unwrap().path();
    let responses = run.join("responses.h5ad");
    let args = ["rank", "--signature", responses.to_str().unwrap(), "--candidates", "closed", "-o", "r.tsv", "--json"];
    let result = json(grn(dir.path(), &args));
    let rankings = result["rankings"].as_array().unwrap();
    // Queries the model was trained on are recognised, most of them.
    let right = rankings.iter().filter(|r| r["query"] == r["top"][0]["gene"]).count();
    assert!(4 * right >= 3 * rankings.len(), "{right} of {}", rankings.len());
    let table = std::fs::read_to_string(dir.path().join("r.tsv")).unwrap();
    assert!(table.starts_with("query\trank\tgene\tscore\tprobability\t"));
    grn(dir.path(), &["rank", "--signature", "r.tsv", "--mode", "any", "--own", "used"]).code(2);
}

/// Changes and states of the embedded screen as tables: of two perturbations together, and of one as a goal.
fn write_tables(dir: &Path, run: &Path) {
    let responses = grn::io::read_table(
        &run.join("responses.h5ad"),
        &grn::io::ScreenOptions::default(),
        &grn::data::PseudobulkOptions::default(),
        &mut |_, _| {},
    );
    let responses = grn::data::Responses::from_pseudobulk(&responses.unwrap().table).unwrap();
    let of = |name: &str| {
        let row = responses.perturbations.iter().position(|p| p.to_string() == name).unwrap();
        responses.delta.row(row).to_vec()
    };
    let write = |file: &str, values: &dyn Fn(usize) -> f32| {
        let genes = responses.genes.names().iter().enumerate();
        let rows: String = genes.map(|(g, name)| format!("{name}\t{}\n", values(g))).collect();
        std::fs::write(dir.join(file), format!("gene\tvalue\n{rows}")).unwrap();
    };
    let (one, other) = (of("RCOR1"), of("NANOG"));
    write("both.tsv", &|g| one[g] + other[g]);
    write("now.tsv", &|g| 1.0 + g as f32 / 1e4);
    write("then.tsv", &|g| 1.0 + g as f32 / 1e4 + other[g]);
}

#[test]
fn causes_intervals_and_goals_are_told() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["fit", "--model", "graph-kernel"]).success();
    let run = std::fs::read_dir(dir.path().join("runs")).unwrap().next().unwrap().unwrap().path();
    write_tables(dir.path(), &run);
    let together = ["rank", "--signature", "both.tsv", "--candidates", "closed"];
    let more = ["--causes", "3", "--bootstrap", "40", "--top", "5", "-o", "r.tsv", "--json"];
    let result = json(grn(dir.path(), &[&together[..], &more[..]].concat()));
    let ranking = &result["rankings"][0];
    let causes = &ranking["causes"];
    // Two measured signatures added up: likelier two than one, and one of them among the five likeliest of 40 genes (their
    // partners in complexes, whose responses are alike, may come before them).
    assert!(causes["two"].as_f64() > Some(0.5), "{causes}");
    let first: Vec<&serde_json::Value> =
        causes["genes"].as_array().unwrap().iter().take(5).map(|g| &g["gene"]).collect();
    assert!(first.iter().any(|g| **g == "RCOR1" || **g == "NANOG"), "{causes}");
    let sum: f64 = causes["sets"].as_array().unwrap().iter().map(|s| s["probability"].as_f64().unwrap()).sum();
    assert!(sum + causes["none"].as_f64().unwrap() <= 1.0 + 1e-9);
    for row in ranking["top"].as_array().unwrap() {
        let interval: Vec<f64> = row["rank_interval"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert!(interval[0] >= 1.0 && interval[0] <= interval[1], "{row}");
    }
    let table = std::fs::read_to_string(dir.path().join("r.causes.tsv")).unwrap();
    assert!(table.starts_with("query\tkind\trank\tgenes\t") && table.contains("\tpursuit\t"), "{table}");
    assert_eq!(std::fs::read_to_string(dir.path().join("r.tsv")).unwrap().lines().count(), 6);
    // Without calibration, also where a calibrated ranker was kept, an information criterion weighs the sets.
    let plain = ["rank", "--signature", "both.tsv", "--candidates", "closed", "--causes", "2", "--json"];
    grn(dir.path(), &["rank", "--signature", "both.tsv"]).success();
    let assert = grn(dir.path(), &[&plain[..], &["--no-calibration"]].concat());
    assert!(String::from_utf8_lossy(&assert.get_output().stderr).contains("not calibrated: by request"));
    let causes = &json(assert)["rankings"][0]["causes"];
    let sets = causes["sets"].as_array().unwrap().iter().map(|s| s["probability"].as_f64().unwrap());
    let sum = sets.sum::<f64>() + causes["none"].as_f64().unwrap();
    assert!(sum > 0.5 && sum <= 1.0 + 1e-9, "{causes}");
    let goal = ["rank", "--goal", "then.tsv", "--from", "now.tsv", "--candidates", "closed", "--json"];
    let result = json(grn(dir.path(), &goal));
    assert_eq!(result["rankings"][0]["query"], "now to then");
    let first = result["rankings"][0]["top"].as_array().unwrap().iter().take(3);
    let first = first.into_iter().find(|r| r["gene"] == "NANOG").unwrap_or_else(|| panic!("{result}"));
    // The prediction for NANOG comes from other perturbations: part of the way is left over, not all of it.
    let left = first["left_over"].as_f64().unwrap();
    assert!(left > 0.0 && left < 1.0, "{left}");
    grn(dir.path(), &["rank", "--from", "now.tsv"]).code(2);
    grn(dir.path(), &["rank", "--signature", "both.tsv", "--causes", "1"]).code(2);
}

#[test]
fn limits_decide_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["simulate", "-o", "s.h5ad"]).success();
    let score = |args: &[&str]| {
        let all = ["score", "--pred", "s.h5ad", "--real", "s.h5ad", "--profile", "vcc2025"];
        grn(dir.path(), &[&all[..], args].concat())
    };
    score(&["--fail-under", "overlap_at_N=0.9,mae=0.01"]).code(0);
    let assert = score(&["--only", "mae", "--fail-under", "mae=-0.1"]).code(1);
    assert!(String::from_utf8_lossy(&assert.get_output().stderr).contains("mae is 0.0000, above -0.1"));
    score(&["--only", "mae", "--fail-under", "overlap_at_N=0.9"]).code(2);
    score(&["--skip", "no_such_metric"]).code(2);
    let card = json(score(&["--skip", "mae", "--control", "real", "--outdir", "out", "--json"]));
    assert_eq!(card["metrics"].as_array().unwrap().len(), 2);
    let file = std::fs::read_to_string(dir.path().join("out/scorecard.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap(), card);
}

#[test]
fn own_targets_are_tested_and_the_rest_is_a_reference() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &["simulate", "-o", "s.h5ad"]).success();
    let on_target = json(grn(dir.path(), &["de", "s.h5ad", "--on-target", "-o", "t.csv", "--json"]));
    let n = on_target["n_perturbations"].as_u64().unwrap();
    assert_eq!(on_target["n_tests"].as_u64().unwrap(), n);
    let lines = std::fs::read_to_string(dir.path().join("t.csv")).unwrap();
    assert!(lines.lines().skip(1).all(|l| l.split(',').next() == l.split(',').nth(1)));
    let rest =
        json(grn(dir.path(), &["de", "s.h5ad", "--against", "rest", "--test", "welch", "-o", "r.csv", "--json"]));
    let genes = rest["n_genes"].as_u64().unwrap();
    assert_eq!(rest["n_tests"].as_u64().unwrap(), (n + 1) * genes, "the control is tested as well");
}
