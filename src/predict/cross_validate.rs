//! Cross-validation over perturbations: every perturbation is predicted by a fit that has not seen it.

use std::sync::{Arc, Mutex};

use candle_core::Device;
use ndarray::{Array2, aview1};
use rayon::prelude::*;

use super::{Basis, FitSummary, PredictError, Prediction, Predictor, Spec, Task};
use crate::data::{Delta, Features, Fold, Perturbation, Responses, Split};
use crate::error::Notice;
use crate::graph::GeneGraph;
use crate::train::{Observer, Progress};

/// Folds are fitted side by side while their copies of the training data stay below this many bytes.
const PARALLEL_BYTES: usize = 2 << 30;
/// Levels at which the coverage of intervals is measured.
pub const COVERAGE_LEVELS: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/// Progress of one fold is reported in this many steps.
const STEPS_PER_FOLD: u64 = 1000;

/// What is cross-validated, and on what.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// The model.
    pub spec: &'a Spec,
    /// Its settings.
    pub settings: &'a toml::Table,
    /// All perturbations, n_perturbations x n_genes.
    pub responses: &'a Responses,
    /// Prior knowledge.
    pub graph: &'a GeneGraph,
    /// Knowledge about genes besides the graph.
    pub features: &'a [Features],
    /// Which perturbations are held out together.
    pub split: &'a Split,
    /// Seed of every fit.
    pub seed: u64,
    /// Where tensors live.
    pub device: &'a Device,
}

/// Predictions of every perturbation by the fit that did not see it.
#[derive(Debug, Clone)]
pub struct OutOfFold {
    /// Name of the model.
    pub model: String,
    /// The perturbations (rows), as in the responses.
    pub perturbations: Vec<Perturbation>,
    /// Name of the fold that held each perturbation out.
    pub fold: Vec<String>,
    /// Predicted changes, n_perturbations x n_genes.
    pub delta: Array2<f32>,
    /// What each prediction rests on.
    pub basis: Vec<Basis>,
    /// [`Prediction::distance`] of each, where the model has one.
    pub distance: Vec<Option<f32>>,
    /// Share of the measured changes within the intervals of each of [`COVERAGE_LEVELS`], where the model has intervals.
    pub coverage: Vec<Option<Vec<f64>>>,
    /// What each fold's fit chose, by fold name.
    pub summaries: Vec<(String, FitSummary)>,
}

/// Fits the model once per fold on the other folds and predicts the fold.
///
/// A held-out target that the fit cannot know at all (neither in the graph nor measured) is predicted as the mean of the
/// training perturbations, [`Basis::Fallback`]. Folds run in parallel on the CPU; the result does not depend on it.
///
/// # Errors
/// Whatever a fit returns; [`PredictError::Interrupted`] where the observer asked to stop between folds.
pub fn cross_validate(of: &Validation<'_>, observer: &mut dyn Observer) -> Result<OutOfFold, PredictError> {
    let progress = Mutex::new(Shared { observer, done: vec![0; of.split.folds.len()] });
    let mut out = OutOfFold::empty(of);
    let folds: Vec<(usize, &Fold)> = of.split.folds.iter().enumerate().collect();
    for group in folds.chunks(folds_at_once(of)) {
        let results = group.par_iter().map(|&(i, fold)| run_fold(of, i, fold, &progress));
        for (result, (_, fold)) in results.collect::<Vec<_>>().into_iter().zip(group) {
            out.keep(fold, result?);
        }
    }
    Ok(out)
}

/// The predictions of one fold, one per held-out row with the coverage of its intervals, and what its fit chose.
type FoldResult = (Vec<(Prediction, Option<Vec<f64>>)>, FitSummary);

impl OutOfFold {
    /// Number of perturbations predicted without knowledge of their target.
    pub fn n_fallback(&self) -> usize {
        self.basis.iter().filter(|b| **b == Basis::Fallback).count()
    }

    /// Nothing predicted yet.
    pub(super) fn empty(of: &Validation<'_>) -> Self {
        let n = of.responses.len();
        Self {
            model: of.spec.name.to_owned(),
            perturbations: of.responses.perturbations.clone(),
            fold: vec![String::new(); n],
            delta: Array2::zeros(of.responses.delta.raw_dim()),
            basis: vec![Basis::Fallback; n],
            distance: vec![None; n],
            coverage: vec![None; n],
            summaries: Vec::new(),
        }
    }

    /// Copies these rows from predictions of the same perturbations.
    pub(super) fn copy_rows(&mut self, rows: &[usize], from: &Self) {
        rows.iter().for_each(|&row| self.copy_row(row, from, row));
    }

    /// Takes over the predictions that `part` has; `rows` are its perturbations' positions here.
    pub(super) fn take(&mut self, rows: &[usize], part: Self) {
        for (i, &row) in rows.iter().enumerate().filter(|(i, _)| !part.fold[*i].is_empty()) {
            self.copy_row(row, &part, i);
        }
        self.summaries.extend(part.summaries);
    }

    fn copy_row(&mut self, row: usize, from: &Self, at: usize) {
        self.delta.row_mut(row).assign(&from.delta.row(at));
        self.fold[row].clone_from(&from.fold[at]);
        self.basis[row] = from.basis[at];
        self.distance[row] = from.distance[at];
        self.coverage[row].clone_from(&from.coverage[at]);
    }

    fn keep(&mut self, fold: &Fold, (predictions, summary): FoldResult) {
        for (&row, (prediction, coverage)) in fold.held_out.iter().zip(predictions) {
            self.delta.row_mut(row).assign(&aview1(&prediction.delta.mean));
            self.basis[row] = prediction.basis;
            self.distance[row] = prediction.distance;
            self.coverage[row] = coverage;
            self.fold[row].clone_from(&fold.name);
        }
        self.summaries.push((fold.name.clone(), summary));
    }
}

fn run_fold(
    of: &Validation<'_>,
    index: usize,
    fold: &Fold,
    progress: &Mutex<Shared<'_>>,
) -> Result<FoldResult, PredictError> {
    let mut watcher = Watcher { progress, fold: index, model: of.spec.name };
    if watcher.stop_requested() {
        return Err(PredictError::Interrupted { step: index as u64, of: of.split.folds.len() as u64 });
    }
    let train = of.responses.subset(&of.split.train(fold));
    let mut model = (of.spec.build)(of.settings)?;
    let (graph, features, seed, device) = (of.graph, of.features, of.seed, of.device);
    let task = Task { responses: &train, graph, features, seed, device, checkpoint: None, resume: false };
    let summary = model.fit(&task, &mut watcher)?;
    let held_out = fold.held_out.iter().map(|&row| {
        let perturbation = &of.responses.perturbations[row];
        let covered = model.covered(perturbation, of.responses.delta.row(row), &COVERAGE_LEVELS)?;
        Ok((predict(&*model, perturbation, &train)?, covered))
    });
    let predictions = held_out.collect::<Result<Vec<_>, PredictError>>()?;
    watcher.report(STEPS_PER_FOLD);
    Ok((predictions, summary))
}

/// The prediction of a held-out perturbation, or the training mean where the fit cannot know the target.
fn predict(model: &dyn Predictor, perturbation: &Perturbation, train: &Responses) -> Result<Prediction, PredictError> {
    match model.predict(perturbation) {
        Err(PredictError::UnknownTarget { .. }) => {
            let delta = Delta::new(Arc::clone(&train.genes), train.mean_delta().to_vec(), None)?;
            Ok(Prediction { delta, basis: Basis::Fallback, distance: None })
        }
        other => other,
    }
}

/// How many folds may be fitted at the same time: all of them on the CPU if their training data fit, one on a GPU.
fn folds_at_once(of: &Validation<'_>) -> usize {
    let r = of.responses;
    let layers = 1 + [&r.var, &r.third, &r.significant].into_iter().flatten().count();
    // The halves are two layers, and a fit needs about as much again as it is given.
    let layers = 2 * (layers + if r.halves.is_some() { 2 } else { 0 });
    let bytes = layers * r.delta.len() * size_of::<f32>();
    if of.device.is_cpu() { (PARALLEL_BYTES / bytes.max(1)).max(1) } else { 1 }
}

/// The observer of the caller and how far each fold is.
struct Shared<'a> {
    observer: &'a mut dyn Observer,
    done: Vec<u64>,
}

/// Watches one fold on behalf of the caller's observer.
struct Watcher<'a, 'b> {
    progress: &'a Mutex<Shared<'b>>,
    fold: usize,
    model: &'a str,
}

impl Watcher<'_, '_> {
    /// Reports that this fold has come to `done` of its steps.
    fn report(&self, done: u64) {
        let Ok(mut shared) = self.progress.lock() else { return };
        shared.done[self.fold] = done;
        let step = shared.done.iter().sum();
        let of = STEPS_PER_FOLD * shared.done.len() as u64;
        shared.observer.progress(&Progress { model: self.model.to_owned(), step, of, values: Vec::new() });
    }
}

impl Observer for Watcher<'_, '_> {
    fn progress(&mut self, progress: &Progress) {
        self.report(STEPS_PER_FOLD * progress.step.min(progress.of) / progress.of.max(1));
    }

    fn notice(&mut self, notice: Notice) {
        if let Ok(mut shared) = self.progress.lock() {
            shared.observer.notice(notice);
        }
    }

    fn stop_requested(&self) -> bool {
        self.progress.lock().is_ok_and(|shared| shared.observer.stop_requested())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;
    use crate::data::{ControlProfile, GeneIndex, Quantity};
    use crate::train::Silent;

    fn responses() -> Responses {
        Responses {
            genes: Arc::new(GeneIndex::new(["X", "Y"]).unwrap()),
            perturbations: ["A", "B", "C", "D"].map(|t| Perturbation::of([t])).to_vec(),
            delta: array![[1.0, 0.0], [3.0, 0.0], [5.0, 2.0], [7.0, 2.0]],
            var: None,
            third: None,
            n_cells: vec![0; 4],
            control: ControlProfile { mean: Array1::zeros(2), var: None, third: None, n_cells: 0 },
            significant: None,
            halves: None,
            quantity: Quantity::Effect,
        }
    }

    fn split() -> Split {
        let fold = |name: &str, held_out: &[usize]| Fold { name: name.into(), held_out: held_out.to_vec() };
        Split { n: 4, folds: vec![fold("0", &[0, 3]), fold("1", &[1, 2])] }
    }

    fn validate(observer: &mut dyn Observer) -> Result<OutOfFold, PredictError> {
        let (responses, graph, split) = (responses(), GeneGraph::empty(), split());
        let (spec, settings) = (super::super::spec("mean").unwrap(), toml::Table::new());
        let device = &Device::Cpu;
        let validation = Validation {
            spec,
            settings: &settings,
            responses: &responses,
            graph: &graph,
            features: &[],
            split: &split,
            seed: 0,
            device,
        };
        cross_validate(&validation, observer)
    }

    #[test]
    fn a_fold_is_predicted_from_the_other_folds() {
        let out = validate(&mut Silent).unwrap();
        // Fold 0 (A, D) from the mean of B and C, fold 1 (B, C) from the mean of A and D.
        assert_eq!(out.delta, array![[4.0, 1.0], [4.0, 1.0], [4.0, 1.0], [4.0, 1.0]]);
        assert_eq!(out.fold, ["0", "1", "1", "0"]);
        assert_eq!(out.n_fallback(), 4);
    }

    #[test]
    fn a_request_to_stop_is_heard() {
        struct Impatient;
        impl Observer for Impatient {
            fn progress(&mut self, _: &Progress) {}
            fn notice(&mut self, _: Notice) {}
            fn stop_requested(&self) -> bool {
                true
            }
        }
        assert!(matches!(validate(&mut Impatient), Err(PredictError::Interrupted { of: 2, .. })));
    }
}
