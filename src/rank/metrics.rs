//! How well a ranking finds the true genes, per query; a query is a condition, never a cell.

/// Cut-offs at which hits are counted.
pub const KS: [usize; 5] = [1, 5, 10, 20, 40];
/// Cut-offs at which hits of drugs are counted: they have more targets than knockdowns, and are harder.
pub const DRUG_KS: [usize; 7] = [1, 5, 10, 20, 40, 50, 100];

/// Position from 1 of one candidate by descending score, ties at the middle of their block. O(n).
///
/// ```
/// assert_eq!(grn::rank::mid_rank(&[3.0, 1.0, 3.0], 0), 1.5);
/// ```
pub fn mid_rank(scores: &[f64], candidate: usize) -> f64 {
    let own = scores[candidate];
    let above = scores.iter().filter(|&&s| s > own).count() as f64;
    let equal = scores.iter().filter(|&&s| s == own).count() as f64;
    above + f64::midpoint(equal, 1.0)
}

/// Metrics of one query from the positions of its true genes; infinity for a true gene that is no candidate.
///
/// - `mrr`: 1 / position of the best true gene.
/// - `exact_hit@k`: 1 if all true genes are among the first k.
/// - `relevant_hit@k`: 1 if any is.
/// - `recall@k`: share of the true genes among the first k.
/// - `ndcg@k`: sum of 1 / log2(position + 1) over the true genes among the first k, divided by the largest possible.
///
/// For one or two true genes recall@k = (exact_hit@k + relevant_hit@k) / 2.
pub fn query_metrics(positions: &[f64]) -> Vec<(String, f64)> {
    query_metrics_at(positions, &KS)
}

/// [`query_metrics`] at other cut-offs.
pub fn query_metrics_at(positions: &[f64], ks: &[usize]) -> Vec<(String, f64)> {
    let n = positions.len() as f64;
    let mut out = vec![("mrr".to_owned(), positions.iter().map(|p| 1.0 / p).fold(0.0, f64::max))];
    for &k in ks {
        let hits = positions.iter().filter(|&&p| p <= k as f64).count() as f64;
        let gain = |p: f64| 1.0 / (p + 1.0).log2();
        let found: f64 = positions.iter().filter(|&&p| p <= k as f64).map(|&p| gain(p)).sum();
        let ideal: f64 = (1..=positions.len().min(k)).map(|p| gain(p as f64)).sum();
        out.push((format!("exact_hit@{k}"), f64::from(u8::from(hits == n))));
        out.push((format!("relevant_hit@{k}"), f64::from(u8::from(hits > 0.0))));
        out.push((format!("recall@{k}"), hits / n));
        out.push((format!("ndcg@{k}"), (0.0 + found) / ideal)); // an empty sum is -0
    }
    out
}

/// Mean over queries, metric by metric.
pub fn mean_metrics(queries: &[Vec<(String, f64)>]) -> Vec<(String, f64)> {
    let Some(first) = queries.first() else { return Vec::new() };
    let mean = |i: usize| queries.iter().map(|q| q[i].1).sum::<f64>() / queries.len() as f64;
    first.iter().enumerate().map(|(i, (name, _))| (name.clone(), mean(i))).collect()
}

/// Expected metrics of a random order of n candidates that contain all `size` true genes of a query.
pub fn random_metrics(size: usize, n: usize) -> Vec<(String, f64)> {
    random_metrics_at(size, size, n, &KS)
}

/// Expected metrics at these cut-offs of a random order of n candidates that contain `found` of the `size` true genes.
pub fn random_metrics_at(size: usize, found: usize, n: usize, ks: &[usize]) -> Vec<(String, f64)> {
    // Chance that all true genes that are candidates lie outside a set of m candidates, and inside it.
    let outside = |m: usize| (0..found).map(|i| (n.saturating_sub(m + i)) as f64 / (n - i) as f64).product::<f64>();
    let inside = |m: usize| (0..found).map(|i| (m.saturating_sub(i)) as f64 / (n - i) as f64).product::<f64>();
    let first_at = |r: usize| outside(r - 1) - outside(r);
    let mut out = vec![("mrr".to_owned(), (1..=n).map(|r| first_at(r) / r as f64).sum())];
    for &k in ks {
        let k_ = k.min(n);
        let ideal: f64 = (1..=size.min(k)).map(|p| 1.0 / (p as f64 + 1.0).log2()).sum();
        let gain: f64 = (1..=k_).map(|p| 1.0 / (p as f64 + 1.0).log2()).sum();
        out.push((format!("exact_hit@{k}"), if found < size { 0.0 } else { inside(k_) }));
        out.push((format!("relevant_hit@{k}"), 1.0 - outside(k_)));
        out.push((format!("recall@{k}"), found as f64 / size as f64 * k_ as f64 / n as f64));
        out.push((format!("ndcg@{k}"), found as f64 / n as f64 * gain / ideal));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metrics: &[(String, f64)], name: &str) -> f64 {
        metrics.iter().find(|m| m.0 == name).unwrap().1
    }

    #[test]
    fn recall_is_the_mean_of_exact_and_relevant_hits() {
        for a in 1..60 {
            for positions in [vec![f64::from(a)], vec![f64::from(a), 10.5], vec![f64::from(a), f64::INFINITY]] {
                let m = query_metrics(&positions);
                for k in KS {
                    let [exact, relevant, recall] =
                        ["exact_hit", "relevant_hit", "recall"].map(|name| value(&m, &format!("{name}@{k}")));
                    assert_eq!(recall, f64::midpoint(exact, relevant), "{positions:?} @{k}");
                }
            }
        }
    }

    #[test]
    fn positions_become_the_textbook_numbers() {
        let t = |positions: &[f64], name: &str, expected: f64| {
            let got = value(&query_metrics(positions), name);
            assert!((got - expected).abs() < 1e-12, "{name} of {positions:?}: {got}");
        };
        t(&[4.0], "mrr", 0.25);
        t(&[f64::INFINITY], "mrr", 0.0);
        t(&[10.5], "relevant_hit@10", 0.0);
        t(&[3.0, 7.0], "exact_hit@5", 0.0);
        t(&[3.0, 7.0], "recall@5", 0.5);
        t(&[1.0, 2.0], "ndcg@5", 1.0);
        t(&[3.0], "ndcg@5", 0.5);
    }

    /// Positions and means of a script that implements the same definitions apart (numpy): q1 ranks A, B and C tied, D, E
    /// and asks for C and D; q2 ranks E, D, A and asks for A; q3 is not listed.
    #[test]
    fn an_outside_judge_agrees() {
        let q1 = [5.0, 4.0, 4.0, 3.0, 2.0];
        let queries = [vec![mid_rank(&q1, 2), mid_rank(&q1, 3)], vec![3.0], vec![f64::INFINITY]];
        let mean = mean_metrics(&queries.map(|p| query_metrics(&p)));
        let t = |name: &str, expected: f64| assert!((value(&mean, name) - expected).abs() < 5e-5, "{name}");
        t("mrr", 0.2444);
        t("relevant_hit@1", 0.0);
        t("exact_hit@5", 0.6667);
        t("recall@5", 0.6667);
    }

    #[test]
    fn random_expectations_are_the_mean_over_all_orders() {
        // All pairs of positions of two true genes among six candidates.
        let pairs: Vec<[f64; 2]> = (1..=6).flat_map(|a| (1..a).map(move |b| [f64::from(a), f64::from(b)])).collect();
        let all: Vec<_> = pairs.iter().map(|p| query_metrics(p)).collect();
        for (got, expected) in random_metrics(2, 6).iter().zip(mean_metrics(&all)) {
            assert!((got.1 - expected.1).abs() < 1e-12, "{got:?} {expected:?}");
        }
    }

    #[test]
    fn true_genes_that_are_no_candidates_are_never_found() {
        // One of two true genes is a candidate: all six positions of it.
        let all: Vec<_> = (1..=6).map(|a| query_metrics_at(&[f64::from(a), f64::INFINITY], &[1, 3, 100])).collect();
        for (got, expected) in random_metrics_at(2, 1, 6, &[1, 3, 100]).iter().zip(mean_metrics(&all)) {
            assert!((got.1 - expected.1).abs() < 1e-12, "{got:?} {expected:?}");
        }
        assert!(random_metrics_at(2, 0, 6, &[1]).iter().all(|m| m.1 == 0.0));
    }
}
