//! What the published form promises beyond `tests/conformance.rs`, on screens drawn here.

use ndarray::Array1;

use super::*;
use crate::data::{ControlProfile, Quantity};
use crate::graph::{GeneGraph, GraphBuilder};
use crate::nn::AdamW;
use crate::stats::{Rng, pearson};
use crate::train::{Progress, Silent, Steps};

const N: usize = 48;

fn name(gene: usize) -> String {
    format!("G{gene}")
}

/// Genes of the same quarter are linked and answer alike.
fn screen() -> (Responses, GeneGraph) {
    let (mut rng, mut builder) = (Rng::named(1, "screen"), GraphBuilder::new());
    let channel = builder.channel("coexpression");
    for a in 0..N {
        for b in (0..a).filter(|b| a % 4 == b % 4) {
            builder.add_undirected(&name(a), &name(b), 0.8, &[(channel, 0.9)]);
        }
    }
    let answer = |p: usize, g: usize| [1.0, -1.0, 0.5, 0.0][(p + g) % 4];
    let delta = Array2::from_shape_fn((N, N), |(p, g)| (answer(p, g) + 0.1 * rng.normal()) as f32);
    let matrix = |v: f32| Array2::from_elem((N, N), v);
    let responses = Responses {
        genes: Arc::new(GeneIndex::new((0..N).map(name)).unwrap()),
        perturbations: (0..N).map(|p| Perturbation::of([name(p)])).collect(),
        delta,
        var: Some(matrix(0.2)),
        third: Some(matrix(0.0)),
        n_cells: vec![50; N],
        control: ControlProfile {
            mean: Array1::from_elem(N, 1.5),
            var: Some(Array1::from_elem(N, 0.2)),
            third: Some(Array1::zeros(N)),
            n_cells: 200,
        },
        significant: None,
        halves: None,
        quantity: Quantity::Level,
    };
    (responses, builder.build())
}

fn task<'a>(responses: &'a Responses, graph: &'a GeneGraph) -> Task<'a> {
    Task { responses, graph, features: &[], seed: 3, device: &Device::Cpu, checkpoint: None, resume: false }
}

fn model(more: &str) -> Box<dyn Predictor> {
    let mut table: toml::Table = "hidden = 16\nlearning_rate = 0.02\nsteps = 100".parse().unwrap();
    table.extend(more.parse::<toml::Table>().unwrap());
    build(&table).unwrap()
}

fn fitted(responses: &Responses, graph: &GeneGraph, more: &str) -> (Box<dyn Predictor>, FitSummary) {
    let mut gears = model(more);
    let summary = gears.fit(&task(responses, graph), &mut Silent).unwrap();
    (gears, summary)
}

fn all_predictions(model: &dyn Predictor) -> Vec<f32> {
    (0..N).flat_map(|g| model.predict(&Perturbation::of([name(g)])).unwrap().delta.mean).collect()
}

fn value(summary: &FitSummary, name: &str) -> f64 {
    summary.values.iter().find(|(n, _)| n == name).unwrap().1
}

#[test]
fn unseen_targets_answer_like_their_neighbours() {
    let (all, graph) = screen();
    let seen = all.subset(&(0..40).collect::<Vec<_>>());
    for loss in ["autofocus", "mse"] {
        let (gears, summary) = fitted(&seen, &graph, &format!("loss = '{loss}'"));
        assert!(summary.notices.is_empty(), "{:?}", summary.notices);
        assert!(value(&summary, "inner.mse") < 0.5 * value(&summary, "inner.mse.no_change"));
        let r = |p: usize| {
            let predicted = gears.predict(&all.perturbations[p]).unwrap().delta.mean;
            pearson(&predicted, &all.delta.row(p).to_vec()).unwrap()
        };
        let mean = (40..N).map(r).sum::<f64>() / (N - 40) as f64;
        assert!(mean > 0.8, "{loss}: {mean}");
    }
}

#[test]
fn every_variable_has_a_gradient() {
    let (all, graph) = screen();
    let (config, of) = (Config::default(), task(&all, &graph));
    let fit = Fit::new(&config, &of, &mut FitSummary::default()).unwrap();
    let network = Network::new((graph.n_genes(), N), 16, 1, &Device::Cpu).unwrap();
    let mut training = Training::new(&network, &fit.shared, (all.clone(), fit.nodes.clone()), None, 1).unwrap();
    let mut adam = AdamW::new(&network.vars, crate::nn::AdamWSettings::default()).unwrap();
    for step in 0..2 {
        let grads = training.loss(step).unwrap().backward().unwrap();
        for (name, var) in network.vars.iter() {
            let grad: Vec<f32> = grads.get(var).expect(name).flatten_all().unwrap().to_vec1().unwrap();
            assert!(grad.iter().all(|g| g.is_finite()) && grad.iter().any(|g| *g != 0.0), "{name}");
        }
        adam.update(&network.vars, &grads, 0.01, 1.0).unwrap();
    }
}

#[test]
fn tables_without_cells_are_told_what_is_used_instead() {
    let (mut all, graph) = screen();
    all.var = None;
    let (_, summary) = fitted(&all, &graph, "steps = 5");
    assert!(summary.notices.iter().any(|n| n.0.contains("autofocus")), "{:?}", summary.notices);
    let (_, summary) = fitted(&all, &GraphBuilder::from_graph(&graph.permuted(1)).build(), "loss = 'mse'\nsteps = 5");
    assert!(summary.notices.is_empty(), "{:?}", summary.notices);
    let mut plain = GraphBuilder::new();
    (1..N).for_each(|g| plain.add_undirected(&name(g), &name(g - 1), 0.5, &[]));
    let (_, summary) = fitted(&all, &plain.build(), "loss = 'mse'\nsteps = 5");
    assert!(summary.notices.iter().any(|n| n.0.contains("coexpression")), "{:?}", summary.notices);
}

#[test]
fn steps_of_few_perturbations_and_saving_change_no_bit() {
    let (all, graph) = screen();
    let (gears, _) = fitted(&all, &graph, "batch = 20\nsteps = 20");
    let dir = tempfile::tempdir().unwrap();
    gears.save(dir.path()).unwrap();
    let genes = Arc::clone(&all.genes);
    let saved = Saved { dir: dir.path(), genes, graph: &graph, features: &[], device: &Device::Cpu };
    assert_eq!(all_predictions(&*load(&saved).unwrap()), all_predictions(&*gears));
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
    let (all, graph) = screen();
    let more = "steps = 30\nbatch = 20";
    let (whole, expected) = fitted(&all, &graph, more);
    for at in [7, 33] {
        let dir = tempfile::tempdir().unwrap();
        let of = |resume| Task { checkpoint: Some(dir.path()), resume, ..task(&all, &graph) };
        let error = model(more).fit(&of(false), &mut StopAt(at, 0)).unwrap_err();
        assert!(matches!(error, PredictError::Interrupted { step, .. } if step >= at), "{error}");
        let mut gears = model(more);
        assert_eq!(gears.fit(&of(true), &mut Silent).unwrap().values, expected.values);
        assert_eq!(all_predictions(&*gears), all_predictions(&*whole));
    }
}

#[test]
fn the_example_settings_are_the_defaults() {
    let table: toml::Table = super::super::SPEC.settings.parse().unwrap();
    assert_eq!(table.try_into::<Config>().unwrap(), Config::default());
    for text in ["hiden = 3", "hidden = 0", "batch = 0", "validation = 0.9", "weights = 'model.pt'"] {
        assert!(matches!(build(&text.parse().unwrap()), Err(PredictError::BadConfig { .. })), "{text}");
    }
}

/// On a GPU and on the CPU, two steps from the same values, then saved and loaded on the other device. Adam divides a
/// gradient by its size, so that a gradient that is zero but for rounding may move a weight either way: predictions agree
/// to 1%, not to the last bits.
#[cfg(feature = "cuda")]
#[test]
fn a_gpu_trains_and_loads_as_the_cpu_does() {
    let gpu = match Device::new_cuda(0) {
        Ok(gpu) => gpu,
        Err(e) => return eprintln!("skipped: no GPU: {e}"),
    };
    let (all, graph) = screen();
    let predictions = |device: &Device, trained_on: &Device| -> Vec<f32> {
        let mut model = build(&"hidden = 16\nsteps = 2\nvalidation = 0.0".parse().unwrap()).unwrap();
        model.fit(&Task { device: trained_on, ..task(&all, &graph) }, &mut Silent).unwrap();
        let dir = tempfile::tempdir().unwrap();
        model.save(dir.path()).unwrap();
        let genes = Arc::clone(&all.genes);
        let model = load(&Saved { dir: dir.path(), genes, graph: &graph, features: &[], device }).unwrap();
        all.perturbations.iter().flat_map(|p| model.predict(p).unwrap().delta.mean).collect()
    };
    let expected = predictions(&Device::Cpu, &Device::Cpu);
    let size = expected.iter().fold(0f32, |s, v| s.max(v.abs()));
    for (device, trained_on) in [(&gpu, &gpu), (&Device::Cpu, &gpu), (&gpu, &Device::Cpu)] {
        let got = predictions(device, trained_on);
        let off = got.iter().zip(&expected).fold(0f32, |o, (a, b)| o.max((a - b).abs()));
        assert!(off < 0.01 * size, "off by {off} of {size}");
    }
}
