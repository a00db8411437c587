//! Which genes may be the answer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::RankError;
use crate::data::{GeneId, Responses};
use crate::error::some_of;
use crate::graph::GeneGraph;

/// Which genes are ranked. Numbers of one set say nothing about another: the set is printed with every result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateSet {
    /// The genes perturbed in the data.
    Closed,
    /// The measured genes that are nodes of the graph.
    Expressed,
    /// All nodes of the graph.
    Genome,
    /// These genes.
    List(Vec<String>),
}

impl CandidateSet {
    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Expressed => "expressed",
            Self::Genome => "genome",
            Self::List(_) => "list",
        }
    }
}

/// Candidate genes and what is known of each; all vectors have one entry per candidate.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Names, unique, sorted.
    pub names: Vec<Arc<str>>,
    /// The measured gene.
    pub gene: Vec<Option<GeneId>>,
    /// The node of the graph.
    pub node: Vec<Option<GeneId>>,
    /// The row of the training responses that perturbs this gene alone.
    pub seen: Vec<Option<usize>>,
}

impl Candidates {
    /// The candidates of a set for a model trained on `responses` and `graph`.
    ///
    /// # Errors
    /// [`RankError::NoCandidates`] for fewer than two, [`RankError::UnknownCandidates`] for names of a list that are
    /// neither in the graph nor measured nor perturbed.
    pub fn new(set: &CandidateSet, responses: &Responses, graph: &GeneGraph) -> Result<Self, RankError> {
        let genes = &responses.genes;
        let targets = || responses.perturbations.iter().flat_map(|p| p.targets().iter().cloned());
        let names: Vec<Arc<str>> = match set {
            CandidateSet::Closed => targets().collect(),
            CandidateSet::Genome => graph.genes().names().to_vec(),
            CandidateSet::Expressed => {
                graph.genes().names().iter().filter(|n| genes.resolve(n).is_some()).cloned().collect()
            }
            CandidateSet::List(names) => names.iter().map(|n| Arc::from(n.as_str())).collect(),
        };
        let candidates = Self::of(names, responses, graph);
        let unknown: Vec<&Arc<str>> = candidates.unknown().collect();
        if matches!(set, CandidateSet::List(_)) && !unknown.is_empty() {
            return Err(RankError::UnknownCandidates { n: unknown.len(), examples: some_of(unknown, 5) });
        }
        match candidates.len() {
            got @ (0 | 1) => Err(RankError::NoCandidates { set: set.name(), got }),
            _ => Ok(candidates),
        }
    }

    /// These genes (repeats dropped, sorted) and what is known of them.
    pub fn of(names: impl IntoIterator<Item = Arc<str>>, responses: &Responses, graph: &GeneGraph) -> Self {
        let names: BTreeSet<Arc<str>> = names.into_iter().collect();
        let names: Vec<Arc<str>> = names.into_iter().collect();
        let singles = responses.perturbations.iter().enumerate();
        let row_of: HashMap<&str, usize> = singles
            .filter_map(|(row, p)| match p.targets() {
                [target] => Some((target.as_ref(), row)),
                _ => None,
            })
            .collect();
        Self {
            gene: names.iter().map(|n| responses.genes.resolve(n)).collect(),
            node: names.iter().map(|n| graph.genes().resolve(n)).collect(),
            seen: names.iter().map(|n| row_of.get(n.as_ref()).copied()).collect(),
            names,
        }
    }

    /// The candidates at these ascending positions.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: rows.iter().map(|&r| Arc::clone(&self.names[r])).collect(),
            gene: rows.iter().map(|&r| self.gene[r]).collect(),
            node: rows.iter().map(|&r| self.node[r]).collect(),
            seen: rows.iter().map(|&r| self.seen[r]).collect(),
        }
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Position of a gene.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|n| n.as_ref().cmp(name)).ok()
    }

    fn unknown(&self) -> impl Iterator<Item = &Arc<str>> {
        let known = |i: usize| self.gene[i].is_some() || self.node[i].is_some() || self.seen[i].is_some();
        (0..self.len()).filter(move |&i| !known(i)).map(|i| &self.names[i])
    }
}
