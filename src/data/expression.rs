//! Expression of cells in memory.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Csr, DataError, GeneIndex};

/// The scale of expression values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Raw molecule counts.
    Counts,
    /// Natural logarithm of (1 + normalised counts).
    Log1p,
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counts => "counts",
            Self::Log1p => "log1p",
        })
    }
}

/// Expression, n_cells x n_genes, in the stated scale.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The genes (columns).
    pub genes: Arc<GeneIndex>,
    /// The values, n_cells x n_genes.
    pub x: Csr<f32>,
    /// Their scale.
    pub scale: Scale,
}

impl Expression {
    /// Puts genes, values and scale together.
    ///
    /// # Errors
    /// [`DataError::Shape`] where the matrix does not have one column per gene.
    pub fn new(genes: Arc<GeneIndex>, x: Csr<f32>, scale: Scale) -> Result<Self, DataError> {
        if x.n_cols() != genes.len() {
            return Err(DataError::Shape {
                what: "expression",
                expected: format!("{} columns, one per gene", genes.len()),
                got: format!("{} columns", x.n_cols()),
            });
        }
        Ok(Self { genes, x, scale })
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.x.n_rows()
    }
}
