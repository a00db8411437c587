//! How well predicted significance separates the really significant genes from the others.
//!
//! Score of a gene = -log10 of its predicted false discovery rate, cut at 10. NaN where all genes are of one class.

use super::super::Tested;
use super::{Comparison, ScoreError, Values, per_label};

pub(super) fn precision_recall(c: &Comparison) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let points = thresholds(sides, label);
        let positives = points.last().map_or(0.0, |p| p.0);
        let mut before = 0.0;
        let mut area = 0.0;
        for (hits, taken) in points {
            area += (hits - before) / positives * (hits / taken);
            before = hits;
        }
        Some(if one_class(sides, label) { f64::NAN } else { area })
    })
}

pub(super) fn roc(c: &Comparison) -> Result<Values, ScoreError> {
    let sides = c.tested()?;
    per_label(c, |label| {
        let points = thresholds(sides, label);
        let (positives, all) = points.last().copied().unwrap_or((0.0, 0.0));
        let (mut area, mut hits_before, mut misses_before) = (0.0, 0.0, 0.0);
        for (hits, taken) in points {
            let misses = taken - hits;
            area += (misses - misses_before) * (hits + hits_before) / 2.0;
            (hits_before, misses_before) = (hits, misses);
        }
        Some(if one_class(sides, label) { f64::NAN } else { area / (positives * (all - positives)) })
    })
}

fn one_class((real, _): (&Tested, &Tested), label: usize) -> bool {
    let n = real.significant[label].len();
    n == 0 || n == real.de.genes.len()
}

/// Per distinct score, best first: real significant genes and genes taken so far.
fn thresholds((real, pred): (&Tested, &Tested), label: usize) -> Vec<(f64, f64)> {
    let score = |g: u32| -(pred.de.fdr[[label, g as usize]] as f32).clamp(1e-10, 1.0).log10();
    let mut genes: Vec<(f32, bool)> =
        (0..real.de.genes.len() as u32).map(|g| (score(g), real.is_significant(label, g))).collect();
    genes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut points: Vec<(f64, f64)> = Vec::new();
    let (mut hits, mut last) = (0.0, f32::NAN);
    for (taken, (score, real)) in genes.into_iter().enumerate() {
        hits += f64::from(u8::from(real));
        if score == last {
            points.pop();
        }
        points.push((hits, taken as f64 + 1.0));
        last = score;
    }
    points
}
