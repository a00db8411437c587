//! Growing one tree.

use super::ForestOptions;
use super::sample::Sample;
use super::split::{self, Scratch, Split};
use super::tree::{Node, Tree};
use crate::stats::Rng;

/// A node is a leaf where its variance is below this share of its mean square: rounding is no signal.
const NEGLIGIBLE: f32 = 1e-6;

/// Grows a tree from a random stream of its own.
pub(super) fn grow(sample: &Sample, options: &ForestOptions, mut rng: Rng) -> Tree {
    let (rows, weights) = draw_rows(sample.n_rows(), options.bootstrap, &mut rng);
    let features = (0..sample.n_features() as u32).collect();
    let mut grower =
        Grower { sample, options, rng, rows, weights, features, scratch: Scratch::default(), tree: Tree::default() };
    grower.grow();
    grower.tree
}

/// Distinct rows, and how often each of all rows was drawn.
fn draw_rows(n: usize, bootstrap: bool, rng: &mut Rng) -> (Vec<u32>, Vec<f32>) {
    if !bootstrap {
        return ((0..n as u32).collect(), vec![1.0; n]);
    }
    let mut times = vec![0.0; n];
    (0..n).for_each(|_| times[rng.below(n)] += 1.0);
    ((0..n as u32).filter(|&r| times[r as usize] > 0.0).collect(), times)
}

struct Grower<'a> {
    sample: &'a Sample,
    options: &'a ForestOptions,
    rng: Rng,
    /// Rows in the order of the leaves: every node is a range.
    rows: Vec<u32>,
    weights: Vec<f32>,
    /// Features in an order that each node shuffles further.
    features: Vec<u32>,
    scratch: Scratch,
    tree: Tree,
}

impl Grower<'_> {
    fn grow(&mut self) {
        self.tree.nodes.push(Node::Leaf { from: 0, to: 0 });
        let mut open = vec![(0, 0..self.rows.len())];
        while let Some((node, range)) = open.pop() {
            let Some(split) = self.search(range.clone()) else {
                self.tree.nodes[node] = self.leaf(range);
                continue;
            };
            let middle = range.start + self.partition(range.clone(), split);
            let left = self.tree.nodes.len();
            self.tree.nodes.extend([Node::Leaf { from: 0, to: 0 }; 2]);
            self.tree.nodes[node] = Node::Inner {
                feature: split.feature as u32,
                threshold: split.threshold,
                left: left as u32,
                right: left as u32 + 1,
            };
            open.push((left + 1, middle..range.end));
            open.push((left, range.start..middle));
        }
    }

    /// The best cut among the drawn features. Where none of them cuts, features are drawn until one does.
    fn search(&mut self, range: std::ops::Range<usize>) -> Option<Split> {
        let rows = &self.rows[range];
        let min_leaf = self.options.min_leaf.max(1);
        if rows.len() < 2 * min_leaf {
            return None;
        }
        let (sum, weight, squares) = totals(self.sample, rows, &self.weights);
        let explained = sum.iter().map(|s| s * s).sum::<f32>() / weight;
        if squares - explained <= NEGLIGIBLE * squares {
            return None;
        }
        let node = split::Node { sample: self.sample, rows, weights: &self.weights, sum: &sum, weight, min_leaf };
        let n = self.features.len();
        let wanted = ((self.options.max_features * n as f64) as usize).clamp(1, n.max(1));
        let mut best = None::<Split>;
        for k in 0..n {
            if k >= wanted && best.is_some() {
                break;
            }
            let other = k + self.rng.below(n - k);
            self.features.swap(k, other);
            let feature = self.features[k] as usize;
            let cut = if self.options.random_thresholds {
                node.random_cut(feature, &mut self.rng, &mut self.scratch)
            } else {
                node.best_cut(feature, &mut self.scratch)
            };
            best = match (best, cut) {
                (Some(b), Some(c)) if c.score > b.score => Some(c),
                (None, cut) => cut,
                (best, _) => best,
            };
        }
        best
    }

    /// Brings the rows of the left side to the front of the range, in their order; returns how many they are.
    fn partition(&mut self, range: std::ops::Range<usize>, split: Split) -> usize {
        let column = self.sample.column(split.feature);
        let rows = &mut self.rows[range];
        let (mut left, right): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|&&r| column[r as usize] <= split.threshold);
        let n_left = left.len();
        left.extend(right);
        rows.copy_from_slice(&left);
        n_left
    }

    fn leaf(&mut self, range: std::ops::Range<usize>) -> Node {
        let rows = &self.rows[range];
        let total: f32 = rows.iter().map(|&r| self.weights[r as usize]).sum();
        let from = self.tree.members.len() as u32;
        self.tree.members.extend(rows.iter().map(|&r| (r, self.weights[r as usize] / total)));
        Node::Leaf { from, to: self.tree.members.len() as u32 }
    }
}

/// Weighted sum of the targets, of the weights, and of the squares of the targets.
fn totals(sample: &Sample, rows: &[u32], weights: &[f32]) -> (Vec<f32>, f32, f32) {
    let (mut sum, mut weight, mut squares) = (vec![0.0; sample.width()], 0.0, 0.0);
    for &row in rows {
        let w = weights[row as usize];
        sum.iter_mut().zip(sample.target(row)).for_each(|(s, v)| *s += w * v);
        weight += w;
        squares += w * sample.squares[row as usize];
    }
    (sum, weight, squares)
}
