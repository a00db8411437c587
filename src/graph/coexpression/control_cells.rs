//! Control cells, kept while a screen streams by.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::data::{CellBlock, Csr, GeneIndex};
use crate::stats::Rng;

/// A random sample of the control cells of a screen.
///
/// Which cells are kept depends on their positions and the seed alone, not on how the blocks are cut. Memory: 8 bytes
/// per value above zero of the kept cells, twice that while the result is computed.
#[derive(Debug, Clone)]
pub struct ControlCells {
    genes: Arc<GeneIndex>,
    max_cells: usize,
    seed: u64,
    seen: u64,
    kept: BinaryHeap<Kept>,
}

/// A cell, ordered by its random key.
#[derive(Debug, Clone)]
struct Kept {
    key: u64,
    cell: usize,
    row: Box<[(u32, f32)]>,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.cell) == (other.key, other.cell)
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.key, self.cell).cmp(&(other.key, other.cell))
    }
}

impl ControlCells {
    /// No cell yet; of all that come at most `max_cells` are kept, drawn without replacement.
    pub fn new(genes: Arc<GeneIndex>, max_cells: usize, seed: u64) -> Self {
        Self { genes, max_cells, seed, seen: 0, kept: BinaryHeap::new() }
    }

    /// Takes the cells of a block (log1p) for which `is_control` says so, given their position in the screen.
    pub fn push(&mut self, block: &CellBlock, is_control: impl Fn(usize) -> bool) {
        for row in 0..block.x.n_rows() {
            let cell = block.first_cell + row;
            if is_control(cell) {
                self.push_cell(cell, block.x.row(row));
            }
        }
    }

    /// Control cells seen.
    pub fn n_seen(&self) -> u64 {
        self.seen
    }

    /// Control cells kept.
    pub fn n_kept(&self) -> usize {
        self.kept.len()
    }

    fn push_cell(&mut self, cell: usize, (columns, values): (&[u32], &[f32])) {
        self.seen += 1;
        let key = Rng::keyed(self.seed, "coexpression", cell as u64, 0).next_u64();
        let full = self.kept.len() >= self.max_cells;
        if full && self.kept.peek().is_none_or(|largest| (largest.key, largest.cell) < (key, cell)) {
            return;
        }
        let nonzero = columns.iter().zip(values).filter(|(_, v)| **v != 0.0);
        self.kept.push(Kept { key, cell, row: nonzero.map(|(&j, &v)| (j, v)).collect() });
        if full {
            self.kept.pop();
        }
    }

    /// The kept cells as n_genes x n_cells, cells in the order of the screen.
    pub(crate) fn by_gene(self) -> (Arc<GeneIndex>, Csr<f32>) {
        let mut cells = self.kept.into_vec();
        cells.sort_unstable_by_key(|c| c.cell);
        let mut by_cell = Csr::empty(self.genes.len());
        for cell in cells {
            by_cell.push_row(cell.row);
        }
        (self.genes, by_cell.transpose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(max_cells: usize, block: usize) -> Vec<f32> {
        let genes = Arc::new(GeneIndex::new(["A"]).unwrap());
        let mut control = ControlCells::new(genes, max_cells, 1);
        for first_cell in (0..100).step_by(block) {
            let mut x = Csr::empty(1);
            (first_cell..(first_cell + block).min(100)).for_each(|cell| x.push_row([(0, cell as f32 + 1.0)]));
            control.push(&CellBlock { first_cell, x }, |cell| cell % 2 == 0);
        }
        assert_eq!((control.n_seen(), control.n_kept()), (50, max_cells.min(50)));
        control.by_gene().1.row(0).1.to_vec()
    }

    #[test]
    fn the_sample_does_not_depend_on_the_blocks() {
        let sample = kept(10, 7);
        assert_eq!(sample, kept(10, 100));
        assert_eq!(sample.len(), 10);
        assert!(sample.is_sorted());
        assert!(sample.iter().all(|v| *v as usize % 2 == 1), "even positions only");
    }

    #[test]
    fn all_are_kept_where_there_are_few() {
        assert_eq!(kept(1000, 9).len(), 50);
    }
}
