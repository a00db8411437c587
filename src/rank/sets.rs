//! The candidate sets of a cross-validation.

use std::sync::Arc;

use super::{CandidateSet, Candidates};
use crate::data::{Perturbation, Responses};
use crate::graph::GeneGraph;

/// All candidates of all sets, and which belong to which.
pub(super) struct Sets {
    /// Names in ascending order.
    pub(super) names: Vec<Arc<str>>,
    /// Per set the positions of its members, ascending.
    pub(super) members: Vec<(&'static str, Vec<usize>)>,
}

impl Sets {
    /// The sets that have at least two candidates.
    pub(super) fn new(responses: &Responses, graph: &GeneGraph, wanted: &[CandidateSet]) -> Self {
        let of_set = |set: &CandidateSet| {
            let found = Candidates::new(set, responses, graph).ok()?;
            Some((set.name(), found.names))
        };
        let named: Vec<(&'static str, Vec<Arc<str>>)> = wanted.iter().filter_map(of_set).collect();
        let all = Candidates::of(named.iter().flat_map(|(_, names)| names.iter().cloned()), responses, graph);
        let members = named
            .into_iter()
            .map(|(set, names)| (set, names.iter().filter_map(|n| all.position(n)).collect()))
            .collect();
        Self { members, names: all.names }
    }

    /// Positions of the targets of a perturbation within a set, where they belong to it.
    pub(super) fn answers(&self, members: &[usize], perturbation: &Perturbation) -> Vec<Option<usize>> {
        let within = |t: &Arc<str>| members.binary_search(&self.names.binary_search(t).ok()?).ok();
        perturbation.targets().iter().map(within).collect()
    }
}
