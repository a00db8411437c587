//! Who sends messages to a gene: fixed weights over graph nodes, one list per kind of message.

use std::collections::BTreeMap;

use crate::data::GeneId;
use crate::graph::{Edge, GeneGraph};

use super::config::Config;
use crate::predict::neighbours::neighbours;

/// Senders with weights, ascending by node, unit length.
pub(super) type Senders = Vec<(u32, f32)>;

/// Share of a walk that goes on at each step.
const GO_ON: f32 = 0.5;
/// Walk probabilities become log(1 + SHARPNESS p): far genes count less than near ones, but by far not as much less as
/// their probabilities say.
const SHARPNESS: f32 = 1e4;

/// The kinds of messages over the prior graph.
///
/// For the merged weight and each chosen channel: the gene itself and its strongest neighbours (either direction),
/// weight over root of the neighbour's degree. For the walk: where one or two random steps along the merged weight end.
#[derive(Debug, Clone)]
pub(super) struct Messages {
    channels: Vec<Vec<Vec<(u32, f32)>>>,
    /// 1 + sum of weights, per channel and node.
    degree: Vec<Vec<f32>>,
    walk: usize,
}

impl Messages {
    /// Collects neighbours. O(channels x edges x log).
    pub(super) fn new(graph: &GeneGraph, config: &Config) -> Self {
        let ids = config.channels.iter().filter_map(|name| graph.channel(name));
        let mut channels = vec![neighbours(graph, config.top_k, |e| e.weight)];
        // A graph of one channel has its score as the merged weight already.
        if graph.channels().len() > 1 {
            channels.extend(ids.map(|id| {
                let score = |e: &Edge| e.evidence.iter().find(|(c, _)| *c == id).map_or(0.0, |(_, s)| *s);
                neighbours(graph, config.top_k, score)
            }));
        }
        let degree = channels.iter().map(|c| degrees(c)).collect();
        Self { channels, degree, walk: config.walk }
    }

    /// Number of kinds.
    pub(super) fn n_kinds(&self) -> usize {
        self.channels.len() + usize::from(self.walk > 0)
    }

    /// Senders to a gene, one list per kind.
    pub(super) fn of(&self, gene: GeneId) -> Vec<Senders> {
        let near = (0..self.channels.len()).map(|c| self.near(c, gene.0));
        let far = (self.walk > 0).then(|| self.far(gene.0));
        near.chain(far).map(unit_length).collect()
    }

    fn near(&self, channel: usize, gene: u32) -> Senders {
        let scaled = |(node, weight): (u32, f32)| (node, weight / self.degree[channel][node as usize].sqrt());
        let mut senders: Senders = self.channels[channel][gene as usize].iter().copied().map(scaled).collect();
        senders.push(scaled((gene, 1.0)));
        senders.sort_by_key(|s| s.0);
        senders
    }

    /// (1 - s) e + (1 - s) s P e + s^2 P^2 e, for s = 0.5 and P the row-stochastic merged weight; the largest entries.
    fn far(&self, gene: u32) -> Senders {
        let mut total: BTreeMap<u32, f32> = BTreeMap::from([(gene, 1.0 - GO_ON)]);
        let mut at: BTreeMap<u32, f32> = BTreeMap::from([(gene, 1.0)]);
        for share in [(1.0 - GO_ON) * GO_ON, GO_ON * GO_ON] {
            at = self.walk_on(&at);
            at.iter().for_each(|(&node, p)| *total.entry(node).or_default() += share * p);
        }
        let mut senders: Senders = total.into_iter().map(|(node, p)| (node, (SHARPNESS * p).ln_1p())).collect();
        senders.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        senders.truncate(self.walk);
        senders.sort_by_key(|s| s.0);
        senders
    }

    fn walk_on(&self, at: &BTreeMap<u32, f32>) -> BTreeMap<u32, f32> {
        let mut next = BTreeMap::new();
        for (&node, p) in at {
            let neighbours = &self.channels[0][node as usize];
            let all: f32 = neighbours.iter().map(|(_, w)| w).sum();
            for &(to, weight) in neighbours {
                *next.entry(to).or_default() += p * weight / all;
            }
        }
        next
    }

    /// Neighbours by merged weight, per node.
    pub(super) fn merged(&self) -> &[Vec<(u32, f32)>] {
        &self.channels[0]
    }
}

/// 1 + the sum of weights that a node sends.
fn degrees(neighbours: &[Vec<(u32, f32)>]) -> Vec<f32> {
    let mut degree = vec![1.0; neighbours.len()];
    neighbours.iter().flatten().for_each(|&(node, weight)| degree[node as usize] += weight);
    degree
}

fn unit_length(mut senders: Senders) -> Senders {
    let length = senders.iter().map(|(_, w)| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    senders.iter_mut().for_each(|(_, w)| *w /= length);
    senders
}
