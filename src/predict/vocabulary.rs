//! Which genes a fitted model accepts as targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{PredictError, Saved, Task};
use crate::data::{GeneId, GeneIndex, Perturbation};

/// The genes of the graph, the measured genes and the genes perturbed in training. Any other name is an error, so that
/// a misspelt gene never silently becomes the training mean.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    graph: Arc<GeneIndex>,
    measured: Arc<GeneIndex>,
    perturbed: BTreeSet<String>,
}

impl Vocabulary {
    /// The vocabulary of a fit.
    pub(super) fn of(task: &Task<'_>) -> Self {
        let targets = task.responses.perturbations.iter().flat_map(|p| p.targets().iter());
        Self {
            graph: Arc::clone(task.graph.genes()),
            measured: Arc::clone(&task.responses.genes),
            perturbed: targets.map(ToString::to_string).collect(),
        }
    }

    /// The vocabulary of a saved fit with these perturbed genes.
    pub(super) fn of_saved(saved: &Saved<'_>, perturbed: impl IntoIterator<Item = String>) -> Self {
        Self {
            graph: Arc::clone(saved.graph.genes()),
            measured: Arc::clone(&saved.genes),
            perturbed: perturbed.into_iter().collect(),
        }
    }

    /// The measured genes.
    pub(super) fn measured(&self) -> &Arc<GeneIndex> {
        &self.measured
    }

    /// The genes perturbed in training, sorted.
    pub(super) fn perturbed(&self) -> Vec<String> {
        self.perturbed.iter().cloned().collect()
    }

    /// The graph node of a target (name or alias).
    pub(super) fn node(&self, target: &str) -> Option<GeneId> {
        self.graph.resolve(target)
    }

    /// The genes of the graph.
    pub(super) fn graph(&self) -> &GeneIndex {
        &self.graph
    }

    /// Whether every target is a node of the graph, a measured gene or was perturbed in training.
    ///
    /// # Errors
    /// [`PredictError::UnknownTarget`] for the first target that is none of them.
    pub(super) fn check(&self, perturbation: &Perturbation) -> Result<(), PredictError> {
        match perturbation.targets().iter().find(|t| !self.knows(t)) {
            Some(unknown) => {
                let suggestions = self.suggest(unknown);
                Err(PredictError::UnknownTarget { name: unknown.to_string(), suggestions })
            }
            None => Ok(()),
        }
    }

    fn knows(&self, target: &str) -> bool {
        self.graph.resolve(target).is_some()
            || self.measured.resolve(target).is_some()
            || self.perturbed.contains(target)
    }

    /// Close spellings among all known genes, best first.
    fn suggest(&self, target: &str) -> Vec<String> {
        let names = self.graph.names().iter().chain(self.measured.names()).map(AsRef::as_ref);
        let all: BTreeSet<&str> = names.chain(self.perturbed.iter().map(String::as_str)).collect();
        GeneIndex::new_unique(all).0.suggest(target)
    }
}
