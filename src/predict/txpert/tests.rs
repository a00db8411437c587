//! What the model promises beyond `tests/conformance.rs`.

use candle_core::Device;
use ndarray::{Array1, Array2};

use super::*;
use crate::data::{ControlProfile, GeneIndex, Quantity};
use crate::graph::{GeneGraph, GraphBuilder};
use crate::nn::AdamW;
use crate::stats::{Rng, pearson};
use crate::train::Silent;

const N: usize = 40;

/// Genes of the same quarter are linked and answer alike.
fn screen() -> (Responses, GeneGraph) {
    let mut rng = Rng::named(1, "screen");
    let name = |g: usize| format!("G{g}");
    let mut builder = GraphBuilder::new();
    for a in 0..N {
        for b in (0..a).filter(|b| a % 4 == b % 4) {
            builder.add_undirected(&name(a), &name(b), 0.8, &[]);
        }
    }
    let delta = Array2::from_shape_fn((N, N), |(p, g)| {
        let answer = [1.0, -1.0, 0.5, 0.0][(p + g) % 4];
        (answer + 0.1 * rng.normal()) as f32
    });
    let responses = Responses {
        genes: Arc::new(GeneIndex::new((0..N).map(name)).unwrap()),
        perturbations: (0..N).map(|p| Perturbation::of([name(p)])).collect(),
        delta,
        var: None,
        third: None,
        n_cells: vec![0; N],
        control: ControlProfile { mean: Array1::from_elem(N, 1.0), var: None, third: None, n_cells: 0 },
        significant: None,
        halves: None,
        quantity: Quantity::Effect,
    };
    (responses, builder.build())
}

fn task<'a>(responses: &'a Responses, graph: &'a GeneGraph) -> Task<'a> {
    Task { responses, graph, features: &[], seed: 3, device: &Device::Cpu, checkpoint: None, resume: false }
}

#[test]
fn unseen_targets_answer_like_their_neighbours() {
    let (all, graph) = screen();
    let seen = all.subset(&(0..32).collect::<Vec<_>>());
    let mut model = build(&toml::Table::new()).unwrap();
    model.fit(&task(&seen, &graph), &mut Silent).unwrap();
    for p in 32..N {
        let predicted = model.predict(&all.perturbations[p]).unwrap();
        let r = pearson(&predicted.delta.mean, &all.delta.row(p).to_vec()).unwrap();
        assert!(r > 0.9, "perturbation {p}: {r}");
    }
}

#[test]
fn every_variable_has_a_gradient() {
    let (all, graph) = screen();
    let (config, of) = (Config::default(), task(&all, &graph));
    let fit = Fit::new(&config, &of).unwrap();
    let network = fit.network().unwrap();
    let rows = fit.rows(&(0..N).collect::<Vec<_>>(), &all.mean_delta()).unwrap();
    let mut adam = AdamW::new(&network.vars, crate::nn::AdamWSettings::default()).unwrap();
    // The last layer starts at zero: what lies before it has a gradient after a step.
    for step in 0..3 {
        let grads = rows.loss(&network).unwrap().backward().unwrap();
        for (name, var) in network.vars.iter().filter(|_| step == 2) {
            let grad: Vec<f32> = grads.get(var).expect(name).flatten_all().unwrap().to_vec1().unwrap();
            assert!(grad.iter().all(|g| g.is_finite()) && grad.iter().any(|g| *g != 0.0), "{name}");
        }
        adam.update(&network.vars, &grads, 0.01, 1.0).unwrap();
    }
}

#[test]
fn the_example_settings_are_the_defaults() {
    let table: toml::Table = SPEC.settings.parse().unwrap();
    assert_eq!(table.try_into::<Config>().unwrap(), Config::default());
    for text in ["hiden = 3", "heads = 3", "layers = 0", "validation = 0.9"] {
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
        let mut model = build(&"steps = 2\nvalidation = 0.0".parse().unwrap()).unwrap();
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
