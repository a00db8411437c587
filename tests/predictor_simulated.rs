//! Predictors on simulated screens, where the wiring and the true responses are known.
//!
//! The prior is the true graph with half of its edges left out and as many false ones put in. The table over three
//! seeds: `cargo nextest run --release --test predictor_simulated --run-ignored all --no-capture`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::HashSet;

use candle_core::Device;
use grn::data::{Perturbation, Pseudobulk, PseudobulkOptions, Quantity, Responses, Split};
use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::predict::{
    CALIBRATED, CalibrationMode, FitSummary, OutOfFold, PREDICTORS, Spec, Validation, calibrated_settings,
    cross_validate, spec,
};
use grn::score::{CvMetric, cv_scores};
use grn::simulate::{PRESETS, Simulated, SimulationOptions, Size, Wiring, simulate};
use grn::stats::Rng;
use grn::train::Silent;
use ndarray::Array2;

/// A screen with what is true of it.
struct Case {
    simulated: Simulated,
    responses: Responses,
    split: Split,
    seed: u64,
}

impl Case {
    fn new(options: &SimulationOptions) -> Self {
        let simulated = simulate(&Wiring::embedded().unwrap(), options).unwrap();
        let halves = PseudobulkOptions { halves: true, seed: options.seed, ..PseudobulkOptions::default() };
        let responses = Responses::from_pseudobulk(&Pseudobulk::from_screen(&simulated.screen, &halves)).unwrap();
        let split = Split::seeded(responses.len(), 5, options.seed).unwrap();
        Self { simulated, responses, split, seed: options.seed }
    }

    /// The true graph with `share` of its edges replaced by false ones from the same regulators, signs as often + as
    /// the true ones.
    fn prior(&self, share: f64) -> GeneGraph {
        let truth = &self.simulated.truth;
        let mut rng = Rng::named(self.seed, "prior");
        let (mut builder, mut dropped) = (GraphBuilder::new(), 0);
        let channel = builder.channel("edges.prior");
        let sign = |activates: bool| if activates { Sign::Activation } else { Sign::Repression };
        for edge in &truth.edges {
            if rng.uniform() < share {
                dropped += 1;
            } else {
                builder.add(&edge.source, &edge.target, 1.0, sign(edge.elasticity > 0.0), &[(channel, 1.0)]);
            }
        }
        let real: HashSet<(&str, &str)> = truth.edges.iter().map(|e| (e.source.as_str(), e.target.as_str())).collect();
        let activators = truth.edges.iter().filter(|e| e.elasticity > 0.0).count() as f64 / truth.edges.len() as f64;
        while dropped > 0 {
            let source = &truth.edges[rng.below(truth.edges.len())].source;
            let target = &truth.genes.names()[rng.below(truth.genes.len())];
            if source.as_str() != &**target && !real.contains(&(source.as_str(), target)) {
                builder.add(source, target, 1.0, sign(rng.uniform() < activators), &[(channel, 1.0)]);
                dropped -= 1;
            }
        }
        builder.build()
    }

    /// Out-of-fold predictions of a model with these settings.
    fn predict(&self, spec: &Spec, graph: &GeneGraph, settings: &toml::Table) -> OutOfFold {
        let validation = Validation {
            spec,
            settings,
            responses: &self.responses,
            graph,
            features: &[],
            split: &self.split,
            seed: self.seed,
            device: &Device::Cpu,
        };
        cross_validate(&validation, &mut Silent).unwrap()
    }

    /// Scores of a model with its default settings.
    fn judge(&self, model: &str, graph: &GeneGraph) -> (f64, f64) {
        self.score(&self.predict(spec(model).unwrap(), graph, &toml::Table::new()).delta)
    }

    /// Mean over perturbations of the L2 ratio to the training mean over all genes but the targets, whose own fall needs no
    /// graph.
    fn away_from_targets(&self, model: &str, graph: &GeneGraph) -> f64 {
        let mut predicted = self.predict(spec(model).unwrap(), graph, &toml::Table::new()).delta;
        let mut case = self.responses.clone();
        for (row, perturbation) in case.perturbations.iter().enumerate() {
            for gene in perturbation.targets().iter().filter_map(|t| case.genes.id(t)) {
                predicted[[row, gene.index()]] = 0.0;
                case.delta[[row, gene.index()]] = 0.0;
            }
        }
        let scores = cv_scores(&case, &self.split, &predicted);
        let values: Vec<f64> = scores.of(CvMetric::L2Ratio).unwrap().iter().flatten().copied().collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// Mean over perturbations of the L2 ratio to the training mean, and of the centred correlation.
    fn score(&self, predicted: &Array2<f32>) -> (f64, f64) {
        let scores = cv_scores(&self.responses, &self.split, predicted);
        let mean = |metric| {
            let values: Vec<f64> = scores.of(metric).unwrap().iter().flatten().copied().collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        (mean(CvMetric::L2Ratio), mean(CvMetric::CentredR))
    }

    /// The true responses as predictions, moved to the training mean of the measured ones, which share the noise of the
    /// control cells.
    fn oracle(&self) -> Array2<f32> {
        let mut truth = Array2::zeros(self.responses.delta.raw_dim());
        for (perturbation, mut row) in self.responses.perturbations.iter().zip(truth.outer_iter_mut()) {
            let of = |r: &&grn::simulate::Response| r.perturbation == *perturbation;
            let response = self.simulated.truth.responses.iter().find(of).unwrap();
            for (gene, delta) in self.simulated.truth.genes.names().iter().zip(&response.delta) {
                row[self.responses.genes.id(gene).unwrap().index()] = *delta;
            }
        }
        let mut out = truth.clone();
        for fold in &self.split.folds {
            let train = self.split.train(fold);
            let noise = (&self.responses.delta - &truth).select(ndarray::Axis(0), &train);
            let shared = noise.mean_axis(ndarray::Axis(0)).unwrap();
            fold.held_out.iter().for_each(|&row| {
                let mut to = out.row_mut(row);
                to += &shared;
            });
        }
        out
    }
}

/// The preset `demo`.
fn demo(seed: u64) -> SimulationOptions {
    PRESETS[0].options(seed)
}

/// The preset `vcc` with fewer genes, knockdowns and cells.
fn small_vcc(seed: u64) -> SimulationOptions {
    let mut options = PRESETS.iter().find(|p| p.name == "vcc").unwrap().options(seed);
    options.size = Size { genes: 2000, perturbations: 100, cells_per_perturbation: 200, controls: 4000 };
    options.cells.total = None;
    options
}

/// Small enough for every test run.
fn small(seed: u64) -> SimulationOptions {
    let mut options = demo(seed);
    options.size = Size { genes: 600, perturbations: 40, cells_per_perturbation: 60, controls: 500 };
    options
}

/// Knockdowns that do nothing: every perturbed cell escapes.
fn null(seed: u64) -> SimulationOptions {
    let mut options = small(seed);
    options.efficiency.escapers = 1.0;
    options
}

/// Mean of both scores over three seeds.
fn over_seeds(of: impl Fn(u64) -> (f64, f64)) -> (f64, f64) {
    let (l2, r): (Vec<f64>, Vec<f64>) = (1..=3).map(of).unzip();
    (l2.iter().sum::<f64>() / 3.0, r.iter().sum::<f64>() / 3.0)
}

#[test]
fn half_of_a_signed_graph_predicts_better_than_every_baseline() {
    let cases: Vec<Case> = (1..=3).map(|seed| Case::new(&small(seed))).collect();
    let of =
        |model: &str| over_seeds(|seed| cases[seed as usize - 1].judge(model, &cases[seed as usize - 1].prior(0.5)));
    let ours = of("grn");
    println!("grn {ours:.3?}");
    assert!(ours.0 < 0.93 && ours.1 > 0.3, "{ours:?}");
    for model in ["mean", "linear", "knn", "ridge", "graph-kernel"] {
        let other = of(model);
        println!("{model} {other:.3?}");
        assert!(ours.0 < other.0 && ours.1 > other.1, "{ours:?}, {model}: {other:?}");
    }
    let truth = over_seeds(|seed| cases[seed as usize - 1].score(&cases[seed as usize - 1].oracle()));
    assert!(truth.0 < ours.0 && truth.1 > ours.1, "nothing beats the truth: {truth:?}");
}

#[test]
fn a_shuffled_graph_does_no_harm() {
    for seed in 1..=3 {
        let case = Case::new(&small(seed));
        let [l2, half] = [case.prior(0.5).permuted(seed), case.prior(0.5)].map(|g| case.away_from_targets("grn", &g));
        println!("seed {seed}: shuffled {l2:.4} half {half:.4}");
        // What is left was learned from the responses themselves, which pairs without an edge take part in.
        assert!(l2 < 1.01 && half < l2 - 0.04, "seed {seed}: {l2} {half}");
    }
}

#[test]
fn the_true_graph_is_better_than_half_of_it() {
    let case = Case::new(&small(1));
    let (whole, half) = (case.judge("grn", &case.prior(0.0)), case.judge("grn", &case.prior(0.5)));
    assert!(whole.0 < half.0 - 0.03 && whole.1 > half.1 + 0.05, "{whole:?} {half:?}");
}

#[test]
fn where_knockdowns_do_nothing_nothing_is_predicted() {
    for seed in 1..=3 {
        let case = Case::new(&null(seed));
        let settings = calibrated_settings("grn", CalibrationMode::Balanced, &toml::Table::new());
        let predicted = case.predict(&CALIBRATED, &case.prior(0.5), &settings);
        let said = |(_, fit): &(String, FitSummary)| fit.notices.iter().any(|n| n.0.contains("no effect"));
        let empty = predicted.delta.iter().all(|d| *d == 0.0);
        println!("seed {seed}: said in every fold: {}, none: {empty}", predicted.summaries.iter().all(said));
        assert!(predicted.summaries.iter().all(said) && empty, "seed {seed}");
    }
}

#[test]
#[ignore = "minutes: prints the table of accuracies"]
fn table() {
    println!("L2 ratio to the training mean / centred r; prior: half of the true edges and as many false ones");
    for (name, options) in [("demo", demo as fn(u64) -> SimulationOptions), ("small vcc", small_vcc)] {
        for seed in 1..=3 {
            let case = Case::new(&options(seed));
            assert_eq!(case.responses.quantity, Quantity::Level);
            assert!(case.responses.perturbations.iter().all(|p: &Perturbation| p.targets().len() == 1));
            let (prior, shuffled) = (case.prior(0.5), case.prior(0.5).permuted(seed));
            let line = |what: &str, (l2, r): (f64, f64)| println!("{name} seed {seed}: {what:<24} {l2:.3} / {r:.3}");
            line("oracle (truth)", case.score(&case.oracle()));
            for spec in PREDICTORS {
                let started = std::time::Instant::now();
                let score = case.judge(spec.name, &prior);
                line(&format!("{} ({:.0} s)", spec.name, started.elapsed().as_secs_f64()), score);
            }
            line("grn, shuffled, no targets", (case.away_from_targets("grn", &shuffled), f64::NAN));
            line("grn, true graph", case.judge("grn", &case.prior(0.0)));
        }
    }
}
