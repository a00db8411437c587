//! Finding the cause of simulated changes, own readings excluded.
//!
//! `GRN_RANK_SIMULATION=full cargo nextest run --release --test rank_simulated --no-capture` prints the table of every
//! scorer on a thousand genes, two seeds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/rank_simulation.rs"]
mod rank_simulation;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use candle_core::Device;
use grn::data::Responses;
use grn::predict::{PredictError, Predictor, Task, spec};
use grn::rank::{
    Asked, Candidates, Known, Lesson, Own, Queries, Ranker, Response, ResponseSettings, SCORERS, ScorerSpec, mid_rank,
    query_metrics,
};
use grn::train::Silent;
use ndarray::{Array2, ArrayView1};
use rank_simulation::{Simulation, Size, simulate};

const SMALL: Size = Size { genes: 300, training: 60, queries: 30, cells: 600 };
const FULL: Size = Size { genes: 1000, training: 200, queries: 80, cells: 2000 };

/// Means of `mrr`, `relevant_hit@10` and `relevant_hit@40` per row of the table and set of queries.
type Table = BTreeMap<(String, &'static str), [f64; 3]>;

fn metrics(scores: ArrayView1<'_, f32>, truth: &[usize]) -> [f64; 3] {
    let scores: Vec<f64> = scores.iter().map(|s| f64::from(*s)).collect();
    let positions: Vec<f64> = truth.iter().map(|&t| mid_rank(&scores, t)).collect();
    let all: BTreeMap<String, f64> = query_metrics(&positions).into_iter().collect();
    ["mrr", "relevant_hit@10", "relevant_hit@40"].map(|name| all[name])
}

/// The mean model, which tells no candidate from another: what is found is found by the linear response.
fn mean(responses: &Responses, simulation: &Simulation) -> Result<Box<dyn Predictor>, PredictError> {
    let mut model = (spec("mean")?.build)(&toml::Table::new())?;
    let (graph, device) = (&simulation.prior, &Device::Cpu);
    let task = Task { responses, graph, features: &[], seed: 0, device, checkpoint: None, resume: false };
    model.fit(&task, &mut Silent)?;
    Ok(model)
}

/// Scorers that rest on the response, the walk, and controls.
const SHOWN: [&str; 10] = [
    "regulon",
    "regulon-unclipped",
    "inversion",
    "inversion-unclipped",
    "interpolation",
    "signs",
    "walk",
    "retrieval",
    "degree",
    "random",
];

/// What the joint score weighs: nothing of the forward model, which knows nothing here.
const JOINED: [&str; 6] = ["regulon", "regulon-unclipped", "inversion", "inversion-unclipped", "signs", "walk"];

/// One way of ranking: its row in the table and its scores for a set of queries.
type Way<'a> = (String, Box<dyn Fn(&Queries) -> Array2<f32> + 'a>);

fn named(name: &str) -> &'static ScorerSpec {
    SCORERS.iter().find(|s| s.name == name).unwrap()
}

/// A scorer on a given response.
fn with_response<'a>(
    row: &str,
    scorer: &str,
    response: Response,
    simulation: &Simulation,
    ranker: &'a Ranker,
) -> Way<'a> {
    let cell = OnceLock::new();
    assert!(cell.set(response).is_ok());
    let known = Known {
        responses: &simulation.training,
        graph: &simulation.prior,
        frame: &ranker.frame,
        atlas: &ranker.atlas,
        response: &cell,
        covariance: Some(&simulation.covariance),
        seed: 0,
    };
    let fitted = (named(scorer).fit)(&known).unwrap();
    let scores = move |queries: &Queries| {
        let asked = Asked::new(queries, &ranker.frame, 1.0);
        fitted.scores(&asked, &ranker.atlas.candidates, Own::Excluded).unwrap()
    };
    (row.to_owned(), Box::new(scores))
}

/// The joint score of a learned ranker.
fn joint(ranker: &Ranker, queries: &Queries) -> Array2<f32> {
    let readings = ranker.read(queries, 1.0, Own::Excluded).unwrap();
    let joint = ranker.calibration.joint(Own::Excluded);
    let mut out = Array2::zeros((queries.len(), ranker.atlas.candidates.len()));
    for (name, weight) in joint.features.iter().zip(&joint.weights) {
        let (_, scores) = readings.scores.iter().find(|(s, _)| s.name == name).unwrap();
        out.scaled_add(*weight as f32, scores);
    }
    out
}

/// Mean metrics of every way and set of queries.
fn table(simulation: &Simulation, shown: &[&str], calibrated: bool) -> Table {
    let fit = |responses: &Responses| mean(responses, simulation);
    let joined: Vec<&'static ScorerSpec> = JOINED.iter().map(|name| named(name)).collect();
    let lesson = Lesson {
        fit: &fit,
        responses: &simulation.training,
        graph: &simulation.prior,
        covariance: Some(&simulation.covariance),
        scorers: &joined,
        seed: 0,
    };
    let candidates = Candidates::of(simulation.genes.names().iter().cloned(), &simulation.training, &simulation.prior);
    let ranker = lesson.learn(candidates, calibrated, &mut |_| {}).unwrap();
    let settings = ResponseSettings::default();
    let fitted = |covariance, settings: &ResponseSettings| {
        Response::fit(&simulation.training, &simulation.prior, covariance, settings).unwrap()
    };
    let cells = Some(&simulation.covariance);
    let learned = fitted(cells, &settings);
    let truth = Response::of_effects(&simulation.effects, &simulation.training, &settings).unwrap();
    let keep = ResponseSettings { programmes: 0, ..settings.clone() };
    let with_programmes = fitted(cells, &keep);
    let truth_with = Response::of_effects(&simulation.effects, &simulation.training, &keep).unwrap();
    let on = |row: &str, scorer: &str, response: &Response| {
        with_response(row, scorer, response.clone(), simulation, &ranker)
    };
    let mut ways = vec![
        on("true W, regulon", "regulon", &truth),
        on("true W, inversion", "inversion", &truth),
        on("true W, inversion, programmes kept", "inversion", &truth_with),
        on("true W, inversion-unclipped", "inversion-unclipped", &truth),
        on("regulon, without control cells", "regulon", &fitted(None, &settings)),
        on("regulon, programmes kept", "regulon", &with_programmes),
        on("inversion, programmes kept", "inversion", &with_programmes),
    ];
    ways.extend(shown.iter().map(|scorer| on(scorer, scorer, &learned)));
    if calibrated {
        ways.push(("score".to_owned(), Box::new(|queries| joint(&ranker, queries))));
        println!("joint score: {:?}", ranker.calibration.excluded);
    }
    let mut table = Table::new();
    for (row, scores) in &ways {
        for (set, queries, truth) in &simulation.queries {
            let scores = scores(queries);
            let all = scores.outer_iter().zip(truth).map(|(scores, truth)| metrics(scores, truth));
            let sum = all.fold([0.0; 3], |sum, m| std::array::from_fn(|k| sum[k] + m[k]));
            table.insert((row.clone(), *set), sum.map(|s| s / queries.len() as f64));
        }
    }
    table
}

/// Prints the mean of several tables, a line per way.
fn print(tables: &[Table], sets: &[&'static str]) {
    println!("{:<36} {}", "", sets.join("             "));
    let mut rows: Vec<&String> = tables[0].keys().map(|(row, _)| row).collect();
    rows.dedup();
    for row in rows {
        let cell = |set: &&'static str| {
            let key = (row.clone(), *set);
            let mean = |k: usize| tables.iter().map(|t| t[&key][k]).sum::<f64>() / tables.len() as f64;
            format!("{:.3}/{:.3}/{:.3}", mean(0), mean(1), mean(2))
        };
        println!("{row:<36} {}", sets.iter().map(cell).collect::<Vec<_>>().join("  "));
    }
}

#[test]
fn the_response_finds_causes_that_were_never_perturbed() {
    if std::env::var("GRN_RANK_SIMULATION").is_ok_and(|v| v == "full") {
        return full();
    }
    let simulation = simulate(SMALL, 1);
    let table = table(&simulation, &["regulon", "inversion", "walk"], false);
    print(std::slice::from_ref(&table), &["unseen", "context", "seen", "inhibitor", "pairs"]);
    let mrr = |row: &str, set: &'static str| table[&(row.to_owned(), set)][0];
    for set in ["unseen", "inhibitor", "pairs"] {
        assert!(mrr("regulon", set) > mrr("walk", set), "{set}: learned effects tell more than edges");
        assert!(mrr("regulon", set) > mrr("regulon, without control cells", set), "{set}: control cells help");
        assert!(mrr("regulon", set) > mrr("regulon, programmes kept", set), "{set}: so does what they share");
        assert!(mrr("true W, inversion", set) > mrr("inversion", set), "{set}: nothing beats the truth");
    }
}

/// The whole table; numbers are `mrr`/`relevant_hit@10`/`relevant_hit@40`.
fn full() {
    let mut tables = Vec::new();
    for seed in [1, 2] {
        let simulation = simulate(FULL, seed);
        let (screened, median) = simulation.screened;
        println!(
            "seed {seed}: {screened} screened genes, median {median} changes, {} prior edges",
            simulation.prior.n_edges()
        );
        tables.push(table(&simulation, &SHOWN, true));
    }
    print(&tables, &["unseen", "context", "seen", "inhibitor", "pairs"]);
}
