//! The direction of changes, by what the prediction is confident of.
//!
//! A gene can be judged where the real fold change is defined and not zero. It is right where the predicted fold change
//! has the same sign; a predicted fold change of zero is wrong. Own targets are left out.

use super::super::Tested;
use super::vcc2026_calls::{calls, is_called};
use super::{Comparison, ScoreError, Values, per_label};

/// A prefix of the ranking is pure where this share of its signs is right.
const PURE: f64 = 0.9;

/// One gene in the tables of both sides.
#[derive(Debug, Clone, Copy)]
struct Judged {
    called: bool,
    fdr: f64,
    p: f64,
    size: f64,
    gene: usize,
    right: bool,
}

/// Right signs among the predicted significant genes that can be judged, over their number or that of real significant
/// genes, whichever is larger; not defined where both are 0.
pub(super) fn fidelity_yield(c: &Comparison) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let judged = judged(sides, label, &calls(c, &sides.1.de, label));
        let right = judged.iter().filter(|gene| gene.right).count();
        let most = judged.len().max(calls(c, &sides.0.de, label).len());
        (most > 0).then(|| right as f64 / most as f64)
    })
}

/// Real significant genes are ordered by predicted confidence: significant ones first, then by false discovery rate, p,
/// absolute fold change (descending) and name. The longest pure prefix over the number of real significant genes; not
/// defined without any.
pub(super) fn reach(c: &Comparison) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let genes = calls(c, &sides.0.de, label);
        let mut judged = judged(sides, label, &genes);
        judged.sort_by(|a, b| {
            let key = b.called.cmp(&a.called).then(a.fdr.total_cmp(&b.fdr)).then(a.p.total_cmp(&b.p));
            let names = || c.genes.names()[a.gene].cmp(&c.genes.names()[b.gene]);
            key.then(b.size.total_cmp(&a.size)).then_with(names)
        });
        let signs: Vec<bool> = judged.iter().map(|gene| gene.right).collect();
        (!genes.is_empty()).then(|| longest_pure(&signs) as f64 / genes.len() as f64)
    })
}

fn longest_pure(signs: &[bool]) -> usize {
    let mut right = 0.0;
    let pure = signs.iter().enumerate().filter(|(i, sign)| {
        right += f64::from(u8::from(**sign));
        right / (*i as f64 + 1.0) >= PURE
    });
    pure.last().map_or(0, |(i, _)| i + 1)
}

/// Those of the genes that can be judged and that both tables have.
fn judged((real, pred): (&Tested, &Tested), label: usize, genes: &[usize]) -> Vec<Judged> {
    let of_gene = |&gene: &usize| {
        let at = [label, gene];
        let (truth, lfc) = (real.de.log2_fold_change[at], pred.de.log2_fold_change[at]);
        let known = real.de.is_kept(label, gene) && pred.de.is_kept(label, gene) && !truth.is_nan() && truth != 0.0;
        let right = !lfc.is_nan() && lfc != 0.0 && lfc.is_sign_positive() == truth.is_sign_positive();
        let called = is_called(&pred.de, label, gene);
        known.then(|| Judged { called, fdr: pred.de.fdr[at], p: pred.de.p[at], size: lfc.abs(), gene, right })
    };
    genes.iter().filter_map(of_gene).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pure_prefix_may_come_after_a_dip() {
        let t = |signs: &str, expected: usize| {
            let signs: Vec<bool> = signs.chars().map(|sign| sign == '+').collect();
            assert_eq!(longest_pure(&signs), expected, "{signs:?}");
        };
        t("", 0);
        t("-", 0);
        t("+-", 1);
        t("-+++++++++", 10);
        t("+++++++++-", 10);
        t("++++++++--", 8);
    }
}
