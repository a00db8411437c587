//! Our scores of out-of-fold predictions against an independent program.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use grn::data::{ControlProfile, Fold, GeneIndex, Perturbation, Quantity, Responses, Split};
use grn::io::{AnnData, Column, Matrix, write_h5ad};
use grn::score::{CvMetric, cv_scores};
use grn::stats::Rng;
use ndarray::{Array1, Array2};

const JUDGE: &str = "../shared/eval/signature_cv.py";
const N: usize = 24;
const N_GENES: usize = 60;

fn truth(rng: &mut Rng) -> Responses {
    let delta = Array2::from_shape_fn((N, N_GENES), |_| if rng.uniform() < 0.3 { rng.uniform() as f32 } else { 0.0 });
    Responses {
        genes: Arc::new(GeneIndex::new((0..N_GENES).map(|g| format!("G{g}"))).unwrap()),
        perturbations: (0..N).map(|i| Perturbation::of([format!("P{i}")])).collect(),
        var: None,
        third: None,
        n_cells: vec![0; N],
        control: ControlProfile { mean: Array1::zeros(N_GENES), var: None, third: None, n_cells: 0 },
        significant: Some(delta.mapv(|v| f32::from(u8::from(v > 0.6)))),
        halves: None,
        quantity: Quantity::Effect,
        delta,
    }
}

/// Row 0 is exactly the training mean, row 1 is full of ties, the others are the truth with noise.
fn prediction(truth: &Responses, split: &Split, rng: &mut Rng) -> Array2<f32> {
    let mut out = truth.delta.mapv(|v| v + 0.4 * rng.normal() as f32);
    let train = truth.subset(&split.train(&split.folds[0]));
    out.row_mut(0).assign(&train.mean_delta());
    out.row_mut(1).mapv_inplace(f32::round);
    out
}

fn write(path: &Path, truth: &Responses, x: &Array2<f32>, with_significant: bool) {
    let labels: Vec<String> = truth.perturbations.iter().map(ToString::to_string).collect();
    let layers = truth.significant.iter().filter(|_| with_significant);
    let data = AnnData {
        obs_names: labels.clone(),
        obs: vec![("target_gene".into(), Column::Strings(labels))],
        genes: Arc::clone(&truth.genes),
        var: Vec::new(),
        x: Matrix::Dense(x.view()),
        layers: layers.map(|s| ("significant".to_owned(), Matrix::Dense(s.view()))).collect(),
        uns: serde_json::Map::new(),
    };
    write_h5ad(path, &data).unwrap();
}

#[test]
fn scores_equal_those_of_signature_cv() {
    if !Path::new(JUDGE).exists() {
        println!("skipped: {JUDGE} is absent");
        return;
    }
    if !Command::new("python3").args(["-c", "import anndata, scipy"]).output().is_ok_and(|o| o.status.success()) {
        println!("skipped: python3 with anndata is absent");
        return;
    }
    let mut rng = Rng::named(5, "signature-cv");
    let truth = truth(&mut rng);
    let fold = |f: usize| Fold { name: f.to_string(), held_out: (0..N).filter(|i| i % 3 == f).collect() };
    let split = Split { n: N, folds: (0..3).map(fold).collect() };
    let predicted = prediction(&truth, &split, &mut rng);
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write(&at("truth.h5ad"), &truth, &truth.delta, true);
    write(&at("prediction.h5ad"), &truth, &predicted, false);
    let folds: String = (0..N).map(|i| format!("P{i}\t{}\n", i % 3)).collect();
    std::fs::write(at("folds.tsv"), "target_gene\tfold\n".to_owned() + &folds).unwrap();
    let mut judge = Command::new("python3");
    judge.arg(JUDGE).arg("--truth").arg(at("truth.h5ad")).arg("--folds").arg(at("folds.tsv"));
    let out = judge.arg("--pred").arg(at("prediction.h5ad")).arg("--json").arg(at("out.json")).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&std::fs::read(at("out.json")).unwrap()).unwrap();
    let ours = cv_scores(&truth, &split, &predicted);
    for metric in [CvMetric::AveragePrecision, CvMetric::CentredR, CvMetric::Discrimination] {
        for (i, got) in ours.of(metric).unwrap().iter().enumerate() {
            let expected = judged["knockdowns"][i][metric.name()].as_f64().unwrap();
            assert!((got.unwrap() - expected).abs() < 1e-6, "{metric:?} of P{i}: {got:?}, expected {expected}");
        }
    }
}
