//! What a cross-validation leaves behind.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::table::Report;
use crate::cli::error::CliError;
use crate::data::{GeneIndex, Split};
use crate::io::{AnnData, Column, IoError, Matrix, write_atomic, write_h5ad};
use crate::predict::{Basis, OutOfFold};
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

/// `cv.tsv` (a row per model and metric) and `per_perturbation.tsv` (a row per model and perturbation).
pub(super) fn write_tables(report: &Report, labels: &[String], split: &Split) -> Result<(), CliError> {
    write_text(&report.outdir.join("cv.tsv"), &summary(report))?;
    write_text(&report.outdir.join("per_perturbation.tsv"), &per_perturbation(report, labels))?;
    let mut folds = vec![""; split.n];
    for fold in &split.folds {
        fold.held_out.iter().for_each(|&row| folds[row] = &fold.name);
    }
    let rows = labels.iter().zip(folds).map(|(label, fold)| format!("{label}\t{fold}\n"));
    write_text(&report.outdir.join("folds.tsv"), &("target_gene\tfold\n".to_owned() + &rows.collect::<String>()))
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

fn per_perturbation(report: &Report, labels: &[String]) -> String {
    let Some(first) = report.models.first() else { return String::new() };
    let metrics = first.scores.values.iter().map(|(m, _)| m.name());
    let head: Vec<&str> = ["model", "target_gene", "fold", "basis"].into_iter().chain(metrics).collect();
    let mut lines = vec![head.join("\t")];
    for model in &report.models {
        for (i, label) in labels.iter().enumerate() {
            let values = model.scores.values.iter().map(|(_, v)| v[i].map_or_else(String::new, |v| format!("{v:.6}")));
            let (fold, basis) = (model.predictions.fold[i].clone(), basis(model.predictions.basis[i]).to_owned());
            let line: Vec<String> =
                [model.name.clone(), label.clone(), fold, basis].into_iter().chain(values).collect();
            lines.push(line.join("\t"));
        }
    }
    lines.join("\n") + "\n"
}
