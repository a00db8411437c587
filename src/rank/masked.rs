//! The own-reading mode `global`: no candidate is measured at all.

use std::collections::BTreeSet;

use crate::data::{GeneId, Perturbation, Responses};

/// The responses without the genes that any perturbation targets: for closed candidate sets only, where these are the
/// candidates.
///
/// Frames, scorers and models that are fitted on training rows of it, and queries that are taken from held-out rows of it,
/// know nothing of what any candidate's own expression did. Scores are then the same for both own-reading modes.
pub fn masked(responses: &Responses) -> Responses {
    let targets = responses.perturbations.iter().flat_map(Perturbation::targets);
    let genes: BTreeSet<GeneId> = targets.filter_map(|t| responses.genes.resolve(t)).collect();
    responses.without_genes(&genes.into_iter().collect::<Vec<_>>())
}
