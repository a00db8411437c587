//! Shared-neighbour similarity of genes to the training targets.

use ndarray::Array2;

use super::channel::Channel;
use crate::data::GeneId;

/// Cosine of neighbour profiles, per channel, between any gene of the graph and the targets seen in training.
///
/// Nothing of size genes x genes is built: profiles of the targets lie in an inverted index, so a query costs the sum
/// over its neighbours of the number of targets that share them.
#[derive(Debug, Clone)]
pub(super) struct Similarity {
    targets: Vec<GeneId>,
    channels: Vec<(Channel, Index)>,
}

/// For each gene the targets whose profile holds it.
#[derive(Debug, Clone)]
struct Index {
    start: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Similarity {
    /// Similarities to these targets (nodes of a graph with `n_genes` nodes).
    pub(super) fn new(channels: Vec<Channel>, targets: Vec<GeneId>, n_genes: usize) -> Self {
        let channels = channels.into_iter().map(|channel| {
            let index = Index::new(&channel, &targets, n_genes);
            (channel, index)
        });
        Self { channels: channels.collect(), targets }
    }

    /// The training targets.
    pub(super) fn targets(&self) -> &[GeneId] {
        &self.targets
    }

    /// Names of the channels.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|(channel, _)| channel.name.as_str())
    }

    /// Similarity of a gene to every target in one channel: 1 for itself, 0 without a shared neighbour.
    pub(super) fn of(&self, gene: GeneId, channel: usize) -> Vec<f64> {
        let (channel, index) = &self.channels[channel];
        let mut similarity = vec![0.0; self.targets.len()];
        for (neighbour, weight) in channel.profile(gene) {
            for &(target, other) in index.of(neighbour) {
                similarity[target as usize] += f64::from(weight) * f64::from(other);
            }
        }
        similarity
    }

    /// Similarities among the targets in one channel, n_targets x n_targets.
    pub(super) fn matrix(&self, channel: usize) -> Array2<f64> {
        let n = self.targets.len();
        let rows = self.targets.iter().flat_map(|&g| self.of(g, channel)).collect();
        Array2::from_shape_vec((n, n), rows).unwrap_or_default()
    }
}

impl Index {
    fn new(channel: &Channel, targets: &[GeneId], n_genes: usize) -> Self {
        let profiles: Vec<_> = targets.iter().map(|&t| channel.profile(t)).collect();
        let mut start = vec![0; n_genes + 1];
        profiles.iter().flatten().for_each(|(g, _)| start[g.index() + 1] += 1);
        (0..n_genes).for_each(|g| start[g + 1] += start[g]);
        let mut next = start.clone();
        let mut entries = vec![(0, 0.0); start[n_genes]];
        for (target, profile) in profiles.iter().enumerate() {
            for &(gene, weight) in profile {
                entries[next[gene.index()]] = (target as u32, weight);
                next[gene.index()] += 1;
            }
        }
        Self { start, entries }
    }

    fn of(&self, gene: GeneId) -> &[(u32, f32)] {
        &self.entries[self.start[gene.index()]..self.start[gene.index() + 1]]
    }
}
