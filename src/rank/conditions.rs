//! Ranking conditions (single genes and pairs) instead of genes.
//!
//! The evaluation of scGPT (Cui et al., Nature Methods 2024, figure 3) ranks all single genes and pairs of a set of genes:
//! 210 conditions for 20 genes. Its metrics have names of their own, because they saturate: among 210 conditions a random
//! order has one that shares a gene with a given pair in the first 10 in 88 % of all cases.

use std::sync::Arc;

/// Cut-offs at which conditions are counted.
pub const CONDITION_KS: [usize; 6] = [1, 5, 8, 10, 20, 40];

/// All single genes and pairs of a set of genes.
#[derive(Debug, Clone)]
pub struct Conditions {
    genes: Vec<Arc<str>>,
    /// Positions of the genes of each condition; twice the same for a single gene.
    members: Vec<[usize; 2]>,
}

impl Conditions {
    /// Single genes in order, then pairs in order: n (n + 1) / 2 conditions for n genes, each named once.
    pub fn of(genes: &[Arc<str>]) -> Self {
        let n = genes.len();
        let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| [a, b]));
        Self { genes: genes.to_vec(), members: (0..n).map(|a| [a, a]).chain(pairs).collect() }
    }

    /// Number of conditions.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Scores of the conditions from those of the genes: a pair has the sum of both.
    pub fn sums(&self, of_genes: &[f64]) -> Vec<f64> {
        let sum = |[a, b]: &[usize; 2]| if a == b { of_genes[*a] } else { of_genes[*a] + of_genes[*b] };
        self.members.iter().map(sum).collect()
    }

    /// Metrics of one query whose true targets are these (one or two genes), by the scores of the conditions.
    ///
    /// - `condition_mrr`: 1 / position of the true condition.
    /// - `condition_exact@k`: whether it is among the first k.
    /// - `condition_relevant@k`: whether any of the first k shares a gene with it.
    ///
    /// Each is the expectation over the orders of equal scores, so equal scores throughout give that of a random order. A
    /// condition that is not there counts 0. O(n log n).
    pub fn metrics(&self, scores: &[f64], targets: &[Arc<str>]) -> Vec<(String, f64)> {
        let truth: Vec<Option<usize>> = targets.iter().map(|t| self.genes.iter().position(|g| g == t)).collect();
        let is_truth = |m: &[usize; 2]| match truth[..] {
            [Some(a)] => *m == [a, a],
            [Some(a), Some(b)] => *m == [a.min(b), a.max(b)],
            _ => false,
        };
        let shares = |m: &[usize; 2]| m.iter().any(|g| truth.contains(&Some(*g)));
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let blocks: Vec<Block> = order
            .chunk_by(|&a, &b| scores[a] == scores[b])
            .scan(0, |start, block| {
                let count = |of: &dyn Fn(&[usize; 2]) -> bool| block.iter().filter(|&&c| of(&self.members[c])).count();
                let at = *start;
                *start += block.len();
                Some(Block { start: at, len: block.len(), exact: count(&is_truth), relevant: count(&shares) })
            })
            .collect();
        let mut out = vec![("condition_mrr".to_owned(), blocks.iter().map(Block::reciprocal).sum())];
        for k in CONDITION_KS {
            out.push((format!("condition_exact@{k}"), blocks.iter().map(|b| b.exact_within(k)).sum()));
            let none: f64 = blocks.iter().map(|b| b.none_relevant_within(k)).product();
            out.push((format!("condition_relevant@{k}"), 1.0 - none));
        }
        out
    }
}

/// Conditions of equal score.
struct Block {
    /// How many are above.
    start: usize,
    len: usize,
    /// How many are the true one: 0 or 1.
    exact: usize,
    /// How many share a gene with it.
    relevant: usize,
}

impl Block {
    /// How many of them are among the first k of all.
    fn within(&self, k: usize) -> usize {
        k.saturating_sub(self.start).min(self.len)
    }

    fn reciprocal(&self) -> f64 {
        let places = (self.start + 1..=self.start + self.len).map(|p| 1.0 / p as f64);
        if self.exact == 0 { 0.0 } else { places.sum::<f64>() / self.len as f64 }
    }

    fn exact_within(&self, k: usize) -> f64 {
        self.exact as f64 * self.within(k) as f64 / self.len as f64
    }

    /// Chance that none that shares a gene is among the first k: those drawn are all others.
    fn none_relevant_within(&self, k: usize) -> f64 {
        let others = self.len - self.relevant;
        (0..self.within(k)).map(|i| others.saturating_sub(i) as f64 / (self.len - i) as f64).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genes(n: usize) -> Vec<Arc<str>> {
        (0..n).map(|i| Arc::from(format!("G{i:02}"))).collect()
    }

    fn value(metrics: &[(String, f64)], name: &str) -> f64 {
        metrics.iter().find(|m| m.0 == name).unwrap().1
    }

    /// 39 of the 210 conditions of 20 genes share a gene with a pair: 2 single genes and 19 + 18 pairs. Expectations of a
    /// random order, hypergeometric by hand: 39/210, 1 - C(171, 8)/C(210, 8), ..., 8/210.
    #[test]
    fn a_random_order_nearly_always_shares_a_gene_with_a_pair() {
        let genes = genes(20);
        let conditions = Conditions::of(&genes);
        assert_eq!(conditions.len(), 210);
        let metrics = conditions.metrics(&conditions.sums(&[0.0; 20]), &genes[3..5]);
        let t = |name: &str, expected: f64| {
            assert!((value(&metrics, name) - expected).abs() < 5e-4, "{name}: {}", value(&metrics, name));
        };
        t("condition_relevant@1", 0.186);
        t("condition_relevant@8", 0.813);
        t("condition_relevant@10", 0.878);
        t("condition_relevant@40", 1.000);
        t("condition_exact@8", 0.038);
        t("condition_mrr", (1..=210).map(|p| 1.0 / f64::from(p)).sum::<f64>() / 210.0);
    }

    /// A 3, B 2, C -1: sums are A+B 5, A 3, then A+C and B tied at 2, B+C 1, C -1.
    #[test]
    fn sums_are_ranked_and_ties_are_shared() {
        let genes = genes(3);
        let conditions = Conditions::of(&genes);
        let scores = conditions.sums(&[3.0, 2.0, -1.0]);
        let t = |targets: &[usize], name: &str, expected: f64| {
            let targets: Vec<Arc<str>> = targets.iter().map(|&g| Arc::clone(&genes[g])).collect();
            assert_eq!(value(&conditions.metrics(&scores, &targets), name), expected, "{name} of {targets:?}");
        };
        t(&[1, 0], "condition_mrr", 1.0);
        t(&[0], "condition_mrr", 0.5);
        t(&[1], "condition_mrr", f64::midpoint(1.0 / 3.0, 0.25));
        t(&[2], "condition_mrr", 1.0 / 6.0);
        t(&[2], "condition_relevant@1", 0.0);
        t(&[2], "condition_relevant@5", 1.0);
        t(&[1, 2], "condition_exact@5", 1.0);
        t(&[1, 2], "condition_exact@1", 0.0);
    }

    #[test]
    fn unknown_targets_are_never_found() {
        let conditions = Conditions::of(&genes(4));
        let metrics = conditions.metrics(&conditions.sums(&[1.0; 4]), &[Arc::from("X"), Arc::from("G00")]);
        assert_eq!((value(&metrics, "condition_mrr"), value(&metrics, "condition_exact@40")), (0.0, 0.0));
        assert_eq!(value(&metrics, "condition_relevant@40"), 1.0);
    }
}
