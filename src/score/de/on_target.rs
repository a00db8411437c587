//! Did the knockdown work? The test of each perturbation's own target.

use super::gene::{Scratch, test_gene};
use super::{DeOptions, DeRow, DeTable, Keep};
use crate::data::GeneId;
use crate::score::{LogCells, ScoreError};
use crate::stats::benjamini_hochberg;

/// The tests of own targets: one per perturbation and measured target.
#[derive(Debug, Clone)]
pub struct OnTarget {
    table: DeTable,
    /// Perturbation and gene, as positions in the table.
    tests: Vec<(usize, usize)>,
    fdr: Vec<f64>,
    /// Perturbations none of whose targets is measured.
    pub not_measured: Vec<String>,
}

/// Tests every perturbation at its own target genes only; the false discovery rate is over these tests.
///
/// Reads no more genes than there are targets. [`Keep::PooledCpm`] would need all genes and is not applied.
///
/// # Errors
/// [`crate::data::DataError::Temporary`].
pub fn on_target(cells: &LogCells, options: &DeOptions) -> Result<OnTarget, ScoreError> {
    let own = |label: &str| label.split('+').filter_map(|g| cells.genes.id(g)).map(GeneId::index).collect::<Vec<_>>();
    let targets: Vec<Vec<usize>> = cells.labels.iter().map(|label| own(label)).collect();
    let mut genes: Vec<usize> = targets.iter().flatten().copied().collect();
    genes.sort_unstable();
    genes.dedup();
    let options = DeOptions { keep: Keep::All, ..*options };
    let tested = cells
        .map_some_genes(&genes, |scratch: &mut Scratch, column| test_gene(scratch, column, cells, &options, false))?;
    let table = DeTable::new(cells, &genes, &tested, &options);
    let place = |gene: &usize| genes.binary_search(gene).ok();
    let tests: Vec<(usize, usize)> = targets
        .iter()
        .enumerate()
        .flat_map(|(label, own)| own.iter().filter_map(place).map(move |gene| (label, gene)))
        .collect();
    let p: Vec<f64> = tests.iter().map(|&(label, gene)| table.p[[label, gene]]).collect();
    let unmeasured = cells.labels.iter().zip(&targets).filter(|(_, own)| own.is_empty()).map(|(l, _)| l.clone());
    let not_measured = unmeasured.collect();
    Ok(OnTarget { table, tests, fdr: benjamini_hochberg(&p), not_measured })
}

impl OnTarget {
    /// The tests, perturbation after perturbation.
    pub fn rows(&self) -> impl Iterator<Item = DeRow<'_>> {
        let row = |(&(label, gene), &fdr): (&(usize, usize), &f64)| DeRow { fdr, ..self.table.row(label, gene) };
        self.tests.iter().zip(&self.fdr).map(row)
    }
}
