//! Our metrics of rankings against an independent program, and what must hold of them for any ranking.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use grn::rank::{KS, mean_metrics, mid_rank, query_metrics, random_metrics};
use grn::stats::Rng;
use proptest::prelude::*;

const JUDGE: &str = "../shared/eval/ranking.py";
const N_QUERIES: usize = 60;

/// One query: scores of its candidates and its true genes, by number; a number beyond the candidates is not listed.
struct Query {
    scores: Vec<f64>,
    truth: Vec<usize>,
}

/// Few different scores, so that there are ties; pairs and single genes; some true genes and whole lists are missing.
fn queries(rng: &mut Rng) -> Vec<Query> {
    let one = |rng: &mut Rng, q: usize| {
        let n = if q % 11 == 10 { 0 } else { 3 + rng.below(120) };
        let levels = 2 + rng.below(60);
        let scores = (0..n).map(|_| rng.below(levels) as f64).collect();
        let first = rng.below(n + 4);
        let truth = if q.is_multiple_of(3) { vec![first, first + 1 + rng.below(n + 4)] } else { vec![first] };
        Query { scores, truth }
    };
    (0..N_QUERIES).map(|q| one(rng, q)).collect()
}

impl Query {
    fn metrics(&self) -> Vec<(String, f64)> {
        let position = |&g: &usize| if g < self.scores.len() { mid_rank(&self.scores, g) } else { f64::INFINITY };
        query_metrics(&self.truth.iter().map(position).collect::<Vec<_>>())
    }

    /// Rows `query rank gene` in a shuffled order; ties share the first position of their block, the last, or the middle.
    fn rows(&self, name: usize, rng: &mut Rng, out: &mut String) {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        rng.shuffle(&mut order);
        for g in order {
            let above = self.scores.iter().filter(|&&s| s > self.scores[g]).count();
            let equal = self.scores.iter().filter(|&&s| s == self.scores[g]).count();
            let rank = match name % 3 {
                0 => above as f64 + 1.0,
                1 => (above + equal) as f64,
                _ => mid_rank(&self.scores, g),
            };
            writeln!(out, "q{name}\t{rank}\tG{g}").unwrap();
        }
    }
}

#[test]
fn metrics_equal_those_of_ranking_py() {
    if !Path::new(JUDGE).exists() {
        println!("skipped: {JUDGE} is absent");
        return;
    }
    if !Command::new("python3").args(["-c", "import numpy"]).output().is_ok_and(|o| o.status.success()) {
        println!("skipped: python3 with numpy is absent");
        return;
    }
    let mut rng = Rng::named(3, "ranking-judge");
    let queries = queries(&mut rng);
    let (mut ranked, mut truth) = ("query\trank\tgene\n".to_owned(), "query\tgene\n".to_owned());
    for (name, query) in queries.iter().enumerate() {
        query.rows(name, &mut rng, &mut ranked);
        query.truth.iter().for_each(|g| writeln!(truth, "q{name}\tG{g}").unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("ranked.tsv"), ranked).unwrap();
    std::fs::write(at("truth.tsv"), truth).unwrap();
    let mut judge = Command::new("python3");
    judge.arg(JUDGE).arg("--ranked").arg(at("ranked.tsv")).arg("--truth").arg(at("truth.tsv"));
    judge.args(["--candidates", "105", "--json"]).arg(at("out.json"));
    let out = judge.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let judged: serde_json::Value = serde_json::from_slice(&std::fs::read(at("out.json")).unwrap()).unwrap();
    let compare = |ours: &[(String, f64)], judged: &serde_json::Value, of: &str| {
        let shared = ours.iter().filter(|m| !m.0.starts_with("ndcg"));
        for (name, got) in shared {
            let expected = judged[name].as_f64().unwrap();
            assert!((got - expected).abs() < 1e-12, "{name} of {of}: {got}, expected {expected}");
        }
        assert_eq!(ours.len() - KS.len(), judged.as_object().unwrap().len());
    };
    let ours: Vec<_> = queries.iter().map(Query::metrics).collect();
    ours.iter().enumerate().for_each(|(q, m)| compare(m, &judged["queries"][format!("q{q}")], &format!("q{q}")));
    compare(&mean_metrics(&ours), &judged["metrics"], "all");
    let random: Vec<_> = queries.iter().map(|q| random_metrics(q.truth.len(), 105)).collect();
    compare(&mean_metrics(&random), &judged["random"], "a random order");
}

proptest! {
    #[test]
    fn recall_is_the_mean_of_exact_and_relevant_hits(
        scores in prop::collection::vec(0u8..6, 2..60),
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
        single in any::<bool>(),
    ) {
        let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
        let (a, b) = (first.index(scores.len()), second.index(scores.len() + 1));
        let position = |g: usize| if g < scores.len() { mid_rank(&scores, g) } else { f64::INFINITY };
        let positions = if single || a == b { vec![position(a)] } else { vec![position(a), position(b)] };
        let metrics = query_metrics(&positions);
        let value = |name: &str, k: usize| metrics.iter().find(|m| m.0 == format!("{name}@{k}")).unwrap().1;
        for k in KS {
            prop_assert_eq!(value("recall", k), f64::midpoint(value("exact_hit", k), value("relevant_hit", k)));
        }
    }
}
