//! Where a node is cut.
//!
//! With sums s of the (weighted) targets and weights w of both sides, the summed variance of all targets falls most where
//! |s_left|^2 / w_left + |s_right|^2 / w_right is largest.

use super::sample::{LANES, Sample};
use crate::stats::Rng;

/// A question and how good it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) threshold: f32,
    pub(super) score: f32,
}

/// The rows of a node, their weights by row, and the sum of their targets.
pub(super) struct Node<'a> {
    pub(super) sample: &'a Sample,
    pub(super) rows: &'a [u32],
    pub(super) weights: &'a [f32],
    pub(super) sum: &'a [f32],
    pub(super) weight: f32,
    pub(super) min_leaf: usize,
}

/// Memory that every search uses again.
#[derive(Default)]
pub(super) struct Scratch {
    part: Vec<f32>,
    sorted: Vec<(f32, u32)>,
}

impl Node<'_> {
    /// One threshold, uniform between the least and the largest value; `None` where the feature does not vary or a side
    /// would be too small.
    pub(super) fn random_cut(&self, feature: usize, rng: &mut Rng, scratch: &mut Scratch) -> Option<Split> {
        let column = self.sample.column(feature);
        let values = self.rows.iter().map(|&r| column[r as usize]);
        let (least, most) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if least >= most {
            return None;
        }
        let drawn = least + (most - least) * rng.uniform() as f32;
        let threshold = if drawn < most { drawn } else { least };
        let n_left = self.rows.iter().filter(|&&r| column[r as usize] <= threshold).count();
        let n_right = self.rows.len() - n_left;
        if n_left.min(n_right) < self.min_leaf {
            return None;
        }
        // The sum of the smaller side is enough: the other is what is missing to the whole.
        let left_is_smaller = n_left <= n_right;
        let weight = self.sum_of(scratch, |r| (column[r as usize] <= threshold) == left_is_smaller);
        Some(Split { feature, threshold, score: self.score(&scratch.part, weight) })
    }

    /// The best threshold, half-way between neighbouring values; O(rows (log rows + targets)).
    pub(super) fn best_cut(&self, feature: usize, scratch: &mut Scratch) -> Option<Split> {
        let column = self.sample.column(feature);
        let mut sorted = std::mem::take(&mut scratch.sorted);
        sorted.clear();
        sorted.extend(self.rows.iter().map(|&r| (column[r as usize], r)));
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let best = self.sweep(feature, &sorted, scratch);
        scratch.sorted = sorted;
        best
    }

    fn sweep(&self, feature: usize, sorted: &[(f32, u32)], scratch: &mut Scratch) -> Option<Split> {
        scratch.part.clear();
        scratch.part.resize(self.sample.width(), 0.0);
        let (mut weight, mut best) = (0.0, None::<Split>);
        for (k, pair) in sorted.windows(2).enumerate() {
            let [(value, row), (next, _)] = [pair[0], pair[1]];
            weight += self.add(row, &mut scratch.part);
            let n_left = k + 1;
            if n_left.min(sorted.len() - n_left) < self.min_leaf || value >= next {
                continue;
            }
            let score = self.score(&scratch.part, weight);
            if best.is_none_or(|b| score > b.score) {
                let middle = value + (next - value) / 2.0;
                let threshold = if middle < next { middle } else { value };
                best = Some(Split { feature, threshold, score });
            }
        }
        best
    }

    /// Sum of the targets of the rows that `takes` admits, into the scratch; returns their weight.
    fn sum_of(&self, scratch: &mut Scratch, takes: impl Fn(u32) -> bool) -> f32 {
        scratch.part.clear();
        scratch.part.resize(self.sample.width(), 0.0);
        let mut weight = 0.0;
        for &row in self.rows.iter().filter(|&&r| takes(r)) {
            weight += self.add(row, &mut scratch.part);
        }
        weight
    }

    fn add(&self, row: u32, to: &mut [f32]) -> f32 {
        let weight = self.weights[row as usize];
        to.iter_mut().zip(self.sample.target(row)).for_each(|(t, v)| *t += weight * v);
        weight
    }

    fn score(&self, part: &[f32], weight: f32) -> f32 {
        let (one, other) = squares(part, self.sum);
        one / weight + other / (self.weight - weight)
    }
}

/// |part|^2 and |whole - part|^2, in lanes: a fixed order of sums that registers can follow.
fn squares(part: &[f32], whole: &[f32]) -> (f32, f32) {
    let (mut one, mut other) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (p, w) in part.chunks_exact(LANES).zip(whole.chunks_exact(LANES)) {
        for lane in 0..LANES {
            let rest = w[lane] - p[lane];
            one[lane] += p[lane] * p[lane];
            other[lane] += rest * rest;
        }
    }
    (one.iter().sum(), other.iter().sum())
}
