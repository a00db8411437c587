//! Genes that belong to the same sets (pathways, GO terms, complexes).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{ChannelId, GraphBuilder};
use crate::error::{Notice, some_of};

/// How the overlap of two genes' sets becomes a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// Shared sets divided by the sets that hold either gene.
    #[default]
    Jaccard,
    /// Shared sets divided by the largest number that any two genes share.
    Shared,
}

/// Which pairs become edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverlapOptions {
    /// The weight.
    pub overlap: Overlap,
    /// Keep weights above this.
    pub above: f32,
    /// Keep this many partners per gene; a pair stays where either gene keeps it.
    pub top: usize,
    /// Leave out sets with more genes: they say little, and their pairs are many.
    pub max_set: usize,
}

impl Default for OverlapOptions {
    /// Jaccard above 0.1, the best 20 per gene (as GEARS builds its GO graph), sets of at most 2,000 genes.
    fn default() -> Self {
        Self { overlap: Overlap::Jaccard, above: 0.1, top: 20, max_set: 2000 }
    }
}

/// Sets of genes, as they are read.
#[derive(Debug, Clone, Default)]
pub struct GeneSets {
    genes: Vec<Arc<str>>,
    gene_ids: HashMap<Arc<str>, u32>,
    sets: Vec<(Arc<str>, BTreeSet<u32>)>,
    set_ids: HashMap<Arc<str>, usize>,
}

/// What became of the sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Undirected pairs that were added.
    pub n_pairs: usize,
    /// Which sets were too large to be used.
    pub notices: Vec<Notice>,
}

/// Another gene and the weight of the pair.
type Partner = (u32, f32);

impl GeneSets {
    /// No set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a gene into a set. Repeated memberships count once.
    pub fn add(&mut self, set: &str, gene: &str) {
        let gene = self.gene(gene);
        let set = self.set(set);
        self.sets[set].1.insert(gene);
    }

    /// Number of sets.
    pub fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// Number of genes in any set.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// Adds undirected edges between genes that share sets.
    ///
    /// # Complexity
    /// The rows of B B' (B: genes x sets) one gene at a time: O(sum over sets of size^2) time, in parallel over genes,
    /// and O(V) memory per thread; no genes x genes matrix.
    pub fn connect(&self, options: OverlapOptions, channel: ChannelId, builder: &mut GraphBuilder) -> Connected {
        let used: Vec<Vec<u32>> =
            self.used(options.max_set).map(|(_, genes)| genes.iter().copied().collect()).collect();
        let sets_of = memberships(&used, self.genes.len());
        let rows = self.partners(&used, &sets_of, options);
        let largest = rows.iter().flatten().map(|p| p.1).fold(0.0, f32::max);
        let scale = if options.overlap == Overlap::Shared && largest > 0.0 { 1.0 / largest } else { 1.0 };
        let mut pairs = HashSet::new();
        for (gene, row) in rows.iter().enumerate() {
            for &(partner, weight) in row.iter().filter(|p| p.1 * scale > options.above) {
                let weight = weight * scale;
                pairs.insert((partner.min(gene as u32), partner.max(gene as u32)));
                let (a, b) = (self.name(gene as u32), self.name(partner));
                builder.add_undirected(a, b, weight, &[(channel, weight)]);
            }
        }
        Connected { n_pairs: pairs.len(), notices: self.too_large(options.max_set).into_iter().collect() }
    }

    /// The best partners of each gene: Jaccard, or the plain number of shared sets.
    fn partners(&self, used: &[Vec<u32>], sets_of: &[Vec<u32>], options: OverlapOptions) -> Vec<Vec<Partner>> {
        let n = self.genes.len();
        let row = |shared: &mut Vec<u32>, gene: usize| {
            let touched = count_shared(&sets_of[gene], used, shared);
            let weigh = |other: u32| {
                let both = std::mem::take(&mut shared[other as usize]);
                let either = sets_of[gene].len() + sets_of[other as usize].len() - both as usize;
                match options.overlap {
                    Overlap::Jaccard => (other, both as f32 / either as f32),
                    Overlap::Shared => (other, both as f32),
                }
            };
            let mut row: Vec<Partner> = touched.into_iter().map(weigh).filter(|p| p.0 as usize != gene).collect();
            row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| self.name(a.0).cmp(self.name(b.0))));
            row.truncate(options.top);
            row
        };
        (0..n).into_par_iter().map_init(|| vec![0; n], row).collect()
    }

    fn name(&self, gene: u32) -> &str {
        &self.genes[gene as usize]
    }

    fn used(&self, max_set: usize) -> impl Iterator<Item = &(Arc<str>, BTreeSet<u32>)> {
        self.sets.iter().filter(move |(_, genes)| genes.len() <= max_set)
    }

    fn too_large(&self, max_set: usize) -> Option<Notice> {
        let large: Vec<&Arc<str>> = self.sets.iter().filter(|(_, g)| g.len() > max_set).map(|(name, _)| name).collect();
        let names = some_of(large.iter().map(AsRef::as_ref), 3);
        (!large.is_empty())
            .then(|| Notice::new(format!("{} sets of more than {max_set} genes were left out: {names}", large.len())))
    }

    fn gene(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.gene_ids.get(name) {
            return id;
        }
        let (name, id): (Arc<str>, u32) = (Arc::from(name), self.genes.len() as u32);
        self.genes.push(Arc::clone(&name));
        self.gene_ids.insert(name, id);
        id
    }

    fn set(&mut self, name: &str) -> usize {
        if let Some(&id) = self.set_ids.get(name) {
            return id;
        }
        let (name, id): (Arc<str>, usize) = (Arc::from(name), self.sets.len());
        self.sets.push((Arc::clone(&name), BTreeSet::new()));
        self.set_ids.insert(name, id);
        id
    }
}

/// Adds to `shared` the number of these sets that each gene is in; returns the genes with any.
fn count_shared(sets: &[u32], genes_of: &[Vec<u32>], shared: &mut [u32]) -> Vec<u32> {
    let mut touched = Vec::new();
    for &gene in sets.iter().flat_map(|&set| &genes_of[set as usize]) {
        if shared[gene as usize] == 0 {
            touched.push(gene);
        }
        shared[gene as usize] += 1;
    }
    touched
}

/// The sets of each gene.
fn memberships(sets: &[Vec<u32>], n_genes: usize) -> Vec<Vec<u32>> {
    let mut of = vec![Vec::new(); n_genes];
    for (set, genes) in sets.iter().enumerate() {
        for &gene in genes {
            of[gene as usize].push(set as u32);
        }
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GeneGraph;

    fn sets() -> GeneSets {
        let mut sets = GeneSets::new();
        for (set, genes) in [("s1", "A B C"), ("s2", "A B"), ("s3", "A D"), ("all", "A B C D E")] {
            genes.split(' ').for_each(|gene| sets.add(set, gene));
        }
        sets
    }

    fn graph(options: OverlapOptions) -> (GeneGraph, Vec<Notice>) {
        let mut builder = GraphBuilder::new();
        let channel = builder.channel("sets.test");
        let connected = sets().connect(options, channel, &mut builder);
        (builder.build(), connected.notices)
    }

    fn weight(graph: &GeneGraph, a: &str, b: &str) -> Option<f32> {
        graph.edge(graph.expect(a).ok()?, graph.expect(b).ok()?).map(|e| e.weight)
    }

    /// By hand, without the set `all`: A in s1 s2 s3, B in s1 s2, C in s1, D in s3.
    #[test]
    fn weights_are_shared_sets_over_either() {
        let (graph, notices) = graph(OverlapOptions { max_set: 4, ..OverlapOptions::default() });
        let t = |a, b, expected| assert_eq!(weight(&graph, a, b), expected, "{a} {b}");
        t("A", "B", Some(2.0 / 3.0));
        t("B", "A", Some(2.0 / 3.0));
        t("B", "C", Some(0.5));
        t("A", "C", Some(1.0 / 3.0));
        t("C", "D", None);
        assert_eq!(notices, [Notice::new("1 sets of more than 4 genes were left out: `all`")]);
    }

    #[test]
    fn shared_counts_are_relative_to_the_largest() {
        let options = OverlapOptions { overlap: Overlap::Shared, ..OverlapOptions::default() };
        let (graph, _) = graph(options);
        assert_eq!(weight(&graph, "A", "B"), Some(1.0));
        assert_eq!(weight(&graph, "A", "E"), Some(1.0 / 3.0));
    }

    #[test]
    fn a_pair_stays_where_either_gene_keeps_it() {
        let (graph, _) = graph(OverlapOptions { top: 1, max_set: 4, ..OverlapOptions::default() });
        assert_eq!(weight(&graph, "A", "C"), None, "A prefers B, C prefers B");
        assert_eq!(weight(&graph, "A", "D"), Some(1.0 / 3.0), "D has only A");
    }
}
