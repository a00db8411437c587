//! What must hold of every scorer and of the joint score, on a screen that is made here.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use grn::data::{ControlProfile, Delta, GeneIndex, Perturbation, Quantity, Responses};
use grn::graph::{GeneGraph, GraphBuilder};
use grn::predict::{Basis, FitSummary, PredictError, Prediction, Predictor, Task};
use grn::rank::{
    Candidates, Lesson, Mode, Own, Queries, RankOptions, Ranker, Ranking, SCORERS, ScorerSpec, query_metrics,
};
use grn::stats::Rng;
use grn::train::Observer;
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

const GENES: usize = 60;
const TRAINED: usize = 40;

fn name(i: usize) -> String {
    format!("G{i:02}")
}

/// What a knockdown does: neighbours on a ring change, less with distance, and the gene itself falls.
fn effect(i: usize, gene: usize) -> f32 {
    let apart = (i + GENES - gene) % GENES;
    match apart.min(GENES - apart) {
        0 => -2.0,
        d @ 1..=8 => (1.0 - d as f32 / 9.0) * if gene.is_multiple_of(3) { -1.0 } else { 1.0 },
        _ => 0.0,
    }
}

fn responses() -> Responses {
    let mut rng = Rng::named(3, "rank.properties");
    let delta = Array2::from_shape_fn((TRAINED, GENES), |(i, g)| effect(i, g) + 0.1 * rng.normal() as f32);
    Responses {
        genes: Arc::new(GeneIndex::new((0..GENES).map(name)).unwrap()),
        perturbations: (0..TRAINED).map(|i| Perturbation::of([name(i)])).collect(),
        var: Some(Array2::from_elem((TRAINED, GENES), 1.0)),
        third: None,
        n_cells: vec![100; TRAINED],
        control: ControlProfile {
            mean: Array1::from_elem(GENES, 1.0),
            var: Some(Array1::from_elem(GENES, 1.0)),
            third: None,
            n_cells: 100,
        },
        delta,
        significant: None,
        halves: None,
        quantity: Quantity::Level,
    }
}

fn graph() -> GeneGraph {
    let mut builder = GraphBuilder::new();
    for i in 0..GENES {
        builder.add_undirected(&name(i), &name((i + 1) % GENES), 0.5, &[]);
        builder.add_undirected(&name(i), &name((i + 2) % GENES), 0.9, &[]);
    }
    builder.build()
}

/// Knows what every knockdown does.
struct Oracle;

impl Predictor for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn fit(&mut self, _: &Task<'_>, _: &mut dyn Observer) -> Result<FitSummary, PredictError> {
        Ok(FitSummary::default())
    }

    fn predict(&self, perturbation: &Perturbation) -> Result<Prediction, PredictError> {
        let genes = Arc::new(GeneIndex::new((0..GENES).map(name))?);
        let gene = genes.expect(&perturbation.targets()[0])?.index();
        let delta = Delta::new(genes, (0..GENES).map(|g| effect(gene, g)).collect(), None)?;
        Ok(Prediction { delta, basis: Basis::Graph, distance: Some(0.5) })
    }

    fn save(&self, _: &Path) -> Result<(), PredictError> {
        Ok(())
    }
}

/// All scorers, joined as learned.
fn ranker() -> &'static Ranker {
    static RANKER: OnceLock<Ranker> = OnceLock::new();
    RANKER.get_or_init(|| {
        let (responses, graph) = (responses(), graph());
        let fit = |_: &Responses| -> Result<Box<dyn Predictor>, PredictError> { Ok(Box::new(Oracle)) };
        let scorers: Vec<&'static ScorerSpec> = SCORERS.iter().collect();
        let lesson =
            Lesson { fit: &fit, responses: &responses, graph: &graph, covariance: None, scorers: &scorers, seed: 0 };
        let candidates = Candidates::of((0..GENES).map(|i| Arc::from(name(i).as_str())), &responses, &graph);
        lesson.learn(candidates, true, &mut |_| {}).unwrap()
    })
}

/// The change of an untrained knockdown, with `by` added to one gene.
fn queries(cause: usize, gene: usize, by: &[f32]) -> Queries {
    let mut rng = Rng::named(7, "rank.properties.query");
    let change = Array1::from_shape_fn(GENES, |g| effect(cause, g) + 0.1 * rng.normal() as f32);
    let mut delta = Array2::zeros((by.len(), GENES));
    for (mut row, by) in delta.axis_iter_mut(Axis(0)).zip(by) {
        row.assign(&change);
        row[gene] += by;
    }
    let error = Some(Array2::from_elem(delta.raw_dim(), 0.14));
    Queries { names: (0..by.len()).map(|i| format!("q{i}")).collect(), delta, error, known: vec![true; GENES] }
}

fn rank(queries: &Queries, mode: Mode, own: Own) -> Vec<Ranking> {
    let all: Vec<usize> = (0..GENES).collect();
    ranker().rank(queries, &all, &RankOptions { mode, own, ..RankOptions::default() }).unwrap()
}

fn score(ranking: &Ranking, gene: usize) -> (f64, &[f32]) {
    let row = ranking.rows.iter().find(|r| r.gene.as_ref() == name(gene)).unwrap();
    (row.score, &row.scores)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn with_the_own_reading_excluded_no_score_depends_on_the_own_gene(
        cause in TRAINED..GENES,
        gene in 0..GENES,
        by in prop_oneof![-3.0f32..3.0, -1e6f32..1e6],
        mode in prop_oneof![Just(Mode::Knockdown), Just(Mode::Inhibition), Just(Mode::Activation), Just(Mode::Any)],
    ) {
        let rankings = rank(&queries(cause, gene, &[0.0, by]), mode, Own::Excluded);
        // To the last bit, for every scorer and for their joint score.
        prop_assert_eq!(score(&rankings[0], gene), score(&rankings[1], gene));
    }

    #[test]
    fn recall_is_the_mean_of_exact_and_relevant_hits(a in 1u32..200, b in 1u32..200, two: bool) {
        let positions = if two { vec![f64::from(a), f64::from(b) + 0.5] } else { vec![f64::from(a)] };
        let metrics = query_metrics(&positions);
        let value = |name: &str| metrics.iter().find(|m| m.0 == name).unwrap().1;
        for k in grn::rank::KS {
            let mean = f64::midpoint(value(&format!("exact_hit@{k}")), value(&format!("relevant_hit@{k}")));
            prop_assert_eq!(value(&format!("recall@{k}")), mean);
        }
    }
}

#[test]
fn other_genes_and_the_own_reading_where_it_is_used_do_count() {
    let of_others = rank(&queries(50, 20, &[0.0, 2.0]), Mode::Knockdown, Own::Excluded);
    assert_ne!(score(&of_others[0], 19), score(&of_others[1], 19));
    let own = rank(&queries(50, 20, &[0.0, -5.0]), Mode::Knockdown, Own::Used);
    assert!(score(&own[1], 20).0 > score(&own[0], 20).0 + 0.5);
}

#[test]
fn a_cause_that_was_never_perturbed_is_named_with_its_direction() {
    for cause in [42, 47, 55] {
        let asked = queries(cause, 0, &[0.0]);
        let t = |asked: &Queries, mode: Mode, direction: i8| {
            let first = &rank(asked, mode, Own::Excluded)[0].rows[0];
            assert_eq!((first.gene.as_ref(), first.rank, first.direction), (name(cause).as_str(), 1.0, direction));
            assert!(!first.seen);
        };
        let opposite = Queries { delta: -&asked.delta, ..asked.clone() };
        t(&asked, Mode::Knockdown, 1);
        t(&asked, Mode::Any, 1);
        t(&opposite, Mode::Activation, -1);
        t(&opposite, Mode::Any, -1);
    }
}

#[test]
fn probabilities_and_none_of_these_add_up_and_noise_is_none_of_these() {
    let mut asked = queries(45, 0, &[0.0, 0.0]);
    let mut rng = Rng::named(9, "rank.properties.noise");
    asked.delta.row_mut(1).iter_mut().for_each(|d| *d = 0.14 * rng.normal() as f32);
    let rankings = rank(&asked, Mode::Knockdown, Own::Excluded);
    for ranking in &rankings {
        let sum: f64 = ranking.rows.iter().map(|r| r.probability).sum();
        assert!((sum + ranking.none - 1.0).abs() < 1e-9);
        assert!(ranking.rows.windows(2).all(|w| w[0].probability >= w[1].probability && w[0].rank <= w[1].rank));
    }
    assert!(rankings[0].none < 0.5 && rankings[1].none > 0.5, "{} {}", rankings[0].none, rankings[1].none);
}

#[test]
fn one_scorer_ranks_alone_and_an_unknown_one_is_refused() {
    let all: Vec<usize> = (0..GENES).collect();
    let by = |method: &str| {
        let options = RankOptions { method: Some(method.to_owned()), ..RankOptions::default() };
        ranker().rank(&queries(50, 0, &[0.0]), &all, &options)
    };
    let ranking = by("whitened").unwrap().remove(0);
    let column = ranking.scorers.iter().position(|s| *s == "whitened").unwrap();
    assert!(ranking.rows.iter().all(|r| r.score == f64::from(r.scores[column])));
    assert_eq!(ranking.none, 0.0);
    assert!(by("no-such-scorer").is_err());
    assert!(grn::rank::scorer("no-such-scorer").is_err());
}

#[test]
fn a_kept_ranker_ranks_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let (responses, graph) = (responses(), graph());
    assert!(grn::rank::load_kept(dir.path(), &responses, &graph).unwrap().is_none());
    ranker().save(dir.path()).unwrap();
    let kept = grn::rank::load_kept(dir.path(), &responses, &graph).unwrap().unwrap();
    let fit = |_: &Responses| -> Result<Box<dyn Predictor>, PredictError> { Ok(Box::new(Oracle)) };
    let scorers: Vec<&'static ScorerSpec> = SCORERS.iter().collect();
    let lesson =
        Lesson { fit: &fit, responses: &responses, graph: &graph, covariance: None, scorers: &scorers, seed: 0 };
    let again = lesson.around(kept, grn::rank::Frame::new(&responses)).unwrap();
    let (asked, all) = (queries(50, 0, &[0.0]), (0..GENES).collect::<Vec<_>>());
    let options = RankOptions::default();
    let (before, after) = (ranker().rank(&asked, &all, &options).unwrap(), again.rank(&asked, &all, &options).unwrap());
    for (a, b) in before[0].rows.iter().zip(&after[0].rows) {
        assert_eq!((&a.gene, a.rank), (&b.gene, b.rank));
        assert!((a.score - b.score).abs() < 1e-4 * a.score.abs().max(1.0));
    }
}
