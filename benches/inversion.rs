//! Finding causes on a network as large as a genome: 18,080 genes, 300,000 edges.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, LazyLock, OnceLock};

use divan::Bencher;
use grn::data::{ControlProfile, GeneIndex, Perturbation, Quantity, Responses};
use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::predict::Basis;
use grn::rank::{Asked, Atlas, Candidates, Frame, Known, Own, Queries, Response, ResponseSettings, SCORERS, Scorer};
use grn::stats::Rng;
use ndarray::{Array1, Array2};

const GENES: usize = 18_080;
const EDGES: usize = 300_000;
const PERTURBATIONS: usize = 150;

fn main() {
    divan::main();
}

/// Random changes, a random graph, and a response with random effects on its edges.
struct World {
    responses: Responses,
    graph: GeneGraph,
    effects: Vec<(u32, u32, f32)>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut rng = Rng::named(1, "inversion bench");
    let genes = Arc::new(GeneIndex::new((0..GENES).map(|g| format!("G{g}"))).unwrap());
    let mut builder = GraphBuilder::new();
    let mut effects = Vec::new();
    for _ in 0..EDGES {
        // A few regulators have many targets.
        let source = (GENES as f64 * rng.uniform().powi(2)) as usize;
        let target = rng.below(GENES);
        builder.add(&genes.names()[source], &genes.names()[target], 0.5, Sign::Unknown, &[]);
        effects.push((target as u32, source as u32, 0.1 * rng.normal() as f32));
    }
    effects.sort_unstable_by_key(|e| (e.0, e.1));
    effects.dedup_by_key(|e| (e.0, e.1));
    effects.retain(|e| e.0 != e.1);
    let responses = Responses {
        perturbations: (0..PERTURBATIONS).map(|p| Perturbation::of([format!("G{p}")])).collect(),
        delta: Array2::from_shape_simple_fn((PERTURBATIONS, GENES), || 0.1 * rng.normal() as f32),
        var: Some(Array2::from_elem((PERTURBATIONS, GENES), 0.25)),
        third: None,
        n_cells: vec![100; PERTURBATIONS],
        control: ControlProfile {
            mean: Array1::zeros(GENES),
            var: Some(Array1::from_elem(GENES, 0.25)),
            third: None,
            n_cells: 10_000,
        },
        significant: None,
        halves: None,
        quantity: Quantity::Level,
        genes,
    };
    World { responses, graph: builder.build(), effects }
});

impl World {
    fn response(&self) -> Response {
        Response::of_effects(&self.effects, &self.responses, &ResponseSettings::default()).unwrap()
    }

    fn scorer(&self, name: &str, frame: &Frame) -> Box<dyn Scorer> {
        let response = OnceLock::new();
        assert!(response.set(self.response()).is_ok());
        let atlas = Arc::new(Atlas {
            candidates: Candidates::default(),
            axes: Array2::zeros((GENES, 0)),
            scores: Array2::zeros((0, 0)),
            whitened: Array2::zeros((0, 0)),
            precision: Array2::zeros((0, 0)),
            own: Vec::new(),
            distance: Vec::new(),
            spread: Vec::new(),
            basis: Vec::<Basis>::new(),
        });
        let known = Known {
            responses: &self.responses,
            graph: &self.graph,
            frame,
            atlas: &atlas,
            response: &response,
            covariance: None,
            seed: 0,
        };
        (SCORERS.iter().find(|s| s.name == name).unwrap().fit)(&known).unwrap()
    }
}

fn ask(bencher: Bencher<'_, '_>, name: &str, n: usize) {
    let world = &*WORLD;
    let frame = Frame::new(&world.responses);
    let scorer = world.scorer(name, &frame);
    let queries = Queries::of_responses(&world.responses, &(0..n).collect::<Vec<_>>());
    let asked = Asked::new(&queries, &frame, 1.0);
    let candidates = Candidates::of(world.responses.genes.names().iter().cloned(), &world.responses, &world.graph);
    bencher.bench(|| scorer.scores(&asked, &candidates, Own::Excluded));
}

#[divan::bench(args = ["regulon", "inversion", "signs", "walk"], sample_count = 5)]
fn one_query(bencher: Bencher<'_, '_>, scorer: &str) {
    ask(bencher, scorer, 1);
}

#[divan::bench(args = ["regulon", "inversion", "signs", "walk"], sample_count = 3)]
fn all_queries(bencher: Bencher<'_, '_>, scorer: &str) {
    ask(bencher, scorer, PERTURBATIONS);
}

#[divan::bench(sample_count = 2)]
fn fit_response(bencher: Bencher<'_, '_>) {
    let world = &*WORLD;
    let settings = ResponseSettings::default();
    bencher.bench(|| Response::fit(&world.responses, &world.graph, None, &settings));
}

/// The columns of the inverse, with the response that they come from.
#[divan::bench(sample_count = 2)]
fn columns(bencher: Bencher<'_, '_>) {
    let frame = Frame::new(&WORLD.responses);
    bencher.bench(|| WORLD.scorer("inversion", &frame));
}
