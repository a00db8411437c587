//! Predicted changes as text, JSON and files.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use serde_json::{Value, json};

use super::Predicted;
use super::gi::PairScores;
use crate::cli::error::CliError;
use crate::cli::load::LoadedRun;
use crate::data::Quantity;
use crate::io::{self, AnnData, Column, Matrix, ParquetKind, ParquetValues};
use crate::predict::Basis;

fn basis(predicted: &Predicted) -> &'static str {
    match predicted.basis {
        Basis::Graph => "graph",
        Basis::Fallback => "fallback",
    }
}

pub(super) fn json(run: &LoadedRun, predicted: &[Predicted], interactions: &[PairScores], level: f64) -> Value {
    let one = |p: &Predicted| {
        let of_pair = interactions.iter().filter(|i| i.pair == p.perturbation).map(PairScores::json);
        json!({
            "perturbation": p.perturbation.to_string(),
            "in_graph": p.basis == Basis::Graph,
            "measured_in_training": run.responses.perturbations.contains(&p.perturbation),
            "distance": p.distance,
            "delta": p.delta,
            "sd": p.sd,
            "lower": p.interval.as_ref().map(|i| &i[0]),
            "upper": p.interval.as_ref().map(|i| &i[1]),
            "scale": p.factor,
            "interaction": of_pair.collect::<Vec<Value>>(),
        })
    };
    json!({
        "run": run.dir.path(),
        "model": run.manifest.model,
        "genes": run.genes.names().iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "control": run.responses.control.mean.to_vec(),
        "level": level,
        "coverage_0.9": run.calibration.as_ref().map(crate::predict::Calibration::coverage),
        "predictions": predicted.iter().map(one).collect::<Vec<_>>(),
    })
}

pub(super) fn tsv(run: &LoadedRun, predicted: &[Predicted]) -> String {
    let mut out = String::from("perturbation\tgene\tcontrol\tpredicted\tdelta\tbasis\tlower\tupper\n");
    for p in predicted {
        for (g, gene) in run.genes.names().iter().enumerate() {
            let (control, delta) = (run.responses.control.mean[g], p.delta[g]);
            let ends = p
                .interval
                .as_ref()
                .map_or_else(|| "\t".to_owned(), |[low, high]| format!("{:.6}\t{:.6}", low[g], high[g]));
            let row = format!(
                "{}\t{gene}\t{control:.6}\t{:.6}\t{delta:.6}\t{}\t{ends}\n",
                p.perturbation,
                control + delta,
                basis(p)
            );
            out.push_str(&row);
        }
    }
    out
}

pub(super) fn tables(run: &LoadedRun, predicted: &[Predicted], top: usize, level: f64) -> String {
    predicted.iter().map(|p| table(run, p, top, level)).collect::<Vec<_>>().join("\n")
}

/// The genes that change most, with the measured change beside where the run has it.
fn table(run: &LoadedRun, p: &Predicted, top: usize, level: f64) -> String {
    let measured = run.responses.perturbations.iter().position(|q| *q == p.perturbation);
    let mut order: Vec<usize> = (0..p.delta.len()).collect();
    order.sort_by(|&a, &b| p.delta[b].abs().total_cmp(&p.delta[a].abs()).then(a.cmp(&b)));
    let is_level = run.responses.quantity == Quantity::Level;
    let width = order.iter().take(top).map(|&g| run.genes.names()[g].len()).max().unwrap_or(4).max(4);
    let mut out = format!("{} ({})\n", p.perturbation, basis(p));
    let header = if is_level { "  control  predicted" } else { "" };
    let beside = if measured.is_some() { "  measured" } else { "" };
    let ends = if p.interval.is_some() {
        format!("  {:<18}", format!("{:.0} % interval", 100.0 * level))
    } else {
        String::new()
    };
    out.push_str(format!("{:<width$}{header}     delta{ends}{beside}", "gene").trim_end());
    out.push('\n');
    for &g in order.iter().take(top) {
        let (control, delta) = (run.responses.control.mean[g], p.delta[g]);
        let levels = if is_level { format!("{control:>9.3}{:>11.3}", control + delta) } else { String::new() };
        let ends = p
            .interval
            .as_ref()
            .map_or_else(String::new, |[low, high]| format!("  {:<18}", format!("[{:+.3}, {:+.3}]", low[g], high[g])));
        let seen = measured.map_or_else(String::new, |i| format!("{:>+10.3}", run.responses.delta[[i, g]]));
        let line = format!("{:<width$}{levels}{delta:>+10.3}{ends}{seen}", run.genes.names()[g]);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

pub(super) fn write_h5ad(path: &Path, run: &LoadedRun, predicted: &[Predicted], level: f64) -> Result<(), CliError> {
    let matrix = |of: &dyn Fn(&Predicted) -> Option<Vec<f32>>| -> Option<Array2<f32>> {
        let rows = predicted.iter().map(of).collect::<Option<Vec<_>>>()?;
        Array2::from_shape_vec((rows.len(), run.genes.len()), rows.concat()).ok()
    };
    let x = matrix(&|p| Some(p.delta.clone())).unwrap_or_default();
    let ends = |k: usize| matrix(&|p| p.interval.as_ref().map(|i| i[k].clone()));
    let (lower, upper) = (ends(0), ends(1));
    let layer = |name: &str, x: &'_ Option<Array2<f32>>| x.as_ref().map(|_| name.to_owned());
    let layers = [(layer("lower", &lower), &lower), (layer("upper", &upper), &upper)];
    let ((obs_names, obs), about) = (rows(predicted), About::of(run, level));
    let file = AnnData {
        obs_names,
        obs,
        genes: Arc::clone(&run.genes),
        var: about.var,
        x: Matrix::Dense(x.view()),
        layers: layers.into_iter().filter_map(|(name, x)| Some((name?, Matrix::Dense(x.as_ref()?.view())))).collect(),
        uns: about.uns,
    };
    Ok(io::write_h5ad(path, &file)?)
}

/// Names and annotation of the rows of a file of predictions.
pub(super) fn rows(predicted: &[Predicted]) -> (Vec<String>, Vec<(String, Column)>) {
    let labels: Vec<String> = predicted.iter().map(|p| p.perturbation.to_string()).collect();
    let bases = predicted.iter().map(|p| basis(p).to_owned()).collect();
    let obs =
        vec![("target_gene".into(), Column::Strings(labels.clone())), ("basis".into(), Column::Categories(bases))];
    (labels, obs)
}

/// What a file of predictions says of its genes and of itself.
pub(super) struct About {
    pub(super) var: Vec<(String, Column)>,
    pub(super) uns: serde_json::Map<String, Value>,
}

impl About {
    pub(super) fn of(run: &LoadedRun, level: f64) -> Self {
        let control = run.responses.control.mean.iter().map(|&c| f64::from(c)).collect();
        let uns = json!({ "grn": {
            "version": env!("CARGO_PKG_VERSION"), "model": run.manifest.model, "seed": run.manifest.seed,
            "quantity": "effect", "level": level,
        } });
        Self {
            var: vec![("control".into(), Column::Floats(control))],
            uns: uns.as_object().cloned().unwrap_or_default(),
        }
    }
}

/// The columns of the TSV, one group of rows per perturbation; without a calibration the ends of intervals are NaN.
pub(super) fn write_parquet(path: &Path, run: &LoadedRun, predicted: &[Predicted]) -> Result<(), CliError> {
    let columns = [
        ("perturbation", ParquetKind::Text),
        ("gene", ParquetKind::Text),
        ("control", ParquetKind::F32),
        ("predicted", ParquetKind::F32),
        ("delta", ParquetKind::F32),
        ("basis", ParquetKind::Text),
        ("lower", ParquetKind::F32),
        ("upper", ParquetKind::F32),
    ];
    let labels: Vec<String> = predicted.iter().map(|p| p.perturbation.to_string()).collect();
    let n = run.genes.len();
    let control = run.responses.control.mean.to_vec();
    let groups = predicted.iter().zip(&labels).map(|(p, label)| {
        let end = |k: usize| p.interval.as_ref().map_or_else(|| vec![f32::NAN; n], |i| i[k].clone());
        vec![
            ParquetValues::Text(vec![label.as_str(); n]),
            ParquetValues::Text(run.genes.names().iter().map(AsRef::as_ref).collect()),
            ParquetValues::F32(control.clone()),
            ParquetValues::F32(control.iter().zip(&p.delta).map(|(c, d)| c + d).collect()),
            ParquetValues::F32(p.delta.clone()),
            ParquetValues::Text(vec![basis(p); n]),
            ParquetValues::F32(end(0)),
            ParquetValues::F32(end(1)),
        ]
    });
    Ok(io::write_parquet(path, &columns, groups)?)
}
