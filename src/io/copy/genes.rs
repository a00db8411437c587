//! Cells over chosen genes.

use std::sync::Arc;

use crate::data::GeneIndex;
use crate::io::{CellFile, Column};

impl CellFile {
    /// The same cells over these genes in this order: genes are found by name or alias, those that the file lacks are zero
    /// in every cell, others are left out. A gene asked for under two names is read under the first.
    ///
    /// O(genes); the matrix is rearranged as it is read.
    #[must_use]
    pub fn with_genes(self, genes: Arc<GeneIndex>) -> Self {
        if self.mapping.is_none() && *self.genes == *genes {
            return self;
        }
        let mut mapping: Vec<Option<u32>> = vec![None; self.genes.len()];
        for (new, name) in genes.names().iter().enumerate() {
            if let Some(own) = self.genes.resolve(name) {
                mapping[own.index()].get_or_insert(new as u32);
            }
        }
        // Genes that were chosen twice are followed through both choices.
        let mapping = match &self.mapping {
            None => mapping,
            Some(before) => before.iter().map(|gene| gene.and_then(|g| mapping[g as usize])).collect(),
        };
        Self { genes, mapping: Some(Arc::new(mapping)), ..self }
    }

    /// Columns of the file's genes as columns of the genes that were chosen; genes that the file lacks have no value.
    pub(super) fn in_order_of_genes(&self, columns: Vec<(String, Column)>) -> Vec<(String, Column)> {
        let Some(mapping) = &self.mapping else { return columns };
        let mut own: Vec<Option<u32>> = vec![None; self.genes.len()];
        for (gene, new) in mapping.iter().enumerate() {
            if let Some(new) = new {
                own[*new as usize] = Some(gene as u32);
            }
        }
        // Numbers of genes that are not there would have to be made up.
        match own.into_iter().collect::<Option<Vec<u32>>>() {
            Some(own) => columns.into_iter().map(|(name, column)| (name, column.select(&own))).collect(),
            None => Vec::new(),
        }
    }
}
