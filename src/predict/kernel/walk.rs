//! Random walks with restart that forget what is too small to matter.

use super::channel::{Channel, Profile};
use crate::data::GeneId;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Chance to return to the start at every step.
    restart: f32,
    /// After k steps (1 - restart)^k of the walk is missing.
    steps: usize,
    /// Entries below this are dropped at every step, which keeps a walk local: its cost does not grow with the graph.
    negligible: f32,
}

/// A walk that stays near its start; ten steps leave less of most entries than is dropped.
pub(super) const NEAR: Reach = Reach { restart: 0.5, steps: 10, negligible: 3e-5 };
/// A walk that sees several steps away.
pub(super) const FAR: Reach = Reach { restart: 0.15, steps: 20, negligible: 1e-4 };
/// Entries are compared on the scale log(1 + 10^4 r), so that orders of magnitude count and not the start itself.
const LOG_SCALE: f32 = 1e4;

/// Where a walk from a gene ends, r <- restart e + (1 - restart) P r with P = D^-1/2 A D^-1/2, as log(1 + 10^4 r) at
/// unit length. A gene without an edge is only at itself.
pub(super) fn walk_profile(channel: &Channel, gene: GeneId, reach: Reach) -> Profile {
    let mut mass = vec![0.0f32; channel.n_genes()];
    let mut at = vec![(gene, 1.0f32)];
    for _ in 0..reach.steps {
        at = step(channel, (gene, reach), &at, &mut mass);
    }
    at.sort_unstable_by_key(|(g, _)| *g);
    for (_, r) in &mut at {
        *r = (LOG_SCALE * *r).ln_1p();
    }
    let length = at.iter().map(|(_, r)| r * r).sum::<f32>().sqrt();
    for (_, r) in &mut at {
        *r /= length;
    }
    at
}

/// One step from the entries `at`; `mass` is all zero before and after.
fn step(channel: &Channel, (start, reach): (GeneId, Reach), at: &[(GeneId, f32)], mass: &mut [f32]) -> Profile {
    let mut touched = vec![start];
    mass[start.index()] = reach.restart;
    for &(from, r) in at {
        let moving = (1.0 - reach.restart) * r;
        for &(to, probability) in channel.transitions(from) {
            let entry = &mut mass[to.index()];
            if *entry == 0.0 {
                touched.push(to);
            }
            *entry += moving * probability;
        }
    }
    let taken = touched.into_iter().map(|g| (g, std::mem::take(&mut mass[g.index()])));
    taken.filter(|(_, r)| *r >= reach.negligible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    #[test]
    fn two_joined_genes_share_their_walks_as_the_series_says() {
        let mut builder = GraphBuilder::new();
        builder.add_undirected("A", "B", 0.7, &[]);
        builder.add_undirected("C", "D", 1.0, &[]);
        let channel = &Channel::all(&builder.build())[0];
        let profile = walk_profile(channel, GeneId(0), NEAR);
        // P swaps A and B: the walk tends to r_A = 0.5 / (1 - 0.25) = 2/3 and r_B = 1/3.
        let (a, b) = ((1.0 + 1e4 * 2.0 / 3.0f64).ln(), (1.0 + 1e4 / 3.0f64).ln());
        let length = a.hypot(b);
        assert_eq!(profile.len(), 2);
        assert!((f64::from(profile[0].1) - a / length).abs() < 1e-4, "{profile:?}");
        assert!((f64::from(profile[1].1) - b / length).abs() < 1e-4, "{profile:?}");
    }
}
