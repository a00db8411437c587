//! Similarity of any gene of the graph to the training targets, in several views.

use std::fmt;

use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::channel::{Channel, Profile};
use super::walk::walk_profile;
use crate::data::GeneId;
use crate::graph::GeneGraph;

/// What is compared of two genes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::predict) enum Kind {
    /// The neighbours.
    Neighbours,
    /// Where a random walk with restart ends, on a logarithmic scale.
    Walk,
}

/// One way to compare genes: a kind of profile in one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::predict) struct View {
    /// The channel by name.
    pub(in crate::predict) channel: String,
    /// What is compared.
    pub(in crate::predict) kind: Kind,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Neighbours => write!(f, "neighbours.{}", self.channel),
            Kind::Walk => write!(f, "walk.{}", self.channel),
        }
    }
}

/// Cosine of profiles, per view, between any gene and the targets seen in training.
///
/// Nothing of size genes x genes is built: profiles of the targets lie in an inverted index, so a query costs the sum
/// over its profile of the number of targets that share an entry.
#[derive(Debug, Clone)]
pub(in crate::predict) struct Similarity {
    /// `None` is a target outside the graph, similar only to itself.
    targets: Vec<Option<GeneId>>,
    channels: Vec<Channel>,
    views: Vec<(View, usize, Index)>,
}

/// For each gene the targets whose profile holds it.
#[derive(Debug, Clone)]
struct Index {
    start: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Similarity {
    /// Neighbours and walks in the merged graph and in every channel.
    pub(in crate::predict) fn all(graph: &GeneGraph, targets: Vec<Option<GeneId>>) -> Self {
        let channels = Channel::all(graph);
        let kinds = [Kind::Neighbours, Kind::Walk];
        let views = kinds.iter().flat_map(|&kind| channels.iter().map(move |c| View { channel: c.name.clone(), kind }));
        let views = views.collect();
        Self::new(channels, views, targets)
    }

    /// These views of a graph; `None` where it lacks a channel.
    pub(in crate::predict) fn of_views(
        graph: &GeneGraph,
        views: Vec<View>,
        targets: Vec<Option<GeneId>>,
    ) -> Option<Self> {
        let channels = Channel::all(graph);
        let known = |v: &View| channels.iter().any(|c| c.name == v.channel);
        views.iter().all(known).then(|| Self::new(channels, views, targets))
    }

    fn new(channels: Vec<Channel>, views: Vec<View>, targets: Vec<Option<GeneId>>) -> Self {
        let views = views.into_iter().filter_map(|view| {
            let at = channels.iter().position(|c| c.name == view.channel)?;
            let of = |t: &Option<GeneId>| t.map_or_else(Profile::new, |gene| profile(&channels[at], view.kind, gene));
            let profiles: Vec<Profile> = targets.par_iter().map(of).collect();
            Some((view, at, Index::new(&profiles, channels[at].n_genes())))
        });
        Self { views: views.collect(), channels, targets }
    }

    /// The training targets.
    pub(super) fn targets(&self) -> &[Option<GeneId>] {
        &self.targets
    }

    /// The views in order.
    pub(in crate::predict) fn views(&self) -> impl ExactSizeIterator<Item = &View> {
        self.views.iter().map(|(view, ..)| view)
    }

    /// Keeps the views for which `keep` is true.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut keep = keep.iter();
        self.views.retain(|_| keep.next().copied().unwrap_or(false));
    }

    /// Weighted mean over the views of the similarity of a gene to every target, length n_targets; 0 for a gene outside
    /// the graph.
    pub(in crate::predict) fn of(&self, gene: Option<GeneId>, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.targets.len()];
        let Some(gene) = gene else { return sum };
        for (view, weight) in weights.iter().enumerate() {
            self.add(gene, view, *weight, &mut sum);
        }
        sum
    }

    /// Similarities among the targets in one view, n_targets x n_targets, exactly symmetric.
    pub(in crate::predict) fn matrix(&self, view: usize) -> Array2<f64> {
        let outside = self.targets.iter().map(|t| f64::from(u8::from(t.is_none())));
        let mut matrix = Array2::from_diag(&outside.collect::<Array1<f64>>());
        self.views[view].2.add_products(&mut matrix);
        matrix
    }

    fn add(&self, gene: GeneId, view: usize, weight: f64, to: &mut [f64]) {
        let (View { kind, .. }, channel, index) = &self.views[view];
        for (shared, value) in profile(&self.channels[*channel], *kind, gene) {
            for &(target, other) in index.of(shared) {
                to[target as usize] += weight * (f64::from(value) * f64::from(other));
            }
        }
    }
}

fn profile(channel: &Channel, kind: Kind, gene: GeneId) -> Profile {
    match kind {
        Kind::Neighbours => channel.neighbour_profile(gene),
        Kind::Walk => walk_profile(channel, gene),
    }
}

impl Index {
    fn new(profiles: &[Profile], n_genes: usize) -> Self {
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

    /// Adds the dot products of all pairs of profiles, n_targets x n_targets, gene by gene: no profile is needed again.
    fn add_products(&self, to: &mut Array2<f64>) {
        for held in self.start.windows(2).map(|w| &self.entries[w[0]..w[1]]) {
            for (k, &(a, value)) in held.iter().enumerate() {
                let mut row = to.row_mut(a as usize);
                for &(b, other) in &held[k..] {
                    row[b as usize] += f64::from(value) * f64::from(other);
                }
            }
        }
        for a in 0..to.nrows() {
            for b in 0..a {
                to[[a, b]] = to[[b, a]];
            }
        }
    }

    fn of(&self, gene: GeneId) -> &[(u32, f32)] {
        &self.entries[self.start[gene.index()]..self.start[gene.index() + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    #[test]
    fn the_matrix_among_targets_is_the_similarity_of_each_to_all() {
        let mut builder = GraphBuilder::new();
        let channel = builder.channel("x");
        [("A", "B"), ("B", "C"), ("C", "D"), ("A", "D"), ("E", "F")]
            .iter()
            .for_each(|(a, b)| builder.add_undirected(a, b, 0.9, &[(channel, 0.5)]));
        let targets = [Some(GeneId(0)), Some(GeneId(1)), None, Some(GeneId(4))];
        let similarity = Similarity::all(&builder.build(), targets.to_vec());
        assert_eq!(similarity.views().len(), 4);
        for view in 0..4 {
            let mut weights = [0.0; 4];
            weights[view] = 1.0;
            let matrix = similarity.matrix(view);
            for (i, target) in targets.iter().enumerate().filter(|(_, t)| t.is_some()) {
                assert_eq!(matrix.row(i).to_vec(), similarity.of(*target, &weights));
                assert!((matrix[[i, i]] - 1.0).abs() < 1e-6);
            }
            assert_eq!(matrix.row(2).to_vec(), [0.0, 0.0, 1.0, 0.0]);
            assert!(matrix[[0, 1]] > 0.0 && matrix[[0, 3]] == 0.0);
        }
    }
}
