//! One pass over the cells: moments of log1p expression per condition and gene.

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::{
    CellBlock, CellTable, Condition, Csr, GeneIndex, Moments, Normalisation, Pseudobulk, Quantity, Screen, TargetSum,
    median,
};
use crate::stats::{PowerSums, Rng};

/// Genes that one task adds up. The order of additions never depends on it.
const GENES_PER_TASK: usize = 2048;

/// How cells become a [`Pseudobulk`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PseudobulkOptions {
    /// The total to which the counts of a cell are scaled before log1p.
    pub target_sum: TargetSum,
    /// Whether the means of two disjoint random halves of the cells are kept.
    pub halves: bool,
    /// Seed of the halves.
    pub seed: u64,
}

/// Adds up cells as they stream.
///
/// # Determinism
/// The sums of a condition and gene are taken in the order of the cells, whatever the blocks and however many threads:
/// tasks share out conditions and ranges of genes, never cells.
///
/// # Complexity
/// O(stored values) time; 32 bytes per condition and gene (40 with halves), whatever the number of cells.
#[derive(Debug)]
pub struct PseudobulkBuilder {
    genes: Arc<GeneIndex>,
    conditions: Vec<Condition>,
    options: PseudobulkOptions,
    normalisation: Normalisation,
    /// Cells of the files before the one that is being added.
    cells_before: usize,
    sums: Vec<ConditionSums>,
}

/// Sums over the cells of one condition; vectors over genes, empty until its first cell.
#[derive(Debug, Default)]
struct ConditionSums {
    n_cells: u64,
    of_gene: Vec<PowerSums>,
    /// Sums over the cells of the first half.
    first: Vec<f64>,
    n_first: u64,
    /// Half of the cell before, where its partner is still to come.
    unpaired: Option<bool>,
}

/// The cells of one condition in a block: row and whether it belongs to the first half.
type Rows = Vec<(u32, bool)>;

impl PseudobulkBuilder {
    /// A builder for these conditions; values are taken as log1p unless [`Self::normalise`] says otherwise.
    pub fn new(genes: Arc<GeneIndex>, conditions: Vec<Condition>, options: PseudobulkOptions) -> Self {
        let sums = conditions.iter().map(|_| ConditionSums::default()).collect();
        Self { genes, conditions, options, normalisation: Normalisation::AsIs, cells_before: 0, sums }
    }

    /// Sets what is done to the values of each cell before they are added.
    #[must_use]
    pub fn normalise(mut self, normalisation: Normalisation) -> Self {
        self.set_normalisation(normalisation);
        self
    }

    /// Changes what is done to the cells that follow (files of another scale).
    pub fn set_normalisation(&mut self, normalisation: Normalisation) {
        self.normalisation = normalisation;
    }

    /// Says how many cells were in the files before the one that follows: the halves are drawn by the number of a cell.
    pub fn set_cells_before(&mut self, cells: usize) {
        self.cells_before = cells;
    }

    /// Adds consecutive cells, n x n_genes. `of_cell` gives the condition of EVERY cell of the file: the block's cells
    /// are looked up from `block.first_cell` on; cells without a condition are passed over.
    pub fn push(&mut self, mut block: CellBlock, of_cell: &[Option<u32>]) {
        debug_assert_eq!(block.x.n_cols(), self.genes.len());
        self.normalisation.apply_rows(&mut block.x);
        let rows = self.share_out(&block, of_cell);
        let (n_genes, x) = (self.genes.len(), &block.x);
        self.sums.par_iter_mut().zip(rows).filter(|(_, rows)| !rows.is_empty()).for_each(|(sums, rows)| {
            sums.add(x, &rows, n_genes);
        });
    }

    /// The rows of each condition in the order of the cells, and the half each cell falls into.
    fn share_out(&mut self, block: &CellBlock, of_cell: &[Option<u32>]) -> Vec<Rows> {
        let mut rows: Vec<Rows> = vec![Vec::new(); self.sums.len()];
        for row in 0..block.x.n_rows() {
            let cell = block.first_cell + row;
            let Some(condition) = of_cell[cell] else { continue };
            let sums = &mut self.sums[condition as usize];
            sums.n_cells += 1;
            let first = self.options.halves && sums.draw_half(self.options.seed, self.cells_before + cell);
            rows[condition as usize].push((row as u32, first));
        }
        for (sums, _) in self.sums.iter_mut().zip(&rows).filter(|(s, r)| s.of_gene.is_empty() && !r.is_empty()) {
            sums.of_gene = vec![PowerSums::default(); self.genes.len()];
            sums.first = if self.options.halves { vec![0.0; self.genes.len()] } else { Vec::new() };
        }
        rows
    }

    /// The table. The mean of a half without cells (a condition of one cell) is NaN.
    pub fn finish(self) -> Pseudobulk {
        let zeros = || Array2::<f32>::zeros((self.conditions.len(), self.genes.len()));
        let mut layers = [zeros(), zeros(), zeros(), zeros()];
        let mut halves = self.options.halves.then(|| [zeros(), zeros()]);
        let n_cells = self.sums.iter().map(|s| s.n_cells).collect();
        for (i, sums) in self.sums.into_iter().enumerate() {
            sums.write_moments(i, &mut layers);
            if let Some(halves) = &mut halves {
                sums.write_halves(i, halves);
            }
        }
        let [mean, var, third, fraction] = layers;
        Pseudobulk {
            genes: self.genes,
            conditions: self.conditions,
            n_cells,
            quantity: Quantity::Level,
            moments: Moments { mean, var: Some(var), third: Some(third), fraction: Some(fraction) },
            halves,
            significant: None,
            control_label: "control".into(),
        }
    }
}

impl ConditionSums {
    /// Fills row `i` of mean, variance, third moment and fraction.
    fn write_moments(&self, i: usize, [mean, var, third, fraction]: &mut [Array2<f32>; 4]) {
        for (j, of_gene) in self.of_gene.iter().enumerate() {
            let m = of_gene.moments(self.n_cells);
            mean[[i, j]] = m.mean as f32;
            var[[i, j]] = m.var as f32;
            third[[i, j]] = m.third as f32;
            fraction[[i, j]] = m.fraction as f32;
        }
    }

    /// Fills row `i` of the means of both halves.
    fn write_halves(&self, i: usize, [a, b]: &mut [Array2<f32>; 2]) {
        let n_second = self.n_cells - self.n_first;
        for (j, (first, all)) in self.first.iter().zip(&self.of_gene).enumerate() {
            a[[i, j]] = (first / self.n_first as f64) as f32;
            b[[i, j]] = ((all.sum - first).max(0.0) / n_second as f64) as f32;
        }
    }

    /// Whether this cell belongs to the first half. Cells of a condition are paired as they come; a coin keyed by the
    /// position of the first of a pair decides, the second takes the other half, so halves differ by one cell at most.
    fn draw_half(&mut self, seed: u64, cell: usize) -> bool {
        let first = if let Some(partner) = self.unpaired.take() {
            !partner
        } else {
            *self.unpaired.insert(Rng::keyed(seed, "halves", cell as u64, 0).next_u32() >> 31 == 1)
        };
        self.n_first += u64::from(first);
        first
    }

    fn add(&mut self, x: &Csr<f32>, rows: &Rows, n_genes: usize) {
        let halves = !self.first.is_empty();
        let starts = (0..n_genes).step_by(GENES_PER_TASK);
        let first: Vec<&mut [f64]> = if halves {
            self.first.chunks_mut(GENES_PER_TASK).collect()
        } else {
            starts.map(|_| Default::default()).collect()
        };
        self.of_gene.par_chunks_mut(GENES_PER_TASK).zip(first).enumerate().for_each(|(k, (sums, first))| {
            let start = (k * GENES_PER_TASK) as u32;
            for &(row, in_first) in rows {
                let (genes, values) = within(x.row(row as usize), start, start + sums.len() as u32);
                for (&gene, &value) in genes.iter().zip(values) {
                    sums[(gene - start) as usize].add(value);
                }
                if in_first {
                    for (&gene, &value) in genes.iter().zip(values) {
                        first[(gene - start) as usize] += f64::from(value);
                    }
                }
            }
        });
    }
}

/// The part of a sorted row with columns in `start..end`.
fn within<'a>((columns, values): (&'a [u32], &'a [f32]), start: u32, end: u32) -> (&'a [u32], &'a [f32]) {
    let (a, b) = (columns.partition_point(|&c| c < start), columns.partition_point(|&c| c < end));
    (&columns[a..b], &values[a..b])
}

impl Pseudobulk {
    /// The table of a screen in memory.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    /// use grn::data::{CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Pseudobulk, Scale, Screen};
    /// let genes = Arc::new(GeneIndex::new(["A", "B"])?);
    /// let x = Csr::new(vec![0, 1, 3], vec![0, 0, 1], vec![2.0, 4.0, 1.0], 2)?;
    /// let control = Some(Condition::of(Perturbation::control()));
    /// let cells = CellTable::new([control.clone(), control]);
    /// let screen = Screen::new(Expression::new(genes, x, Scale::Log1p)?, cells)?;
    /// let table = Pseudobulk::from_screen(&screen, &Default::default());
    /// assert_eq!(table.moments.mean, ndarray::array![[3.0, 0.5]]);
    /// # Ok::<(), grn::data::DataError>(())
    /// ```
    pub fn from_screen(screen: &Screen, options: &PseudobulkOptions) -> Self {
        let (x, cells) = (&screen.expression.x, &screen.cells);
        let normalisation = Normalisation::of(screen.expression.scale, options.target_sum, median_total(x, cells));
        let genes = Arc::clone(&screen.expression.genes);
        let mut builder = PseudobulkBuilder::new(genes, cells.conditions.clone(), *options).normalise(normalisation);
        builder.push(CellBlock { first_cell: 0, x: x.clone() }, &cells.of_cell);
        builder.finish()
    }
}

fn median_total(x: &Csr<f32>, cells: &CellTable) -> f64 {
    let kept = (0..x.n_rows()).filter(|&row| cells.of_cell[row].is_some());
    let totals = kept.map(|row| x.row(row).1.iter().map(|&v| f64::from(v)).sum::<f64>());
    median(&mut totals.filter(|&t| t > 0.0).collect::<Vec<f64>>()).unwrap_or(1.0)
}
