//! The genes that a change is written over: measured genes first, then unmeasured ones that can be a source.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::data::{GeneId, GeneIndex, Perturbation, Responses};
use crate::graph::GeneGraph;

/// Positions of genes in a change.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) measured: Arc<GeneIndex>,
    /// Unmeasured sources, sorted.
    pub(super) unmeasured: Vec<String>,
    position: HashMap<String, usize>,
}

impl Columns {
    /// Measured genes, unmeasured training targets, and unmeasured genes with an edge of known sign.
    pub(super) fn of(responses: &Responses, graph: &GeneGraph) -> Self {
        let measured = &responses.genes;
        let signed = graph.edges().iter().filter(|e| e.sign.value() != 0.0).map(|e| graph.genes().name(e.source));
        let targets = responses.perturbations.iter().flat_map(|p| p.targets().iter().map(AsRef::as_ref));
        let unmeasured: BTreeSet<&str> = signed.chain(targets).filter(|g| measured.resolve(g).is_none()).collect();
        Self::new(Arc::clone(measured), unmeasured.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn new(measured: Arc<GeneIndex>, unmeasured: Vec<String>) -> Self {
        let position = unmeasured.iter().enumerate().map(|(i, g)| (g.clone(), measured.len() + i)).collect();
        Self { measured, unmeasured, position }
    }

    /// Number of columns.
    pub(super) fn len(&self) -> usize {
        self.measured.len() + self.unmeasured.len()
    }

    /// The column of a gene (name or alias).
    pub(super) fn of_gene(&self, gene: &str) -> Option<usize> {
        self.measured.resolve(gene).map(GeneId::index).or_else(|| self.position.get(gene).copied())
    }

    /// The columns of the targets that have one.
    pub(super) fn of_targets(&self, perturbation: &Perturbation) -> Vec<usize> {
        perturbation.targets().iter().filter_map(|t| self.of_gene(t)).collect()
    }
}
