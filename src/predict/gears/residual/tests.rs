//! What the model promises, on screens drawn here.

use std::process::Command;

use candle_core::Device;
use ndarray::{Array1, Array2};

use super::*;
use crate::data::{ControlProfile, Quantity, Responses};
use crate::graph::{GeneGraph, GraphBuilder, Sign};
use crate::predict::Basis;
use crate::stats::{Rng, pearson};
use crate::train::{Progress, Silent};

const N_GENES: usize = 120;
const N_PERTURBED: usize = 60;

fn name(gene: usize) -> String {
    format!("G{gene}")
}

/// A random directed graph with signs, and its links (source, target, sign).
fn network(seed: u64) -> (GeneGraph, Vec<(usize, usize, f32)>) {
    let (mut rng, mut builder, mut links) = (Rng::named(seed, "network"), GraphBuilder::new(), Vec::new());
    for source in 0..N_GENES {
        for _ in 0..6 {
            let (target, up) = (rng.below(N_GENES), rng.uniform() < 0.5);
            if target != source && !links.iter().any(|l: &(usize, usize, f32)| (l.0, l.1) == (source, target)) {
                let sign = if up { Sign::Activation } else { Sign::Repression };
                builder.add(&name(source), &name(target), 0.9, sign, &[]);
                links.push((source, target, sign.value()));
            }
        }
    }
    (builder.build(), links)
}

fn responses(delta: Array2<f32>) -> Responses {
    let n = delta.nrows();
    Responses {
        genes: Arc::new(GeneIndex::new((0..N_GENES).map(name)).unwrap()),
        perturbations: (0..n).map(|p| Perturbation::of([name(p)])).collect(),
        delta,
        var: None,
        third: None,
        n_cells: vec![0; n],
        control: ControlProfile { mean: Array1::zeros(N_GENES), var: None, third: None, n_cells: 0 },
        significant: None,
        halves: None,
        quantity: Quantity::Effect,
    }
}

/// Losing a regulator moves its targets against the sign of the link, and theirs by half as much; plus noise.
fn propagated(links: &[(usize, usize, f32)]) -> Responses {
    let mut rng = Rng::named(5, "noise");
    let mut delta = Array2::from_shape_simple_fn((N_PERTURBED, N_GENES), || 0.1 * rng.normal() as f32);
    for &(source, near, sign) in links.iter().filter(|l| l.0 < N_PERTURBED) {
        delta[[source, near]] -= sign;
        for &(_, far, next) in links.iter().filter(|l| l.0 == near) {
            delta[[source, far]] -= 0.5 * sign * next;
        }
    }
    responses(delta)
}

fn noise() -> Responses {
    let mut rng = Rng::named(6, "noise");
    responses(Array2::from_shape_simple_fn((N_PERTURBED, N_GENES), || rng.normal() as f32))
}

fn settings_text(more: &str) -> toml::Table {
    let text = format!(
        "hidden = 16\nsteps = 60\nevaluate_every = 10\nlearning_rate = 0.02\ngenes_per_step = 64\nwalk = 16\n{more}"
    );
    text.parse().unwrap()
}

fn model(more: &str) -> Box<dyn Predictor> {
    build(&settings_text(more)).unwrap()
}

fn fitted(responses: &Responses, graph: &GeneGraph, more: &str) -> (Box<dyn Predictor>, FitSummary) {
    let mut gears = model(more);
    let task = Task { responses, graph, features: &[], seed: 3, device: &Device::Cpu, checkpoint: None, resume: false };
    let summary = gears.fit(&task, &mut Silent).unwrap();
    (gears, summary)
}

fn base(responses: &Responses, graph: &GeneGraph) -> Box<dyn Predictor> {
    let mut base = (spec("graph-kernel").unwrap().build)(&toml::Table::new()).unwrap();
    let task = Task { responses, graph, features: &[], seed: 3, device: &Device::Cpu, checkpoint: None, resume: false };
    base.fit(&task, &mut Silent).unwrap();
    base
}

fn value(summary: &FitSummary, name: &str) -> f64 {
    summary.values.iter().find(|(n, _)| n == name).unwrap().1
}

fn all_predictions(model: &dyn Predictor) -> Vec<f32> {
    (0..N_GENES).flat_map(|g| model.predict(&Perturbation::of([name(g)])).unwrap().delta.mean).collect()
}

#[test]
fn the_gate_opens_where_responses_follow_the_wiring() {
    let (graph, links) = network(1);
    let all = propagated(&links);
    let train: Vec<usize> = (0..N_PERTURBED - 12).collect();
    let (gears, summary) = fitted(&all.subset(&train), &graph, "");
    assert!(value(&summary, "gate") > 0.0, "{:?}", summary.values);
    assert!(value(&summary, "inner.loss.network") < value(&summary, "inner.loss.base"));
    let mut base = (spec("graph-kernel").unwrap().build)(&toml::Table::new()).unwrap();
    let train = all.subset(&train);
    let task = Task {
        responses: &train,
        graph: &graph,
        features: &[],
        seed: 3,
        device: &Device::Cpu,
        checkpoint: None,
        resume: false,
    };
    base.fit(&task, &mut Silent).unwrap();
    let held_out = N_PERTURBED - 12..N_PERTURBED;
    let r = |model: &dyn Predictor| -> f64 {
        let one = |p: usize| {
            let prediction = model.predict(&all.perturbations[p]).unwrap();
            pearson(&prediction.delta.mean, &all.delta.row(p).to_vec()).unwrap_or(0.0)
        };
        held_out.clone().map(one).sum::<f64>() / held_out.len() as f64
    };
    let (with, without) = (r(&*gears), r(&*base));
    assert!(with > without + 0.1, "correlation {with} with the network, {without} without");
}

#[test]
fn noise_leaves_the_base_as_it_is() {
    let (graph, _) = network(1);
    let all = noise();
    let (gears, summary) = fitted(&all, &graph, "");
    assert_eq!(value(&summary, "gate"), 0.0, "{:?}", summary.values);
    assert_eq!(all_predictions(&*gears), all_predictions(&*base(&all, &graph)));
}

#[test]
fn a_saved_model_predicts_the_same_bits() {
    let (graph, links) = network(1);
    let all = propagated(&links);
    for data in [&all, &noise()] {
        let (gears, _) = fitted(data, &graph, "seeds = 2");
        let dir = tempfile::tempdir().unwrap();
        gears.save(dir.path()).unwrap();
        let saved = Saved {
            dir: dir.path(),
            genes: Arc::clone(&all.genes),
            graph: &graph,
            features: &[],
            device: &Device::Cpu,
        };
        assert_eq!(all_predictions(&*load(&saved).unwrap()), all_predictions(&*gears));
    }
}

/// Asks to stop once, after some steps.
struct StopAt(u64, u64);

impl Observer for StopAt {
    fn progress(&mut self, progress: &Progress) {
        self.1 = progress.step;
    }

    fn notice(&mut self, _: Notice) {}

    fn stop_requested(&self) -> bool {
        self.1 >= self.0
    }
}

#[test]
fn an_interrupted_fit_continues_to_the_same_bits() {
    let (graph, links) = network(1);
    let all = propagated(&links);
    let (whole, expected) = fitted(&all, &graph, "");
    // In the middle of the second inner fold, and of the last training.
    for at in [75, 185] {
        let dir = tempfile::tempdir().unwrap();
        let task = |resume| Task {
            responses: &all,
            graph: &graph,
            features: &[],
            seed: 3,
            device: &Device::Cpu,
            checkpoint: Some(dir.path()),
            resume,
        };
        let error = model("").fit(&task(false), &mut StopAt(at, 0)).unwrap_err();
        assert!(matches!(error, PredictError::Interrupted { step, of: 240 } if step >= at), "{error}");
        let mut gears = model("");
        assert_eq!(gears.fit(&task(true), &mut Silent).unwrap().values, expected.values);
        assert_eq!(all_predictions(&*gears), all_predictions(&*whole));
        // Another seed is another fit: its checkpoint is not this one's.
        let other = Task { seed: 4, ..task(true) };
        assert!(matches!(model("").fit(&other, &mut Silent), Err(PredictError::Saved { .. })));
    }
}

#[test]
fn unknown_targets_keep_the_label_and_bits_of_the_base() {
    let (graph, links) = network(1);
    let mut all = propagated(&links);
    all.perturbations[0] = Perturbation::of(["OUTSIDE"]);
    let (gears, summary) = fitted(&all, &graph, "");
    assert!(value(&summary, "gate") > 0.0);
    let outside = gears.predict(&Perturbation::of(["OUTSIDE"])).unwrap();
    assert_eq!(outside.basis, Basis::Fallback);
    assert_eq!(outside.delta.mean, base(&all, &graph).predict(&Perturbation::of(["OUTSIDE"])).unwrap().delta.mean);
    assert!(matches!(gears.predict(&Perturbation::of(["NOBODY"])), Err(PredictError::UnknownTarget { .. })));
    let pair = gears.predict(&Perturbation::of([name(1), name(2)])).unwrap();
    assert!(pair.delta.mean.iter().all(|v| v.is_finite()));
    let control = gears.predict(&Perturbation::control()).unwrap();
    assert!(control.delta.mean.iter().all(|&v| v == 0.0));
}

#[test]
fn every_variable_has_a_gradient() {
    let (graph, links) = network(1);
    let all = propagated(&links);
    let config: Config = settings_text("").try_into().unwrap();
    let view = View::new(&graph, &all.genes, &config, None, &Device::Cpu);
    let blocks = Blocks::new(&view, 200, 1).unwrap();
    let nodes: Vec<Vec<GeneId>> = all.perturbations.iter().map(|p| nodes_of(p, graph.genes()).unwrap()).collect();
    let network = Network::new(&view, config.hidden, 1).unwrap();
    let perturbed = view.perturbed(&nodes).unwrap();
    let scale = perturbed.path_scale();
    let rows = Rows::new(perturbed, &blocks, &scale).unwrap();
    let targets = training::Targets { residual: all.delta.clone(), cost: training::Cost::Squared, directions: None };
    let mut training = Training::new(&network, &blocks, rows, (&targets, 0.2), None).unwrap();
    let mut adam = crate::nn::AdamW::new(&network.vars, AdamWSettings::default()).unwrap();
    // The last layers start at zero: what lies before them moves after a step or two.
    for step in 0..3 {
        let grads = crate::train::Steps::loss(&mut training, step).unwrap().backward().unwrap();
        if step == 2 {
            for (name, var) in network.vars.iter() {
                let grad: Vec<f32> = grads.get(var).expect(name).flatten_all().unwrap().to_vec1().unwrap();
                assert!(grad.iter().all(|g| g.is_finite()) && grad.iter().any(|g| *g != 0.0), "{name}");
            }
        }
        adam.update(&network.vars, &grads, 0.01, 1.0).unwrap();
    }
}

#[test]
fn losses_of_direction_and_of_significant_changes_learn_too() {
    let (graph, links) = network(1);
    let mut all = propagated(&links);
    all.significant = Some(all.delta.mapv(|d| f32::from(u8::from(d.abs() > 0.4))));
    let plain = all_predictions(&*fitted(&all, &graph, "").0);
    for more in ["cosine = 0.5", "contrastive = 0.1", "significant_weight = 1.0"] {
        let (gears, summary) = fitted(&all, &graph, more);
        assert!(value(&summary, "gate") > 0.0, "{more}: {:?}", summary.values);
        assert!(all_predictions(&*gears) != plain, "{more}");
    }
}

#[test]
fn autofocus_needs_moments_and_uses_them() {
    let (graph, links) = network(1);
    let mut all = propagated(&links);
    let (_, summary) = fitted(&all, &graph, "loss = 'autofocus'");
    assert!(summary.notices.iter().any(|n| n.0.contains("autofocus")), "{:?}", summary.notices);
    all.var = Some(Array2::from_elem((N_PERTURBED, N_GENES), 0.3));
    all.third = Some(Array2::zeros((N_PERTURBED, N_GENES)));
    all.control.var = Some(Array1::from_elem(N_GENES, 0.3));
    all.control.third = Some(Array1::zeros(N_GENES));
    let (_, summary) = fitted(&all, &graph, "loss = 'autofocus'");
    assert!(summary.notices.is_empty());
    assert!(value(&summary, "gate") > 0.0, "{:?}", summary.values);
}

#[test]
fn the_example_settings_are_the_defaults() {
    let table: toml::Table = include_str!("../../../../configs/models/gears-residual.toml").parse().unwrap();
    assert_eq!(table.try_into::<Config>().unwrap(), Config::default());
    let refused = |text: &str| matches!(build(&text.parse().unwrap()), Err(PredictError::BadConfig { .. }));
    for text in ["hiden = 3", "hidden = 0", "folds = 2", "base = 'gears'", "learning_rate = -1.0", "cosine = -1.0"] {
        assert!(refused(text), "{text}");
    }
}

/// Run by the test below in processes of their own.
#[test]
#[ignore = "a part of another test"]
fn fit_and_tell() {
    let (graph, links) = network(1);
    let (gears, _) = fitted(&propagated(&links), &graph, "");
    let bytes: Vec<u8> = all_predictions(&*gears).iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(std::env::var_os("GEARS_TEST_OUT").unwrap(), bytes).unwrap();
}

#[test]
fn one_and_four_threads_give_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let path = dir.path().join(threads);
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "predict::gears::residual::tests::fit_and_tell", "--ignored"])
            .envs([("RAYON_NUM_THREADS", threads), ("CANDLE_NUM_THREADS", threads)])
            .env("GEARS_TEST_OUT", &path)
            .output()
            .unwrap();
        assert!(status.status.success());
        std::fs::read(path).unwrap()
    };
    assert!(run("1") == run("4"));
}

/// Rounding differs, and sixty steps make more of it: the losses agree to 2%.
#[cfg(feature = "cuda")]
#[test]
fn a_gpu_finds_the_same_correction() {
    let gpu = match Device::new_cuda(0) {
        Ok(gpu) => gpu,
        Err(e) => return eprintln!("skipped: no GPU: {e}"),
    };
    let (graph, links) = network(1);
    let all = propagated(&links);
    let fit = |device: &Device| {
        let responses = &all;
        let task = Task { responses, graph: &graph, features: &[], seed: 3, device, checkpoint: None, resume: false };
        let mut gears = model("cosine = 0.1\ncontrastive = 0.1");
        let summary = gears.fit(&task, &mut Silent).unwrap();
        (all_predictions(&*gears), value(&summary, "inner.loss.network"))
    };
    let ((on_gpu, loss), (on_cpu, expected)) = (fit(&gpu), fit(&Device::Cpu));
    assert!((loss - expected).abs() < 0.02 * expected, "{loss}, expected {expected}");
    let r = pearson(&on_gpu, &on_cpu).unwrap();
    assert!(r > 0.99, "correlation of the predictions {r}");
}
