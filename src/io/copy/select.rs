//! Some of the cells.

use super::Cells;
use crate::data::{CellBlock, Csr};

impl Cells {
    /// These cells (positions, ascending).
    #[must_use]
    pub fn select(&self, kept: &[u32]) -> Self {
        let names = kept.iter().map(|&i| self.names[i as usize].clone()).collect();
        let obs = self.obs.iter().map(|(name, column)| (name.clone(), column.select(kept))).collect();
        Self { names, obs, ..self.clone() }
    }
}

impl CellBlock {
    /// The rows of the cells in `kept` (positions in the file, ascending).
    pub fn select(self, kept: &[u32]) -> Csr<f32> {
        let (first, end) = (self.first_cell, self.first_cell + self.x.n_rows());
        let range = kept.partition_point(|&i| (i as usize) < first)..kept.partition_point(|&i| (i as usize) < end);
        if range.len() == self.x.n_rows() {
            return self.x;
        }
        let mut some = Csr::empty(self.x.n_cols());
        for &cell in &kept[range] {
            let (genes, values) = self.x.row(cell as usize - first);
            some.push_row(genes.iter().copied().zip(values.iter().copied()));
        }
        some
    }
}
