//! The sum of the counts of a cell.

use std::sync::Arc;

use datafusion::arrow::array::{Array, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::cells::Cells;
use super::{TOTAL, list_types, wrong};
use crate::tokens::Known;

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
        let mut types = list_types(given)?;
        types.push(Known::data_type());
        Ok(types)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [genes, counts, known] = &columns[..] else {
            return Err(wrong(format!("expected {TOTAL}(genes, expressions, known), got {} columns", columns.len())));
        };
        if genes.is_empty() {
            return Ok(ColumnarValue::Array(Arc::new(Float64Array::from(Vec::<f64>::new()))));
        }
        let cells = Cells::new(genes, counts, Known::read(known)?)?;
        let total = |row| Ok(cells.cell(row)?.counts.iter().map(|&c| f64::from(c)).sum::<f64>());
        let totals = (0..cells.len()).map(total).collect::<Result<Vec<f64>>>()?;
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from(totals))))
    }
}
