//! Choosing among models inside the training part of each fold: what is held out takes no part in it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use candle_core::Device;
use grn::data::{ControlProfile, Delta, GeneIndex, Perturbation, Quantity, Responses, Split};
use grn::graph::GeneGraph;
use grn::predict::{
    Basis, Candidate, FitSummary, OutOfFold, PredictError, Prediction, Predictor, Saved, Spec, Task, TrainingSize,
    Validation, cross_validate, cross_validate_at, select_nested,
};
use grn::train::{Observer, Silent};
use ndarray::{Array1, Array2};

/// What every fit of the spy was given.
static SEEN: Mutex<Vec<BTreeSet<String>>> = Mutex::new(Vec::new());
/// Tests that use the spy take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Notes what it learns from and predicts the setting `value` everywhere.
#[derive(Debug)]
struct Spy {
    value: f32,
    genes: Option<Arc<GeneIndex>>,
}

impl Predictor for Spy {
    fn name(&self) -> &'static str {
        "spy"
    }

    fn fit(&mut self, task: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        SEEN.lock().unwrap().push(task.responses.perturbations.iter().map(ToString::to_string).collect());
        self.genes = Some(Arc::clone(&task.responses.genes));
        Ok(FitSummary::default())
    }

    fn predict(&self, _: &Perturbation) -> Result<Prediction, PredictError> {
        let genes = self.genes.clone().unwrap();
        let delta = Delta::new(Arc::clone(&genes), vec![self.value; genes.len()], None)?;
        Ok(Prediction { delta, basis: Basis::Graph, distance: Some(self.value) })
    }

    fn save(&self, _: &std::path::Path) -> Result<(), PredictError> {
        Ok(())
    }
}

fn load(_: &Saved<'_>) -> Result<Box<dyn Predictor>, PredictError> {
    Err(PredictError::NotFitted { model: "spy".into() })
}

const SPY: Spec = Spec {
    name: "spy",
    about: "",
    paper: "",
    settings: "",
    build: |table| Ok(Box::new(Spy { value: table["value"].as_float().unwrap() as f32, genes: None })),
    load,
};

/// Twelve perturbations; the first half changes by 0, the second by 1.
fn responses() -> Responses {
    let n = 12;
    Responses {
        genes: Arc::new(GeneIndex::new(["X", "Y"]).unwrap()),
        perturbations: (0..n).map(|i| Perturbation::of([format!("P{i}")])).collect(),
        delta: Array2::from_shape_fn((n, 2), |(i, _)| if i < n / 2 { 0.0 } else { 1.0 }),
        var: None,
        third: None,
        n_cells: vec![0; n],
        control: ControlProfile { mean: Array1::zeros(2), var: None, third: None, n_cells: 0 },
        significant: None,
        halves: None,
        quantity: Quantity::Effect,
    }
}

fn setting(value: f64) -> toml::Table {
    toml::Table::from_iter([("value".to_owned(), value.into())])
}

/// Minus the squared error.
fn judge(truth: &Responses, _: &Split, predicted: &Array2<f32>) -> Option<f64> {
    Some(-f64::from((&truth.delta - predicted).mapv(|x| x * x).sum()))
}

/// Two folds, the halves; candidates that predict 0 and 1.
fn nested(responses: &Responses, split: &Split, k: usize) -> (OutOfFold, Vec<usize>) {
    let settings = [setting(0.0), setting(1.0)];
    let graph = GeneGraph::empty();
    let validations: Vec<Validation<'_>> = settings
        .iter()
        .map(|settings| Validation {
            spec: &SPY,
            settings,
            responses,
            graph: &graph,
            features: &[],
            split,
            seed: 5,
            device: &Device::Cpu,
        })
        .collect();
    let outer: Vec<OutOfFold> = validations.iter().map(|v| cross_validate(v, &mut Silent).unwrap()).collect();
    let candidates: Vec<Candidate<'_>> = validations
        .iter()
        .zip(&outer)
        .map(|(&validation, out_of_fold)| Candidate { validation, out_of_fold })
        .collect();
    SEEN.lock().unwrap().clear();
    let (out, choices) = select_nested(&candidates, k, &judge, &mut Silent).unwrap().unwrap();
    (out, choices.iter().map(|c| c.chosen).collect())
}

fn halves() -> Split {
    let fold =
        |name: &str, rows: std::ops::Range<usize>| grn::data::Fold { name: name.into(), held_out: rows.collect() };
    Split { n: 12, folds: vec![fold("first", 0..6), fold("second", 6..12)] }
}

#[test]
fn no_fit_of_a_choice_sees_what_the_fold_holds_out() {
    let _turn = TURN.lock().unwrap();
    let (responses, split, k) = (responses(), halves(), 3);
    nested(&responses, &split, k);
    let seen = SEEN.lock().unwrap().clone();
    // Two candidates x k inner folds per outer fold, outer folds in order.
    assert_eq!(seen.len(), 2 * 2 * k);
    for (fold, fits) in split.folds.iter().zip(seen.chunks(2 * k)) {
        let held_out: BTreeSet<String> =
            fold.held_out.iter().map(|&i| responses.perturbations[i].to_string()).collect();
        assert!(fits.iter().all(|fit| fit.is_disjoint(&held_out)));
        // Each inner fit leaves out its own inner fold as well.
        assert!(fits.iter().all(|fit| fit.len() == 4));
    }
}

#[test]
fn the_choice_follows_the_training_part_even_where_the_fold_disagrees() {
    let _turn = TURN.lock().unwrap();
    let (out, chosen) = nested(&responses(), &halves(), 3);
    // Held out: zeros, trained on ones, and the other way round: an honest choice is wrong both times.
    assert_eq!(chosen, [1, 0]);
    assert!(out.delta.rows().into_iter().enumerate().all(|(i, row)| row[0] == if i < 6 { 1.0 } else { 0.0 }));
    assert_eq!(out.distance[0], Some(1.0));
    assert_eq!((out.model.as_str(), out.fold[0].as_str(), out.fold[11].as_str()), ("nested", "first", "second"));
}

#[test]
fn a_learning_curve_learns_from_as_many_perturbations_as_asked_and_never_from_the_fold() {
    let _turn = TURN.lock().unwrap();
    let (responses, split, graph, settings) = (responses(), halves(), GeneGraph::empty(), setting(0.5));
    let validation = Validation {
        spec: &SPY,
        settings: &settings,
        responses: &responses,
        graph: &graph,
        features: &[],
        split: &split,
        seed: 5,
        device: &Device::Cpu,
    };
    let mut before: Option<Vec<BTreeSet<String>>> = None;
    for n in [2, 4, 6] {
        SEEN.lock().unwrap().clear();
        let out = cross_validate_at(&validation, TrainingSize::Count(n), &mut Silent).unwrap();
        assert!(out.delta.iter().all(|&x| x == 0.5) && out.fold[7] == "second");
        let seen = SEEN.lock().unwrap().clone();
        for (fold, fit) in split.folds.iter().zip(&seen) {
            assert_eq!(fit.len(), n);
            assert!(fold.held_out.iter().all(|&i| !fit.contains(&responses.perturbations[i].to_string())));
        }
        if let Some(before) = before {
            assert!(before.iter().zip(&seen).all(|(small, large)| small.is_subset(large)));
        }
        before = Some(seen);
    }
}
