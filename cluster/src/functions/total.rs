//! The sum of the counts of a cell.

use std::sync::Arc;

use datafusion::arrow::array::Float64Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::cells::Cells;
use super::{TOTAL, list_types, wrong};

/// [`TOTAL`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Total {
    signature: Signature,
}

impl Total {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Total {
    fn name(&self) -> &str {
        TOTAL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        list_types(given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [genes, counts] = &columns[..] else {
            return Err(wrong(format!("expected {TOTAL}(genes, expressions), got {} columns", columns.len())));
        };
        let cells = Cells::new(genes, counts)?;
        let total = |row| Ok(cells.cell(row)?.counts.iter().map(|&c| f64::from(c)).sum::<f64>());
        let totals = (0..cells.len()).map(total).collect::<Result<Vec<f64>>>()?;
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from(totals))))
    }
}
