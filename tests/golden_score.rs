//! Scores and differential expression against cell-eval 0.8.2 / pdex 0.3.0 and cell-eval 0.6.6 / pdex 0.1.26.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod support;

use std::collections::HashMap;
use std::path::Path;

use grn::data::Scale;
use grn::io::{ScreenOptions, read_screen};
use grn::score::{DeTable, LogCells, ScoreOptions, Scorecard, differential_expression, profile, score};
use support::{cells, golden};

/// Columns by name, rows by the first columns joined.
struct Expected {
    columns: Vec<String>,
    rows: HashMap<String, Vec<Option<f64>>>,
}

fn expected(path: &Path, key: usize) -> Expected {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let columns: Vec<String> = reader.headers().unwrap().iter().skip(key).map(str::to_owned).collect();
    let number = |x: &str| if x.is_empty() { None } else { x.parse().ok() };
    let row = |r: csv::StringRecord| {
        (r.iter().take(key).collect::<Vec<_>>().join("/"), r.iter().skip(key).map(number).collect())
    };
    Expected { columns, rows: reader.records().map(|r| row(r.unwrap())).collect() }
}

fn close(got: f64, wanted: f64, relative: f64) -> bool {
    got == wanted || (got.is_nan() && wanted.is_nan()) || (got - wanted).abs() <= relative * wanted.abs().max(1e-300)
}

fn check_de(table: &DeTable, path: &Path) {
    let wanted = expected(path, 2);
    assert_eq!(wanted.rows.len(), table.labels.len() * table.genes.len());
    let at = |name: &str| wanted.columns.iter().position(|c| c == name).unwrap();
    for (i, label) in table.labels.iter().enumerate() {
        for (j, gene) in table.genes.names().iter().enumerate() {
            let row = &wanted.rows[&format!("{label}/{gene}")];
            let t = |name: &str, got: f64, relative: f64, absolute: f64| {
                let want = row[at(name)].unwrap();
                let ok = close(got, want, relative) || (got - want).abs() <= absolute;
                assert!(ok, "{label} {gene} {name}: {got}, expected {want}");
            };
            t("p_value", table.p[[i, j]], 1e-9, 0.0);
            t("statistic", table.statistic[[i, j]], 1e-9, 0.0);
            t("fdr", table.fdr[[i, j]], 1e-9, 0.0);
            t("log2_fold_change", table.log2_fold_change[[i, j]], 1e-5, 1e-5);
            t("percent_change", table.row(i, j).percent_change, 1e-5, 1e-5);
            t("target_mean", table.target_mean[[i, j]], 1e-5, 0.0);
            t("ref_mean", table.reference_mean(i, j), 1e-5, 0.0);
        }
    }
}

/// What a case cannot reproduce, and how close the rest must be.
#[derive(Default)]
struct Except {
    /// Labels whose fold changes are rounding noise or tie at the cut: metrics that rank or sign them are not compared.
    fold_changes: &'static [&'static str],
    /// Relative tolerance of the areas under curves, where rounding decides ties of p-values.
    area: Option<f64>,
}

const OF_FOLD_CHANGES: [&str; 5] =
    ["overlap_at", "precision_at", "de_direction_match", "de_spearman_lfc_sig", "pearson_delta"];

impl Except {
    fn tolerance(&self, metric: &str) -> f64 {
        match metric {
            m if m.starts_with("mae") || m.starts_with("mse") || m == "pearson_delta" => 2e-6,
            "pr_auc" | "roc_auc" => self.area.unwrap_or(1e-6),
            "de_spearman_lfc_sig" | "de_spearman_sig" => 1e-6,
            // Distances in single precision there, in double precision here; see `golden_extended`.
            "pearson_edistance" => 2e-5,
            "clustering_agreement" => 1e-9,
            _ => 1e-12,
        }
    }

    fn excuses(&self, metric: &str, place: &str, is_label: bool) -> bool {
        // The direction of a change that is zero but for rounding is noise as well.
        let of_noise = self.fold_changes.contains(&"*") && metric == "discrimination_score_cosine";
        let ranks = of_noise || OF_FOLD_CHANGES.iter().any(|m| metric.starts_with(m));
        ranks
            && (self.fold_changes.contains(&place)
                || self.fold_changes.contains(&"*")
                || (!is_label && !self.fold_changes.is_empty()))
    }
}

fn check_card(card: &Scorecard, folder: &Path, except: &Except) {
    let wanted = expected(&folder.join("results.csv"), 1);
    let aggregate = expected(&folder.join("agg_results.csv"), 1);
    assert_eq!(wanted.rows.len(), card.labels.len());
    let mut wrong = Vec::new();
    for row in &card.rows {
        let name = row.metric.name;
        let column = wanted.columns.iter().position(|c| c == name).unwrap();
        let mut t = |place: &str, is_label: bool, got: Option<f64>, want: Option<f64>| {
            let same = match (got, want) {
                (Some(got), Some(want)) => {
                    // The spread of equal values is rounding noise.
                    let noise = if place == "std" { 1e-7 } else { 1e-12 };
                    close(got, want, except.tolerance(name)) || (got - want).abs() < noise
                }
                (got, want) => got.is_none() && want.is_none(),
            };
            if !same && !except.excuses(name, place, is_label) {
                wrong.push(format!("{name} of {place}: {got:?}, expected {want:?}"));
            }
        };
        for (i, label) in card.labels.iter().enumerate() {
            t(label, true, row.values[i], wanted.rows[label][column]);
        }
        for (statistic, got) in row.summary.rows() {
            t(statistic, false, Some(got), aggregate.rows[statistic][column]);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn case(real: &str, pred: &str, scale: Scale, profile_name: &str, folder: &str, except: &Except) {
    let (Some(real), Some(pred), Some(folder)) = (golden(real), golden(pred), golden(folder)) else { return };
    let card =
        score(&cells(&pred, scale), &cells(&real, scale), profile(profile_name).unwrap(), &ScoreOptions::default())
            .unwrap();
    check_card(&card, &folder, except);
}

#[test]
fn differential_expression_is_that_of_pdex() {
    for name in ["main", "edge"] {
        for side in ["real", "pred"] {
            let (Some(input), Some(table)) =
                (golden(&format!("{name}/{side}.h5ad")), golden(&format!("expected-v082/{name}/{side}_de.csv")))
            else {
                return;
            };
            let options = profile("cell-eval").unwrap().de;
            check_de(&differential_expression(&cells(&input, Scale::Log1p), &options).unwrap(), &table);
        }
    }
}

#[test]
fn a_normal_prediction_scores_as_in_cell_eval() {
    case("main/real.h5ad", "main/pred.h5ad", Scale::Log1p, "cell-eval", "expected-v082/main", &Except::default());
}

#[test]
fn a_weak_prediction_scores_as_in_cell_eval() {
    case("main/real.h5ad", "weak/pred.h5ad", Scale::Log1p, "cell-eval", "expected-v082/weak", &Except::default());
}

#[test]
fn other_controls_score_as_in_cell_eval() {
    case(
        "main/real.h5ad",
        "ctrl_diff/pred.h5ad",
        Scale::Log1p,
        "cell-eval",
        "expected-v082/ctrl_diff",
        &Except::default(),
    );
}

#[test]
fn counts_score_as_in_cell_eval() {
    let (real, pred) = ("main/real_counts.h5ad", "main/pred_counts.h5ad");
    case(
        real,
        pred,
        Scale::Counts,
        "cell-eval",
        "expected-v082/main_counts",
        &Except { area: Some(2e-4), ..Except::default() },
    );
}

#[test]
fn labels_without_significant_genes_score_as_in_cell_eval() {
    // The predicted cells of CTRL_MEAN are the control mean.
    let except = Except { fold_changes: &["CTRL_MEAN"], ..Except::default() };
    case("edge0/real.h5ad", "edge0/pred.h5ad", Scale::Log1p, "cell-eval", "expected-v082/edge0", &except);
}

#[test]
fn edge_cases_score_as_in_cell_eval() {
    // ZERO_REAL_SIG_PRED has two real significant genes and predicted ones that tie with them at an infinite fold change.
    let except = Except { fold_changes: &["CTRL_MEAN", "ZERO_REAL_SIG_PRED"], ..Except::default() };
    case("edge/real.h5ad", "edge/pred.h5ad", Scale::Log1p, "cell-eval", "expected-v082/edge", &except);
}

#[test]
fn dense_identical_and_constant_predictions_score_as_in_cell_eval() {
    let t = |pred: &str, folder: &str, except: &Except| {
        case("main/real.h5ad", pred, Scale::Log1p, "cell-eval", &format!("expected-v082/{folder}"), except);
    };
    t("main/pred_dense.h5ad", "main_dense_pred", &Except::default());
    t("main/real.h5ad", "identical", &Except::default());
    t("pert_mean/pred.h5ad", "pert_mean", &Except::default());
    // Every predicted change is zero: what it correlates with and how it ranks is rounding noise.
    t("ctrl_mean/pred.h5ad", "ctrl_mean", &Except { fold_changes: &["*"], ..Except::default() });
}

#[test]
fn the_subset_of_the_challenge_scores_as_in_cell_eval() {
    let (real, pred, folder) = ("main/real.h5ad", "main/pred.h5ad", "expected-v082/main_vcc");
    case(real, pred, Scale::Log1p, "cell-eval-vcc", folder, &Except::default());
}

#[test]
fn counts_taken_as_they_are_score_as_in_cell_eval() {
    let files = ["main/real_counts.h5ad", "main/pred_counts.h5ad", "expected-v082/main_counts_allow_discrete"];
    let [Some(real), Some(pred), Some(folder)] = files.map(golden) else { return };
    let options = ScreenOptions { scale: Some(Scale::Counts), ..ScreenOptions::default() };
    let cells = |path: &Path| LogCells::discrete(&read_screen(path, &options).unwrap().0).unwrap();
    let profile = profile("cell-eval").unwrap();
    let card = score(&cells(&pred), &cells(&real), profile, &ScoreOptions::default()).unwrap();
    check_card(&card, &folder, &Except::default());
}

#[test]
fn inputs_that_cell_eval_refuses_are_refused_with_a_reason() {
    let t = |pred: &str, real: &str, reasons: &[&str]| {
        let (Some(pred), Some(real)) = (golden(&format!("{pred}/pred.h5ad")), golden(&format!("{real}/real.h5ad")))
        else {
            return;
        };
        let output = assert_cmd::Command::cargo_bin("grn")
            .unwrap()
            .args(["score", "--pred", pred.to_str().unwrap(), "--real", real.to_str().unwrap()])
            .args(["--pert-col", "target_gene", "--control-pert", "non-targeting", "--scale", "log1p"])
            .assert()
            .code(2)
            .get_output()
            .clone();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(reasons.iter().all(|r| text.contains(r)) && output.stdout.is_empty(), "{text}");
    };
    t("nan", "main", &["NaN", "gene `"]);
    t("bad_negative", "edge", &["-0.5", "gene `"]);
    t("bad_max15", "edge", &["15.5", "expected a log1p value from 0 to 15"]);
    t("bad_gene_order", "edge", &["the genes of the predicted and the real cells differ", "at position"]);
    t("bad_missing_pert", "edge", &["the perturbations of the predicted and the real cells differ", "only real: `"]);
    t("bad_no_control", "edge", &["control"]);
    t("bad_gene_count", "edge", &["expected the 200 genes of the real cells, got 199 genes"]);
}

#[test]
fn the_challenge_profile_scores_as_in_2025() {
    case("main/real.h5ad", "main/pred.h5ad", Scale::Log1p, "vcc2025", "expected-v066/main_vcc", &Except::default());
    case("edge/real.h5ad", "edge/pred.h5ad", Scale::Log1p, "vcc2025", "expected-v066/edge", &Except::default());
}

#[test]
fn the_baseline_is_that_of_cell_eval() {
    let (Some(real), Some(folder)) = (golden("main/real.h5ad"), golden("expected-v082/baseline")) else { return };
    let real = cells(&real, Scale::Log1p);
    let card = score(&real, &real, profile("cell-eval").unwrap(), &ScoreOptions::default()).unwrap();
    let wanted = expected(&folder.join("full_agg_results.csv"), 1);
    for row in &card.rows {
        let want = wanted.rows["mean"][wanted.columns.iter().position(|c| c == row.metric.name).unwrap()].unwrap();
        let same = close(row.baseline, want, 1e-6) || (row.baseline - want).abs() < 1e-12;
        assert!(same, "{}: {}, expected {want}", row.metric.name, row.baseline);
    }
}

#[test]
fn scores_relative_to_the_baseline_are_those_of_cell_eval() {
    let files = ["main/real.h5ad", "main/pred.h5ad", "expected-v082/score/full_score.csv"].map(golden);
    let [Some(real), Some(pred), Some(table)] = files else { return };
    let (real, pred) = (cells(&real, Scale::Log1p), cells(&pred, Scale::Log1p));
    let card = score(&pred, &real, profile("cell-eval").unwrap(), &ScoreOptions::default()).unwrap();
    let wanted = expected(&table, 1);
    for row in card.rows.iter().filter(|r| r.relative.is_some()) {
        let (got, want) = (row.relative.unwrap(), wanted.rows[row.metric.name][0].unwrap());
        assert!((got - want).abs() < 1e-6, "{}: {got}, expected {want}", row.metric.name);
    }
}
