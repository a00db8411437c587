//! What is known of genes besides the graph and the screen.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1};

use super::{DataError, GeneIndex};

/// What a row of numbers says of its gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureKind {
    /// Coordinates without a unit: an embedding of text, protein sequence or network. Only similarity of rows counts.
    Embedding,
    /// What perturbing the gene did in another context (cell line, time, technology).
    Effects,
}

/// A table with one row per gene, n_genes x width.
#[derive(Debug, Clone)]
pub struct Features {
    /// Name in reports, as a rule the stem of the file.
    pub name: String,
    /// What the numbers are.
    pub kind: FeatureKind,
    /// The genes (rows).
    pub genes: Arc<GeneIndex>,
    /// One row per gene, finite.
    pub values: Array2<f32>,
    /// What the columns measure, where the table says so: the measured genes of effects, in order of the columns.
    pub columns: Option<Arc<GeneIndex>>,
}

impl Features {
    /// Puts genes and rows together.
    ///
    /// # Errors
    /// [`DataError::Shape`] where there is not one row per gene.
    pub fn new(
        name: impl Into<String>,
        kind: FeatureKind,
        genes: Arc<GeneIndex>,
        values: Array2<f32>,
    ) -> Result<Self, DataError> {
        if genes.len() != values.nrows() {
            return Err(DataError::Shape {
                what: "features",
                expected: format!("{} rows, one per gene", genes.len()),
                got: format!("{} rows", values.nrows()),
            });
        }
        Ok(Self { name: name.into(), kind, genes, values, columns: None })
    }

    /// The row of a gene (name or alias), length width.
    pub fn row(&self, gene: &str) -> Option<ArrayView1<'_, f32>> {
        self.genes.resolve(gene).map(|g| self.values.row(g.index()))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn rows_are_found_by_gene_and_counted() {
        let genes = Arc::new(GeneIndex::new(["A", "B"]).unwrap());
        let features =
            Features::new("x", FeatureKind::Embedding, Arc::clone(&genes), array![[1.0, 2.0], [3.0, 4.0]]).unwrap();
        assert_eq!(features.row("B").unwrap().to_vec(), [3.0, 4.0]);
        assert!(features.row("C").is_none());
        assert!(Features::new("x", FeatureKind::Embedding, genes, array![[1.0]]).is_err());
    }
}
