//! What every model of the registry promises.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use candle_core::Device;
use grn::data::{ControlProfile, FeatureKind, Features, Fold, GeneIndex, Perturbation, Quantity, Responses, Split};
use grn::graph::{GeneGraph, GraphBuilder};
use grn::predict::{
    Basis, PREDICTORS, PredictError, Prediction, Predictor, Saved, Spec, Task, Validation, cross_validate,
};
use grn::stats::Rng;
use grn::train::Silent;
use ndarray::{Array1, Array2};

const N_GENES: usize = 30;
const N_TARGETS: usize = 24;

/// Knockdowns of `G0`..`G23` and of `LOST`, which is neither measured nor in the graph; genes of the same third
/// respond alike.
fn responses() -> Responses {
    let mut rng = Rng::named(11, "conformance");
    let names: Vec<String> = (0..N_GENES).map(|g| format!("G{g}")).collect();
    let mut perturbations: Vec<Perturbation> = (0..N_TARGETS).map(|t| Perturbation::of([format!("G{t}")])).collect();
    perturbations.push(Perturbation::of(["LOST"]));
    let n = perturbations.len();
    let mut delta = Array2::from_shape_fn((n, N_GENES), |(i, g)| {
        let same_third = if i % 3 == g % 3 { 0.6 } else { -0.1 };
        (same_third + 0.1 * rng.normal()) as f32
    });
    (0..N_TARGETS).for_each(|i| delta[[i, i]] = -1.0);
    let small = |shape: (usize, usize), value: f32| Array2::from_elem(shape, value);
    Responses {
        genes: Arc::new(GeneIndex::new(&names).unwrap()),
        perturbations,
        delta,
        var: Some(small((n, N_GENES), 0.2)),
        third: Some(small((n, N_GENES), 0.05)),
        n_cells: vec![50; n],
        control: ControlProfile {
            mean: Array1::from_elem(N_GENES, 1.5),
            var: Some(Array1::from_elem(N_GENES, 0.2)),
            third: Some(Array1::from_elem(N_GENES, 0.05)),
            n_cells: 400,
        },
        significant: None,
        halves: None,
        quantity: Quantity::Level,
    }
}

/// Genes of the same third are joined; `G28` and `G29` are no nodes, `NEW` is one that is not measured.
fn graph() -> GeneGraph {
    let mut builder = GraphBuilder::new();
    let channel = builder.channel("string.experiments");
    for a in 0..28 {
        for b in (0..a).filter(|b| a % 3 == b % 3) {
            builder.add_undirected(&format!("G{a}"), &format!("G{b}"), 0.8, &[(channel, 0.7)]);
        }
    }
    builder.add_undirected("NEW", "G1", 0.5, &[(channel, 0.5)]);
    builder.build()
}

/// An embedding that knows the thirds: `LOST` has none.
fn features() -> [Features; 1] {
    let names = (0..N_GENES).map(|g| format!("G{g}")).chain(["NEW".to_owned()]);
    let genes = Arc::new(GeneIndex::new(names).unwrap());
    let third = |g: usize| if g < N_GENES { g % 3 } else { 1 };
    let values = Array2::from_shape_fn((genes.len(), 3), |(g, k)| if third(g) == k { 1.0 } else { 0.1 });
    [Features::new("thirds", FeatureKind::Embedding, genes, values).unwrap()]
}

fn settings(spec: &Spec) -> toml::Table {
    toml::from_str(spec.settings).unwrap()
}

fn fit(spec: &Spec, responses: &Responses, threads: usize) -> Box<dyn Predictor> {
    let (graph, features, device) = (graph(), features(), Device::Cpu);
    let (graph, features, device) = (&graph, &features, &device);
    let task = Task { responses, graph, features, seed: 3, device, checkpoint: None, resume: false };
    let mut model = (spec.build)(&settings(spec)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| model.fit(&task, &mut Silent)).unwrap();
    model
}

fn queries() -> Vec<Perturbation> {
    let single = ["G0", "G27", "G28", "NEW", "LOST"].map(|g| Perturbation::of([g]));
    single.into_iter().chain([Perturbation::of(["G0", "G4"])]).collect()
}

fn bits(prediction: &Prediction) -> Vec<u32> {
    prediction.delta.mean.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn the_example_settings_are_the_defaults_and_unknown_settings_are_refused() {
    for spec in PREDICTORS {
        assert!((spec.build)(&settings(spec)).is_ok(), "{}", spec.name);
        let wrong = toml::Table::from_iter([("no_such_setting".to_owned(), toml::Value::Integer(1))]);
        assert!(matches!((spec.build)(&wrong), Err(PredictError::BadConfig { .. })), "{}", spec.name);
    }
}

#[test]
fn a_model_that_was_not_fitted_says_so() {
    for spec in PREDICTORS {
        let model = (spec.build)(&settings(spec)).unwrap();
        assert_eq!(model.name(), spec.name);
        let got = model.predict(&Perturbation::of(["G0"]));
        assert!(matches!(got, Err(PredictError::NotFitted { .. })), "{}", spec.name);
    }
}

#[test]
fn threads_and_saving_change_no_bit() {
    let responses = responses();
    for spec in PREDICTORS {
        let (one, four) = (fit(spec, &responses, 1), fit(spec, &responses, 4));
        let dir = tempfile::tempdir().unwrap();
        one.save(dir.path()).unwrap();
        let (graph, features, device) = (graph(), features(), Device::Cpu);
        let genes = Arc::clone(&responses.genes);
        let saved = Saved { dir: dir.path(), genes, graph: &graph, features: &features, device: &device };
        let loaded = (spec.load)(&saved).unwrap();
        for query in queries() {
            let expected = one.predict(&query).unwrap();
            for other in [&four, &loaded] {
                let got = other.predict(&query).unwrap();
                assert_eq!((bits(&got), got.basis), (bits(&expected), expected.basis), "{} {query}", spec.name);
            }
        }
    }
}

#[test]
fn predictions_are_finite_over_the_measured_genes_and_nothing_happens_in_the_control() {
    let responses = responses();
    for spec in PREDICTORS {
        let model = fit(spec, &responses, 2);
        for query in queries() {
            let prediction = model.predict(&query).unwrap();
            assert_eq!(prediction.delta.genes, responses.genes, "{} {query}", spec.name);
            assert!(prediction.delta.mean.iter().all(|v| v.is_finite()), "{} {query}", spec.name);
        }
        let control = model.predict(&Perturbation::control()).unwrap();
        assert!(control.delta.mean.iter().all(|v| *v == 0.0), "{}", spec.name);
        // What was measured in training is all that the additive baseline knows.
        let unknown = if spec.name == "additive" { "G28" } else { "LOST" };
        let lost = model.predict(&Perturbation::of([unknown])).unwrap();
        assert_eq!(lost.basis, Basis::Fallback, "{}", spec.name);
    }
}

#[test]
fn a_misspelt_gene_is_an_error_with_close_spellings() {
    let responses = responses();
    for spec in PREDICTORS {
        match fit(spec, &responses, 2).predict(&Perturbation::of(["g27"])) {
            Err(PredictError::UnknownTarget { name, suggestions }) => {
                assert_eq!((name.as_str(), suggestions[0].as_str()), ("g27", "G27"), "{}", spec.name);
            }
            other => panic!("{}: {other:?}", spec.name),
        }
    }
}

#[test]
fn what_is_held_out_is_not_seen() {
    let (responses, graph, features, device) = (responses(), graph(), features(), Device::Cpu);
    let mut changed = responses.clone();
    (0..5).for_each(|row| changed.delta.row_mut(row).fill(7.0));
    let fold = |name: &str, held_out: Vec<usize>| Fold { name: name.into(), held_out };
    let split = Split { n: responses.len(), folds: vec![fold("a", (0..5).collect()), fold("b", (5..25).collect())] };
    for spec in PREDICTORS {
        let settings = settings(spec);
        let out_of_fold = |responses: &Responses| {
            let (graph, features, split, device, settings) = (&graph, &features, &split, &device, &settings);
            cross_validate(
                &Validation { spec, settings, responses, graph, split, features, seed: 3, device },
                &mut Silent,
            )
            .unwrap()
        };
        let (before, after) = (out_of_fold(&responses), out_of_fold(&changed));
        let held_out = |x: &Array2<f32>| x.slice(ndarray::s![..5, ..]).to_owned();
        assert_eq!(held_out(&before.delta), held_out(&after.delta), "{}", spec.name);
        assert_ne!(before.delta, after.delta, "{}: the other fold learns from the changed rows", spec.name);
    }
}
