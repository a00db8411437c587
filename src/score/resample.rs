//! Control cells drawn again and scaled by gene: the cells of the mean response.

use super::{LogCells, ScoreError};
use crate::data::GeneId;
use crate::stats::NumpyRng;

/// Genes whose copies are summed at once.
const GENES_AT_ONCE: usize = 512;

/// Copies of cells with the counts of each gene scaled.
#[derive(Debug)]
pub(super) struct Copies {
    /// Copies of cell c are `to[start[c]..start[c + 1]]`.
    start: Vec<u32>,
    to: Vec<u32>,
    /// By gene.
    scale: Vec<f64>,
}

impl Copies {
    /// From the cell that each copy is of.
    fn new(sources: &[u32], n_cells: usize, scale: Vec<f64>) -> Self {
        let mut start = vec![0; n_cells + 1];
        sources.iter().for_each(|&cell| start[cell as usize + 1] += 1);
        (0..n_cells).for_each(|cell| start[cell + 1] += start[cell]);
        let mut next = start.clone();
        let mut to = vec![0; sources.len()];
        for (&cell, copy) in sources.iter().zip(0..) {
            to[next[cell as usize] as usize] = copy;
            next[cell as usize] += 1;
        }
        Self { start, to, scale }
    }

    /// The copies of a cell.
    pub(super) fn of(&self, cell: u32) -> impl Iterator<Item = u32> {
        let range = self.start[cell as usize] as usize..self.start[cell as usize + 1] as usize;
        self.to[range].iter().copied()
    }

    /// A count, scaled.
    pub(super) fn value(&self, gene: usize, count: f32) -> f32 {
        (f64::from(count) * self.scale[gene]) as f32
    }
}

/// The mean response as a prediction, as cell-eval2 0.20 emits it: each perturbation has as many cells as it really has,
/// drawn from the control cells with replacement, and the counts of each gene are scaled so that their expected mean is
/// the mean over perturbations of their mean counts.
///
/// The mean of a gene leaves out the perturbations that target it (where others are left). Genes without control counts
/// stay without. `cells` are raw counts. Drawn with numpy's random numbers: the same cells as cell-eval2 for a seed.
///
/// # Errors
/// [`crate::data::DataError::Temporary`].
pub(super) fn mean_response(cells: &LogCells, seed: u64) -> Result<LogCells, ScoreError> {
    let pool = cells.control_cells();
    let mut rng = NumpyRng::new(seed);
    let n_copies: usize = cells.n_cells[..cells.labels.len()].iter().sum();
    let sources: Vec<u32> = (0..n_copies).map(|_| pool[rng.below(pool.len() as u32) as usize]).collect();
    let sizes = cells.n_cells[..cells.labels.len()].iter().zip(0u32..);
    let group_of_copy: Vec<u32> = sizes.flat_map(|(&n, group)| std::iter::repeat_n(group, n)).collect();
    let copies = Copies::new(&sources, cells.totals(0).len(), response(cells)?);
    let totals = scaled_totals(cells, &copies)?;
    let totals = sources.iter().map(|&cell| totals[cell as usize]).collect();
    cells.with_copies(copies, group_of_copy, totals)
}

/// The mean response of each gene relative to its control mean.
fn response(cells: &LogCells) -> Result<Vec<f64>, ScoreError> {
    let n = cells.labels.len();
    let mut targeted_by = vec![Vec::new(); cells.n_genes()];
    for (group, label) in cells.labels.iter().enumerate() {
        let own = label.split('+').filter_map(|gene| cells.genes.id(gene)).map(GeneId::index);
        own.for_each(|gene| targeted_by[gene].push(group));
    }
    let ratio = |(): &mut (), column: &super::GeneColumn| {
        let means = column.means(&cells.n_cells);
        let others = |group: &usize| !targeted_by[column.gene].contains(group);
        let kept: Vec<f64> = (0..n).filter(others).map(|group| means[group]).collect();
        let response = if kept.is_empty() { means[n] } else { kept.iter().sum::<f64>() / kept.len() as f64 };
        if means[n] > 0.0 { response / means[n] } else { 0.0 }
    };
    cells.map_genes(ratio)
}

/// The total of a copy of each control cell.
fn scaled_totals(cells: &LogCells, copies: &Copies) -> Result<Vec<f64>, ScoreError> {
    let mut totals = vec![0.0; cells.totals(0).len()];
    let (genes, control) = ((0..cells.n_genes()).collect::<Vec<_>>(), cells.labels.len());
    for genes in genes.chunks(GENES_AT_ONCE) {
        let scaled = cells.map_some_genes(genes, |(): &mut (), column| {
            let control = (0..column.values.len()).filter(|&k| column.groups[k] as usize == control);
            control.map(|k| (column.cells[k], copies.value(column.gene, column.values[k]))).collect::<Vec<_>>()
        })?;
        scaled.iter().flatten().for_each(|&(cell, value)| totals[cell as usize] += f64::from(value));
    }
    Ok(totals)
}
