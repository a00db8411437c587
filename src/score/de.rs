//! Differential expression of every perturbation against the control, or against all other cells.

mod adjust;
pub(super) mod gene;
mod on_target;
mod options;
mod table;

use ndarray::Array2;

pub use self::on_target::{OnTarget, on_target};
pub use self::options::{Against, DeOptions, FdrScope, FoldChange, Keep, Mean, Test};
pub use self::table::{DeRow, DeTable, Effects};

use self::gene::{Scratch, Tested, test_gene};
use super::{LogCells, ScoreError};

/// Tests every gene of every perturbation.
///
/// Genes run in parallel. All values of a gene are sorted once, by a radix sort, and every perturbation is tested in one
/// walk over them: O(n) per gene for n non-zero values, however many perturbations there are. Memory: the table, and a
/// block of 64 genes per thread.
///
/// # Errors
/// [`crate::data::DataError::Temporary`].
pub fn differential_expression(cells: &LogCells, options: &DeOptions) -> Result<DeTable, ScoreError> {
    Ok(tests_and_means(cells, options, false)?.table)
}

/// What one pass over the cells gives.
pub(super) struct Tests {
    pub(super) table: DeTable,
    /// Mean of the values as tested, n_groups x n_genes, the control last.
    pub(super) means: Array2<f64>,
    /// The table of a prediction that gives the mean profile to every cell of every perturbation, where asked for.
    pub(super) baseline: Option<DeTable>,
}

/// Tests, means, and (where asked for) the tests of the mean profile, in one pass.
pub(super) fn tests_and_means(cells: &LogCells, options: &DeOptions, baseline: bool) -> Result<Tests, ScoreError> {
    let tested: Vec<Tested> =
        cells.map_genes(|scratch: &mut Scratch, column| test_gene(scratch, column, cells, options, baseline))?;
    let means = Array2::from_shape_fn((cells.n_cells.len(), cells.n_genes()), |(g, gene)| tested[gene].means[g]);
    let genes: Vec<usize> = (0..cells.n_genes()).collect();
    let table = DeTable::new(cells, &genes, &tested, options);
    let baseline = baseline.then(|| {
        let copies: Vec<Tested> = tested.iter().map(|t| t.of_mean_profile(cells, options)).collect();
        DeTable::new(cells, &genes, &copies, options)
    });
    Ok(Tests { table, means, baseline })
}
