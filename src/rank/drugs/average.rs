//! From queries to drugs, from drugs to classes and to all: every drug counts once, however many queries it has.

use super::{DrugOutcome, DrugRow};
use crate::rank::mean_metrics;
use crate::rank::tally::bootstrap_mean;

/// What a class is called that no table names.
const UNCLASSED: &str = "without class";

/// Rows of drugs, classes and all drugs, from those of queries.
pub(super) fn averages(queries: &[DrugRow], seed: u64) -> Vec<DrugRow> {
    let drugs: Vec<DrugRow> = groups(queries, |r| r.drug.clone()).iter().map(|group| of_drug(group)).collect();
    let class_of = |r: &DrugRow| if r.class.is_empty() { UNCLASSED.to_owned() } else { r.class.clone() };
    let mut classes: Vec<DrugRow> = Vec::new();
    if drugs.iter().any(|d| !d.class.is_empty()) {
        classes = groups(&drugs, class_of).iter().map(|g| over_drugs("class", &class_of(&g[0]), g, seed)).collect();
    }
    let all: Vec<DrugRow> =
        groups(&drugs, |_| String::new()).iter().map(|g| over_drugs("all", "all", g, seed)).collect();
    drugs.into_iter().chain(classes).chain(all).collect()
}

/// Rows of the same key and scorer, keys ascending, scorers in their order.
fn groups(rows: &[DrugRow], key: impl Fn(&DrugRow) -> String) -> Vec<Vec<DrugRow>> {
    let mut keys: Vec<String> = rows.iter().map(&key).collect();
    keys.sort();
    keys.dedup();
    let of = |k: &String, scorer: &str| rows.iter().filter(|r| r.scorer == scorer && key(r) == *k).cloned().collect();
    keys.iter()
        .flat_map(|k| DrugOutcome::SCORERS.map(|scorer| of(k, scorer)))
        .filter(|g: &Vec<_>| !g.is_empty())
        .collect()
}

fn of_drug(queries: &[DrugRow]) -> DrugRow {
    DrugRow {
        level: "drug",
        name: queries[0].drug.clone(),
        mode: mode(queries),
        n_queries: queries.len(),
        metrics: mean(queries),
        positions: Vec::new(),
        ..queries[0].clone()
    }
}

fn over_drugs(level: &'static str, name: &str, drugs: &[DrugRow], seed: u64) -> DrugRow {
    let mrr: Vec<f64> = drugs.iter().filter_map(|d| Some(d.metrics.first()?.1)).collect();
    DrugRow {
        level,
        name: name.to_owned(),
        drug: String::new(),
        class: if level == "class" { name.to_owned() } else { String::new() },
        mode: mode(drugs),
        n_queries: drugs.iter().map(|d| d.n_queries).sum(),
        n_drugs: drugs.len(),
        n_targets: drugs.iter().map(|d| d.n_targets).sum(),
        n_reachable: drugs.iter().map(|d| d.n_reachable).sum(),
        metrics: mean(drugs),
        mrr_interval: (drugs[0].scorer != "random").then(|| bootstrap_mean(&mrr, seed)),
        ..drugs[0].clone()
    }
}

fn mean(rows: &[DrugRow]) -> Vec<(String, f64)> {
    mean_metrics(&rows.iter().map(|r| r.metrics.clone()).collect::<Vec<_>>())
}

fn mode(rows: &[DrugRow]) -> String {
    let first = &rows[0].mode;
    if rows.iter().all(|r| r.mode == *first) { first.clone() } else { "mixed".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, drug: &str, class: &str, mrr: f64) -> DrugRow {
        DrugRow {
            level: "query",
            name: name.into(),
            drug: drug.into(),
            class: class.into(),
            scorer: "score",
            mode: if mrr > 0.4 { "any" } else { "inhibition" }.into(),
            n_queries: 1,
            n_drugs: 1,
            n_targets: 2,
            n_reachable: 1,
            n_candidates: 9,
            metrics: vec![("mrr".into(), mrr)],
            mrr_interval: None,
            positions: vec![("G".into(), Some(1.0))],
        }
    }

    #[test]
    fn a_drug_of_many_queries_counts_once() {
        let queries =
            [row("a1", "a", "x", 0.2), row("a2", "a", "x", 0.4), row("b1", "b", "x", 1.0), row("c1", "c", "", 0.0)];
        let rows = averages(&queries, 1);
        let got: Vec<(&str, &str, usize, usize, usize)> =
            rows.iter().map(|r| (r.level, r.name.as_str(), r.n_queries, r.n_drugs, r.n_targets)).collect();
        let drugs = [("drug", "a", 2, 1, 2), ("drug", "b", 1, 1, 2), ("drug", "c", 1, 1, 2)];
        let rest = [("class", "without class", 1, 1, 2), ("class", "x", 3, 2, 4), ("all", "all", 4, 3, 6)];
        assert_eq!(got, [drugs, rest].concat());
        let mrr: Vec<f64> = rows.iter().map(|r| (r.metrics[0].1 * 1e9).round() / 1e9).collect();
        assert_eq!(mrr, [0.3, 1.0, 0.0, 0.0, 0.65, 0.433_333_333]);
        assert_eq!((rows[4].mode.as_str(), rows[0].mode.as_str()), ("mixed", "inhibition"));
        let [low, high] = rows[5].mrr_interval.unwrap();
        assert!(low <= 0.3 && high >= 0.65, "{low} {high}");
    }
}
