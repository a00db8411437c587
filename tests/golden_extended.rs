//! Metrics beyond differential expression: cell-eval's last two, its profiles, and the metrics of later benchmarks.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod support;

use std::collections::HashMap;
use std::path::Path;

use grn::data::Scale;
use grn::score::{LogCells, ScoreOptions, Scorecard, Units, profile, score};
use serde_json::Value;
use support::{cells, golden};

fn card(pred: &LogCells, real: &LogCells, name: &str, only: &[&str]) -> Scorecard {
    let only = only.iter().map(ToString::to_string).collect();
    score(pred, real, profile(name).unwrap(), &ScoreOptions { only, ..ScoreOptions::default() }).unwrap()
}

/// Header and rows of a table, by perturbation.
fn table(path: &Path) -> (Vec<String>, HashMap<String, HashMap<String, String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row =
        |r: csv::StringRecord| (r[0].to_owned(), header.iter().cloned().zip(r.iter().map(str::to_owned)).collect());
    let rows = reader.records().map(|r| row(r.unwrap())).collect();
    (header, rows)
}

/// The one value of a metric that is the same for all perturbations.
fn one(card: &Scorecard, name: &str) -> f64 {
    let row = card.rows.iter().find(|r| r.metric.name == name).unwrap();
    assert!(row.values.windows(2).all(|w| w[0].unwrap().to_bits() == w[1].unwrap().to_bits()));
    row.values[0].unwrap()
}

/// cell-eval 0.8.2 (scanpy 1.11.5, igraph 1.0.0) on every case that has both columns.
///
/// cell-eval takes distances in single precision: on `weak` it says 0.5348868, the same code on doubles 0.534880175324566.
#[test]
fn cells_and_clusters_agree_as_in_cell_eval() {
    let t = |name: &str, real: &str, pred: &str, scale: Scale| {
        let folder = format!("expected-v082/{name}/results.csv");
        let [Some(real), Some(pred), Some(folder)] = [real, pred, &folder].map(golden) else { return };
        let card = card(
            &cells(&pred, scale),
            &cells(&real, scale),
            "cell-eval",
            &["pearson_edistance", "clustering_agreement"],
        );
        let (_, wanted) = table(&folder);
        for (metric, tolerance) in
            [("pearson_edistance", if name == "weak" { 1e-5 } else { 1e-6 }), ("clustering_agreement", 1e-9)]
        {
            let (got, want) = (one(&card, metric), wanted.values().next().unwrap()[metric].parse::<f64>().unwrap());
            println!("{name} {metric}: {got}, expected {want}");
            let same = (got - want).abs() <= tolerance || (got.is_nan() && want.is_nan());
            assert!(same, "{name} {metric}: {got}, expected {want}");
        }
    };
    let real = "main/real.h5ad";
    t("main", real, "main/pred.h5ad", Scale::Log1p);
    t("main_dense_pred", real, "main/pred_dense.h5ad", Scale::Log1p);
    t("identical", real, real, Scale::Log1p);
    t("weak", real, "weak/pred.h5ad", Scale::Log1p);
    t("ctrl_diff", real, "ctrl_diff/pred.h5ad", Scale::Log1p);
    t("ctrl_mean", real, "ctrl_mean/pred.h5ad", Scale::Log1p);
    t("pert_mean", real, "pert_mean/pred.h5ad", Scale::Log1p);
    t("edge", "edge/real.h5ad", "edge/pred.h5ad", Scale::Log1p);
    t("edge0", "edge0/real.h5ad", "edge0/pred.h5ad", Scale::Log1p);
    t("main_counts", "main/real_counts.h5ad", "main/pred_counts.h5ad", Scale::Counts);
}

#[test]
fn profiles_have_the_columns_of_cell_eval() {
    let t = |name: &str, path: &str| {
        let Some(path) = golden(path) else { return };
        assert_eq!(table(&path).0[1..], *profile(name).unwrap().metrics, "{name}");
    };
    t("cell-eval", "expected-v082/main/results.csv");
    t("full", "expected-v082/main/results.csv");
    t("cell-eval-vcc", "expected-v082/main_vcc/results.csv");
    t("vcc2025", "expected-v066/main_vcc/results.csv");
    t("vcc2025-full", "expected-v066/main/results.csv");
    let of = |name: &str| profile(name).unwrap().metrics;
    assert_eq!([of("cell-eval-de"), of("cell-eval-anndata")].concat(), of("cell-eval"));
    assert_eq!(
        (of("cell-eval-de").last(), of("cell-eval-anndata").first()),
        (Some(&"roc_auc"), Some(&"pearson_delta"))
    );
}

/// cell-eval 0.6.6 with pdex 0.1.26; its means are single precision.
#[test]
fn every_metric_of_2025_is_reproduced() {
    let files = ["main/real.h5ad", "main/pred.h5ad", "expected-v066/main/results.csv"].map(golden);
    let [Some(real), Some(pred), Some(wanted)] = files else { return };
    let card = card(&cells(&pred, Scale::Log1p), &cells(&real, Scale::Log1p), "vcc2025-full", &[]);
    let (_, wanted) = table(&wanted);
    let mut wrong = Vec::new();
    for row in &card.rows {
        for (label, got) in card.labels.iter().zip(&row.values) {
            let want = wanted[label][row.metric.name].parse::<f64>().ok();
            let near = |g: f64, w: f64| (g - w).abs() <= 2e-6 * w.abs().max(1e-3) || (g.is_nan() && w.is_nan());
            if !got.zip(want).map_or(got.is_none() && want.is_none(), |(g, w)| near(g, w)) {
                wrong.push(format!("{} of {label}: {got:?}, expected {want:?}", row.metric.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Our name, and that of the reference.
const EXTRA: [(&str, &str); 17] = [
    ("systema_pearson_delta", "systema_pearson_delta_allpert"),
    ("systema_pearson_delta_top20", "systema_pearson_delta_top20_by_abs_mean_shift"),
    ("systema_centroid_accuracy", "systema_centroid_accuracy"),
    ("weighted_mse", "dbd_wmse"),
    ("weighted_r2_delta", "dbd_r2w_delta_allpert"),
    ("pds_l1_norm_matched", "pds_l1_norm_matched_midrank_nm1"),
    ("pds_l2_norm_matched", "pds_l2_norm_matched_midrank_nm1"),
    ("pds_cosine_mid_rank", "pds_cosine_midrank_nm1"),
    ("perturbench_rmse", "perturbench_rmse"),
    ("perturbench_rank_rmse", "perturbench_rank_rmse_average"),
    ("perturbench_rank_cosine", "perturbench_rank_cosine_delta"),
    ("gears_mse_top20", "mse_top20"),
    ("gears_pearson_delta_top20", "pearson_delta_top20"),
    ("gears_correct_direction_top20", "frac_correct_direction_top20"),
    ("gears_opposite_direction_top20", "frac_opposite_direction_top20"),
    ("edistance", "edistance_pred_vs_real_euclidean"),
    ("mmd_linear", "mmd2_linear_pred_vs_real"),
];

fn extra(case: &str) -> Option<Value> {
    let path = golden(&format!("expected-extra/{case}_extra_metrics.json"))?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn check(card: &Scorecard, name: &str, wanted: &Value, scale: f64) {
    let row = card.rows.iter().find(|r| r.metric.name == name).unwrap();
    for (i, label) in card.labels.iter().enumerate() {
        let (got, want) = (row.values[i].unwrap(), wanted[i].as_f64().unwrap() * scale);
        let close = (got - want).abs() <= 1e-7 * want.abs().max(1.0);
        assert!(close, "{name} of {label}: {got}, expected {want}");
    }
}

/// An independent numpy reference of the published formulas.
#[test]
fn later_benchmarks_agree_with_their_formulas() {
    for case in ["main", "weak"] {
        let files = ["main/real.h5ad".to_owned(), format!("{case}/pred.h5ad")].map(|f| golden(&f));
        let ([Some(real), Some(pred)], Some(wanted)) = (files, extra(case)) else { return };
        let card = card(&cells(&pred, Scale::Log1p), &cells(&real, Scale::Log1p), "extended", &[]);
        for (ours, theirs) in EXTRA {
            check(&card, ours, &wanted[theirs], 1.0);
        }
        let edistance = self::card(
            &cells(&pred, Scale::Log1p),
            &cells(&real, Scale::Log1p),
            "cell-eval-anndata",
            &["pearson_edistance"],
        );
        if case == "weak" {
            assert!((one(&edistance, "pearson_edistance") - 0.534_880_175_324_566).abs() < 1e-11);
        }
        let mean = |name: &str| card.rows.iter().find(|r| r.metric.name == name).unwrap().summary.mean;
        assert!(mean("mmd_rbf") > 0.0 && mean("sinkhorn_divergence") > 0.0);
    }
}

/// The reference takes counts to log1p of 10,000 per cell.
#[test]
fn the_course_profile_agrees_with_its_formulas() {
    for case in ["main", "weak"] {
        let files = ["main/real_counts.h5ad".to_owned(), format!("{case}/pred_counts.h5ad")].map(|f| golden(&f));
        let ([Some(real), Some(pred)], Some(wanted)) = (files, extra(case)) else { return };
        let [real, pred] = [real, pred].map(|f| cells(&f, Scale::Counts).in_units(Units::Log1pOf(1e4)));
        let n = real.labels.len() as f64;
        let course = card(&pred, &real, "course", &[]);
        check(&course, "npds_cosine", &wanted["seed_pds_cosine_rank"], 1.0 / n);
        check(&course, "mae_top_2000", &wanted["seed_mae_top2000"], 1.0);
        let [lower, higher] = grn::score::course::overall_of(&course).unwrap();
        assert!(lower.1 > 0.0 && higher.1 > 0.0 && lower != higher);
    }
}

/// The mean profile is at a distance.
#[test]
fn identical_cells_are_at_distance_zero() {
    let Some(real) = golden("main/real.h5ad") else { return };
    let real = cells(&real, Scale::Log1p);
    let card = card(&real, &real, "extended", &["edistance", "mmd_linear", "mmd_rbf", "sinkhorn_divergence"]);
    for row in &card.rows {
        assert!(row.summary.max < 1e-6, "{}: {}", row.metric.name, row.summary.max);
        assert!(row.baseline > 1e-3, "{}: {}", row.metric.name, row.baseline);
    }
}
