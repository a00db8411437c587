//! The functions of the plan; every process of a cluster knows them by name.

mod accumulator;
mod cells;
mod moments;
mod total;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

/// Aggregate: `grn_moments(genes, expressions, target, known)` gives the state of [`crate::sums::Sums`], binary.
///
/// `genes` are lists of tokens, `expressions` the counts beside them. Counts are scaled to the total `target` (0: not
/// scaled), then log1p, as [`grn::data::Normalisation`] does. `known` are the tokens that stand for genes, see
/// [`crate::tokens`]; others are left out, of the total of a cell too.
pub const MOMENTS: &str = "grn_moments";
/// Scalar: `grn_total(genes, expressions, known)` gives the sum of the counts of a cell, its marker and unknown tokens left out.
pub const TOTAL: &str = "grn_total";
/// Stands before what these functions have to say, so that it can be found among what engines add.
pub const MARK: &str = "cell data: ";

/// The aggregate functions.
pub fn aggregates() -> [Arc<AggregateUDF>; 1] {
    [Arc::new(AggregateUDF::from(moments::Moments::new()))]
}

/// The scalar functions.
pub fn scalars() -> [Arc<ScalarUDF>; 1] {
    [Arc::new(ScalarUDF::from(total::Total::new()))]
}

/// An error about the data.
pub(crate) fn wrong(what: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::Execution(format!("{MARK}{what}"))
}

/// The types that lists of tokens and counts are read as; those that are so already stay untouched.
fn list_types(given: &[DataType]) -> Result<Vec<DataType>> {
    let [genes, counts, ..] = given else {
        return Err(wrong(format!("expected lists of genes and counts, got {} columns", given.len())));
    };
    Ok(vec![list_type("genes", genes, DataType::Int64)?, list_type("expressions", counts, DataType::Float32)?])
}

fn list_type(name: &str, given: &DataType, wanted: DataType) -> Result<DataType> {
    use DataType::{FixedSizeList, LargeList, LargeListView, List, ListView};
    match given {
        List(entry) if *entry.data_type() == wanted => Ok(given.clone()),
        List(entry) | LargeList(entry) | FixedSizeList(entry, _) | ListView(entry) | LargeListView(entry)
            if entry.data_type().is_numeric() =>
        {
            Ok(List(Arc::new(Field::new_list_field(wanted, true))))
        }
        other => Err(wrong(format!("column `{name}`: expected a list of numbers, got {other}"))),
    }
}
