//! What a cross-validation leaves behind.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::table::{Report, ScoredModel};
use super::{BASELINES, curve, pairs, strata};
use crate::cli::error::CliError;
use crate::cli::inputs::Inputs;
use crate::data::{GeneIndex, Split};
use crate::io::{AnnData, Column, IoError, Matrix, write_atomic, write_graph, write_h5ad, write_pseudobulk};
use crate::predict::{Basis, COVERAGE_LEVELS, OutOfFold};
use crate::run::{Manifest, RunDir};
use crate::score::Interval;

/// `<outdir>/<model>/predictions.h5ad`: one row per perturbation, X = out-of-fold change.
pub(super) fn write_predictions(
    outdir: &Path,
    predictions: &OutOfFold,
    labels: &[String],
    genes: &Arc<GeneIndex>,
) -> Result<(), CliError> {
    let folder = outdir.join(&predictions.model);
    std::fs::create_dir_all(&folder).map_err(|e| IoError::write(&folder, e))?;
    let basis = predictions.basis.iter().map(|b| basis(*b).to_owned()).collect();
    let data = AnnData {
        obs_names: labels.to_vec(),
        obs: vec![
            ("target_gene".into(), Column::Strings(labels.to_vec())),
            ("fold".into(), Column::Categories(predictions.fold.clone())),
            ("basis".into(), Column::Categories(basis)),
        ],
        genes: Arc::clone(genes),
        var: Vec::new(),
        x: Matrix::Dense(predictions.delta.view()),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    Ok(write_h5ad(&folder.join("predictions.h5ad"), &data)?)
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Graph => "graph",
        Basis::Fallback => "fallback",
    }
}

/// `cv.tsv` (a row per model and metric), `per_perturbation.tsv` (a row per model and perturbation), `paired.tsv` (a row
/// per pair of models and metric), `strata.tsv` (gains by third), `folds.tsv`, `coverage.tsv` of calibrated models, and `curve.tsv` where
/// there is a curve.
pub(super) fn write_tables(report: &Report, labels: &[String], split: &Split) -> Result<(), CliError> {
    write_text(&report.outdir.join("cv.tsv"), &summary(report))?;
    write_text(&report.outdir.join("per_perturbation.tsv"), &per_perturbation(report, labels))?;
    write_text(&report.outdir.join("paired.tsv"), &pairs::tsv(&report.pairs))?;
    write_text(&report.outdir.join("strata.tsv"), &strata::tsv(&report.strata))?;
    if !report.curve.is_empty() {
        write_text(&report.outdir.join("curve.tsv"), &curve::tsv(&report.curve))?;
    }
    write_coverage(report, labels)?;
    let mut folds = vec!["train"; split.n];
    for fold in &split.folds {
        fold.held_out.iter().for_each(|&row| folds[row] = &fold.name);
    }
    let rows = labels.iter().zip(folds).map(|(label, fold)| format!("{label}\t{fold}\n"));
    write_text(&report.outdir.join("folds.tsv"), &("target_gene\tfold\n".to_owned() + &rows.collect::<String>()))
}

/// `coverage.tsv`: the share of the measured changes of each held-out perturbation within the intervals of each level, a row
/// per model, perturbation and level; not written where no model has intervals.
fn write_coverage(report: &Report, labels: &[String]) -> Result<(), CliError> {
    let mut text = String::new();
    for model in &report.models {
        for (label, coverage) in labels.iter().zip(&model.predictions.coverage) {
            for (level, inside) in COVERAGE_LEVELS.iter().zip(coverage.iter().flatten()) {
                text += &format!("{}\t{label}\t{level}\t{inside:.6}\n", model.name);
            }
        }
    }
    match text.as_str() {
        "" => Ok(()),
        rows => write_text(&report.outdir.join("coverage.tsv"), &format!("model\ttarget_gene\tlevel\tinside\n{rows}")),
    }
}

/// What was measured, and what the cross-validation was: `responses.h5ad`, `graph.tsv.gz` and `cv.json`, so that figures and
/// a report can be made of the folder alone.
pub(super) fn write_about(report: &Report, inputs: &Inputs, record: &Manifest) -> Result<(), CliError> {
    let dir = RunDir::at(&report.outdir);
    write_pseudobulk(&dir.responses(), &inputs.table)?;
    write_graph(&dir.graph(), &inputs.graph)?;
    let about = serde_json::json!({ "manifest": record, "results": report.json() });
    write_text(&report.outdir.join("cv.json"), &format!("{about:#}\n"))
}

fn write_text(path: &Path, text: &str) -> Result<(), CliError> {
    let fill = |w: &mut dyn Write| w.write_all(text.as_bytes()).map_err(|e| IoError::write(path, e));
    Ok(write_atomic(path, fill)?)
}

fn summary(report: &Report) -> String {
    let head = "model\tmetric\tvalue\tlow95\thigh95\tn\tgain_over_mean\tgain_low95\tgain_high95\n";
    let three = |i: Option<Interval>| {
        i.map_or_else(|| "\t\t".into(), |i| format!("{:.6}\t{:.6}\t{:.6}", i.mean, i.low, i.high))
    };
    let row = |(model, row): (&str, &crate::score::CvRow)| {
        let n = row.value.map_or(0, |v| v.n);
        format!("{model}\t{}\t{}\t{n}\t{}\n", row.metric.name(), three(row.value), three(row.gain))
    };
    let rows = report.rows().flat_map(|(name, rows)| rows.iter().map(move |r| (name, r)));
    head.to_owned() + &rows.map(row).collect::<String>()
}

/// Columns of [`per_perturbation`] after the metrics.
const KNOWN: [&str; 6] = ["n_cells", "effect", "n_significant", "degree", "hops", "distance"];

fn per_perturbation(report: &Report, labels: &[String]) -> String {
    let Some(first) = report.models.first() else { return String::new() };
    let metrics = || first.scores.values.iter().map(|(m, _)| m.name());
    let against = |baseline: &'static str| metrics().map(move |m| format!("{m}_minus_{baseline}"));
    let head = ["model", "target_gene", "fold", "basis"].into_iter().chain(metrics()).map(String::from);
    let head = head.chain(BASELINES.into_iter().flat_map(against)).chain(KNOWN.map(String::from));
    let mut lines = vec![head.collect::<Vec<_>>().join("\t")];
    for model in &report.models {
        for (i, label) in labels.iter().enumerate() {
            let (fold, basis) = (model.predictions.fold[i].clone(), basis(model.predictions.basis[i]).to_owned());
            let start = [model.name.clone(), label.clone(), fold, basis].into_iter();
            let line = start.chain(scores(report, model, i)).chain(known(report, model, i));
            lines.push(line.collect::<Vec<_>>().join("\t"));
        }
    }
    lines.join("\n") + "\n"
}

/// The value of each metric, then its differences to the baselines.
fn scores(report: &Report, model: &ScoredModel, row: usize) -> Vec<String> {
    let own = model.scores.values.iter().map(|(_, values)| optional(values[row]));
    let minus = BASELINES.into_iter().flat_map(|baseline| {
        model.scores.values.iter().map(move |(metric, values)| {
            let other = report.scores(baseline).and_then(|b| b.of(*metric)).and_then(|b| b[row]);
            optional(values[row].zip(other).map(|(a, b)| a - b))
        })
    });
    own.chain(minus).collect()
}

/// What is known of the perturbation, in order of [`KNOWN`].
fn known(report: &Report, model: &ScoredModel, row: usize) -> [String; 6] {
    let c = &report.covariates;
    let whole = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.0}"));
    [
        c.n_cells[row].to_string(),
        format!("{:.6}", c.effect[row]),
        c.n_significant.as_ref().map_or_else(String::new, |n| n[row].to_string()),
        whole(c.degree[row]),
        whole(c.hops[row]),
        optional(model.predictions.distance[row].map(f64::from)),
    ]
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| format!("{v:.6}"))
}
