//! How many genes of a list the graph knows.

use super::{GeneGraph, GraphError};
use crate::error::some_of;

/// The genes of a list by whether they are nodes of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Genes that are nodes, in the order of the list.
    pub known: Vec<String>,
    /// Genes that are not.
    pub missing: Vec<String>,
}

impl Coverage {
    /// Length of the list.
    pub fn total(&self) -> usize {
        self.known.len() + self.missing.len()
    }

    /// Share of the list that is known, 0 to 1; 0 for an empty list.
    pub fn share(&self) -> f64 {
        self.known.len() as f64 / self.total().max(1) as f64
    }
}

impl GeneGraph {
    /// Which of these names (or aliases) are nodes. O(length of the list).
    pub fn coverage<S: AsRef<str>>(&self, names: &[S]) -> Coverage {
        let names = names.iter().map(|n| n.as_ref().to_owned());
        let (known, missing) = names.partition(|name| self.genes().resolve(name).is_some());
        Coverage { known, missing }
    }

    /// The coverage of a list of which at least one gene must be known.
    ///
    /// # Errors
    /// [`GraphError::NoSharedGene`] with examples from both sides: usually another naming (Ensembl ids, another
    /// species).
    pub fn check_shared<S: AsRef<str>>(&self, names: &[S]) -> Result<Coverage, GraphError> {
        let coverage = self.coverage(names);
        if coverage.known.is_empty() {
            let (prior, screen) = (some_of(self.genes().names(), 3), some_of(&coverage.missing, 3));
            return Err(GraphError::NoSharedGene { prior, screen });
        }
        Ok(coverage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    #[test]
    fn a_list_is_split_into_known_and_missing() {
        let mut builder = GraphBuilder::new();
        builder.add_undirected("SOX2", "NANOG", 1.0, &[]);
        let graph = builder.build();
        let coverage = graph.check_shared(&["NANOG", "X"]).unwrap();
        assert_eq!((coverage.known, coverage.missing), (vec!["NANOG".to_owned()], vec!["X".to_owned()]));
        let error = graph.check_shared(&["ENSG1", "ENSG2"]).unwrap_err();
        assert!(matches!(&error, GraphError::NoSharedGene { prior, screen }
            if prior == "`NANOG`, `SOX2`" && screen == "`ENSG1`, `ENSG2`"));
    }
}
