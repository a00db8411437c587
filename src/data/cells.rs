//! Cells and the conditions they belong to.

use std::sync::Arc;

use super::{Condition, Csr, DataError, Expression, GeneIndex};

/// Which condition each cell belongs to. The control is found once, here.
#[derive(Debug, Clone, PartialEq)]
pub struct CellTable {
    /// The distinct conditions, in order of first appearance.
    pub conditions: Vec<Condition>,
    /// For each cell its position in `conditions`; `None` for cells to be left out.
    pub of_cell: Vec<Option<u32>>,
}

impl CellTable {
    /// Collects the conditions of cells.
    pub fn new(of_cells: impl IntoIterator<Item = Option<Condition>>) -> Self {
        let mut seen = std::collections::HashMap::new();
        let mut conditions = Vec::new();
        let of_cell = of_cells
            .into_iter()
            .map(|condition| {
                condition.map(|c| {
                    *seen.entry(c.clone()).or_insert_with(|| {
                        conditions.push(c);
                        conditions.len() as u32 - 1
                    })
                })
            })
            .collect();
        Self { conditions, of_cell }
    }

    /// Number of cells, left-out ones included.
    pub fn n_cells(&self) -> usize {
        self.of_cell.len()
    }

    /// Cells per condition, in the order of `conditions`.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.conditions.len()];
        self.of_cell.iter().flatten().for_each(|&c| counts[c as usize] += 1);
        counts
    }

    /// Positions of the control conditions (several where there are several cell types or batches).
    ///
    /// # Errors
    /// [`DataError::NoControl`] when there is none.
    pub fn controls(&self) -> Result<Vec<usize>, DataError> {
        let is_control = |&i: &usize| self.conditions[i].perturbation.is_control();
        let found: Vec<usize> = (0..self.conditions.len()).filter(is_control).collect();
        if found.is_empty() {
            let examples = crate::error::some_of(self.conditions.iter().map(ToString::to_string), 5);
            return Err(DataError::NoControl { n_conditions: self.conditions.len(), examples });
        }
        Ok(found)
    }
}

/// Consecutive cells of a screen, as they stream from a file.
#[derive(Debug, Clone)]
pub struct CellBlock {
    /// Position of the first cell (row) in the screen.
    pub first_cell: usize,
    /// Values of these cells, n x n_genes, in the scale of the file.
    pub x: Csr<f32>,
}

/// A screen in memory: small ones, such as simulated or treated cells.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Expression of the cells.
    pub expression: Expression,
    /// Their conditions.
    pub cells: CellTable,
}

impl Screen {
    /// Puts cells and conditions together.
    ///
    /// # Errors
    /// [`DataError::Shape`] where the numbers of cells differ.
    pub fn new(expression: Expression, cells: CellTable) -> Result<Self, DataError> {
        if expression.n_cells() != cells.n_cells() {
            return Err(DataError::Shape {
                what: "screen",
                expected: format!("{} cell labels", expression.n_cells()),
                got: format!("{}", cells.n_cells()),
            });
        }
        Ok(Self { expression, cells })
    }

    /// The genes.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.expression.genes
    }
}
