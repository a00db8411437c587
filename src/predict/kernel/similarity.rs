//! Similarity of any gene of the graph to the training targets, in several views.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::channel::{Channel, Profile};
use super::family::Families;
use super::regulation::{Side, regulation_profile};
use super::walk::{FAR, NEAR, walk_profile};
use crate::data::GeneId;
use crate::graph::GeneGraph;

/// What is compared of two genes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::predict) enum Kind {
    /// The neighbours.
    Neighbours,
    /// Where a random walk that often returns ends, on a logarithmic scale.
    Walk,
    /// Where a random walk that seldom returns ends, on a logarithmic scale.
    Far,
    /// The genes that it regulates, with signs.
    Regulates,
    /// The genes that regulate it, with signs.
    Regulated,
    /// The gene family, read from the symbol (`PSMA1` and `PSMA2`).
    Family,
}

impl Kind {
    /// What exists in the merged graph only: direction, sign and names do not depend on the evidence.
    fn once(self) -> bool {
        matches!(self, Self::Regulates | Self::Regulated | Self::Family)
    }
}

/// Profiles that hold more than this share of the graph, in percent, are multiplied as dense matrices.
const DENSE: usize = 3;
/// Genes of one dense block.
const BLOCK: usize = 4096;

/// One way to compare genes: a kind of profile in one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::predict) struct View {
    /// The channel by name.
    channel: String,
    /// What is compared.
    kind: Kind,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Neighbours => write!(f, "neighbours.{}", self.channel),
            Kind::Walk => write!(f, "walk.{}", self.channel),
            Kind::Far => write!(f, "far.{}", self.channel),
            Kind::Regulates => write!(f, "regulates"),
            Kind::Regulated => write!(f, "regulated"),
            Kind::Family => write!(f, "family"),
        }
    }
}

/// Cosine of profiles, per view, between any gene and the targets seen in training.
///
/// Nothing of size genes x genes is built: profiles of the targets lie in an inverted index, so a query costs the sum
/// over its profile of the number of targets that share an entry.
#[derive(Debug, Clone)]
pub(in crate::predict) struct Similarity {
    families: Families,
    /// `None` is a target outside the graph, similar only to itself.
    targets: Vec<Option<GeneId>>,
    channels: Arc<Vec<Channel>>,
    views: Vec<(View, usize, Index)>,
}

/// For each gene the targets whose profile holds it.
#[derive(Debug, Clone)]
struct Index {
    start: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Similarity {
    /// These kinds of view in the merged graph and, where that differs, in every channel.
    pub(in crate::predict) fn of_kinds(graph: &GeneGraph, kinds: &[Kind], targets: Vec<Option<GeneId>>) -> Self {
        let channels = Channel::all(graph);
        let in_channels = |kind: Kind| channels.iter().take(if kind.once() { 1 } else { usize::MAX });
        let views =
            kinds.iter().flat_map(|&kind| in_channels(kind).map(move |c| View { channel: c.name.clone(), kind }));
        let views = views.collect();
        Self::new(graph, channels, views, targets)
    }

    /// These views of a graph; `None` where it lacks a channel.
    pub(in crate::predict) fn of_views(
        graph: &GeneGraph,
        views: Vec<View>,
        targets: Vec<Option<GeneId>>,
    ) -> Option<Self> {
        let channels = Channel::all(graph);
        let known = |v: &View| channels.iter().any(|c| c.name == v.channel);
        views.iter().all(known).then(|| Self::new(graph, channels, views, targets))
    }

    fn new(graph: &GeneGraph, channels: Arc<Vec<Channel>>, views: Vec<View>, targets: Vec<Option<GeneId>>) -> Self {
        let families = Families::new(graph.genes());
        let views = views.into_iter().filter_map(|view| {
            let at = channels.iter().position(|c| c.name == view.channel)?;
            let of = |t: &Option<GeneId>| {
                t.map_or_else(Arc::default, |gene| profile(&channels[at], &families, view.kind, gene))
            };
            let profiles: Vec<Arc<Profile>> = targets.par_iter().map(of).collect();
            Some((view, at, Index::new(&profiles, channels[at].n_genes())))
        });
        Self { views: views.collect(), channels, targets, families }
    }

    /// The training targets.
    pub(in crate::predict) fn targets(&self) -> &[Option<GeneId>] {
        &self.targets
    }

    /// The views in order.
    pub(in crate::predict) fn views(&self) -> impl ExactSizeIterator<Item = &View> {
        self.views.iter().map(|(view, ..)| view)
    }

    /// Keeps the views for which `keep` is true.
    pub(in crate::predict) fn retain(&mut self, keep: &[bool]) {
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
        let mut matrix = Array2::zeros((self.targets.len(), self.targets.len()));
        self.views[view].2.add_products(&mut matrix);
        // A target of which the view knows nothing is similar to itself.
        matrix.diag_mut().mapv_inplace(|own| if own == 0.0 { 1.0 } else { own });
        matrix
    }

    fn add(&self, gene: GeneId, view: usize, weight: f64, to: &mut [f64]) {
        let (View { kind, .. }, channel, index) = &self.views[view];
        let profile = profile(&self.channels[*channel], &self.families, *kind, gene);
        if profile.is_empty() {
            let itself = self.targets.iter().zip(to.iter_mut()).filter(|(t, _)| **t == Some(gene));
            itself.for_each(|(_, to)| *to += weight);
        }
        for &(shared, value) in profile.iter() {
            for &(target, other) in index.of(shared) {
                to[target as usize] += weight * (f64::from(value) * f64::from(other));
            }
        }
    }
}

fn profile(channel: &Channel, families: &Families, kind: Kind, gene: GeneId) -> Arc<Profile> {
    match kind {
        Kind::Neighbours => Arc::new(channel.neighbour_profile(gene)),
        Kind::Walk => channel.near.get(gene, || walk_profile(channel, gene, NEAR)),
        Kind::Far => channel.far.get(gene, || walk_profile(channel, gene, FAR)),
        Kind::Regulates => Arc::new(regulation_profile(channel, gene, Side::Out)),
        Kind::Regulated => Arc::new(regulation_profile(channel, gene, Side::In)),
        Kind::Family => Arc::new(families.profile(gene)),
    }
}

impl Index {
    fn new(profiles: &[Arc<Profile>], n_genes: usize) -> Self {
        let mut start = vec![0; n_genes + 1];
        profiles.iter().flat_map(|p| p.iter()).for_each(|(g, _)| start[g.index() + 1] += 1);
        (0..n_genes).for_each(|g| start[g + 1] += start[g]);
        let mut next = start.clone();
        let mut entries = vec![(0, 0.0); start[n_genes]];
        for (target, profile) in profiles.iter().enumerate() {
            for &(gene, weight) in profile.iter() {
                entries[next[gene.index()]] = (target as u32, weight);
                next[gene.index()] += 1;
            }
        }
        Self { start, entries }
    }

    /// Adds the dot products of all pairs of profiles, n_targets x n_targets, exactly symmetric.
    fn add_products(&self, to: &mut Array2<f64>) {
        let n_targets = to.nrows();
        if self.entries.len() > DENSE * n_targets * (self.start.len() - 1) / 100 {
            return self.add_dense_products(to);
        }
        for held in self.start.windows(2).map(|w| &self.entries[w[0]..w[1]]) {
            for (k, &(a, value)) in held.iter().enumerate() {
                let mut row = to.row_mut(a as usize);
                for &(b, other) in &held[k..] {
                    row[b as usize] += f64::from(value) * f64::from(other);
                }
            }
        }
        mirror(to);
    }

    /// The same through a dense matrix, block by block of the genes: profiles that hold much of the graph multiply
    /// faster so.
    fn add_dense_products(&self, to: &mut Array2<f64>) {
        let n_genes = self.start.len() - 1;
        for from in (0..n_genes).step_by(BLOCK) {
            let until = (from + BLOCK).min(n_genes);
            let mut block = Array2::<f64>::zeros((to.nrows(), until - from));
            for gene in from..until {
                for &(target, value) in &self.entries[self.start[gene]..self.start[gene + 1]] {
                    block[[target as usize, gene - from]] = f64::from(value);
                }
            }
            *to += &gram(block.view());
        }
        mirror(to);
    }

    fn of(&self, gene: GeneId) -> &[(u32, f32)] {
        &self.entries[self.start[gene.index()]..self.start[gene.index() + 1]]
    }
}

fn gram(x: ArrayView2<'_, f64>) -> Array2<f64> {
    x.dot(&x.t())
}

/// Copies the upper triangle to the lower one.
fn mirror(x: &mut Array2<f64>) {
    for a in 0..x.nrows() {
        for b in 0..a {
            x[[a, b]] = x[[b, a]];
        }
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
        let similarity = Similarity::of_kinds(&builder.build(), &[Kind::Neighbours, Kind::Walk], targets.to_vec());
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
