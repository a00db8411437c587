//! The plan: rows of Parquet to one state per group. It is the same whatever runs it.

use std::path::PathBuf;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::error::{DataFusionError, Result as QueryResult};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, cast, lit, when};
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionContext};
use grn::data::TargetSum;
use url::Url;

use crate::ClusterError;
use crate::functions::{aggregates, scalars};
use crate::tokens::KnownTokens;

/// Columns of the lists.
const GENES: &str = "genes";
const COUNTS: &str = "expressions";
/// Columns of the answer: labels, then the state.
pub(crate) const LABELS: [&str; 3] = ["perturbation", "cell_type", "batch"];
pub(crate) const MOMENTS: &str = "moments";

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Files of rows, absolute paths.
    pub files: Vec<PathBuf>,
    /// Column of the perturbation.
    pub pert_col: String,
    /// Column of the cell type.
    pub celltype_col: Option<String>,
    /// Column of the batch.
    pub batch_col: Option<String>,
    /// The total to which the counts of a cell are scaled.
    pub target_sum: TargetSum,
    /// The tokens that stand for genes.
    pub tokens: KnownTokens,
}

impl Question {
    /// The rows that have a label, with their labels as text.
    ///
    /// # Errors
    /// [`ClusterError::MissingColumn`]; a file that cannot be read or is no Parquet.
    pub async fn rows(&self, context: &SessionContext, engine: &str) -> Result<DataFrame, ClusterError> {
        let failed = |e: DataFusionError| ClusterError::Query { engine: engine.to_owned(), source: Box::new(e) };
        let urls = self.files.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        let table = context.read_parquet(urls, ParquetReadOptions::default()).await.map_err(failed)?;
        let found: Vec<String> = table.schema().fields().iter().map(|f| f.name().clone()).collect();
        let needed =
            [Some(GENES), Some(COUNTS), Some(&self.pert_col), self.celltype_col.as_deref(), self.batch_col.as_deref()];
        for column in needed.into_iter().flatten() {
            if !found.iter().any(|f| f == column) {
                let path = self.files.first().cloned().unwrap_or_default();
                return Err(ClusterError::MissingColumn { path, column: column.to_owned(), found });
            }
        }
        self.labelled(table).map_err(failed)
    }

    fn labelled(&self, table: DataFrame) -> QueryResult<DataFrame> {
        let columns = [Some(&self.pert_col), self.celltype_col.as_ref(), self.batch_col.as_ref()];
        let labels = columns.into_iter().zip(LABELS).filter_map(|(column, name)| Some((column?, name)));
        let labels = labels.map(|(column, name)| Ok(text(column)?.alias(name))).collect::<QueryResult<Vec<Expr>>>()?;
        table.select(labels.into_iter().chain([named(GENES), named(COUNTS)]))?.filter(named(LABELS[0]).not_eq(lit("")))
    }

    /// Totals above zero and how many cells have each.
    ///
    /// # Errors
    /// A plan that cannot be.
    pub fn totals(&self, rows: DataFrame) -> QueryResult<DataFrame> {
        let total = scalars()[0].call(vec![named(GENES), named(COUNTS), self.tokens.literal()]).alias("total");
        let totals = rows.select([total])?.filter(named("total").gt(lit(0.0)))?;
        totals.aggregate(vec![named("total")], vec![count(lit(1i64)).alias("cells")])
    }

    /// The state of each group; `target` as [`crate::functions::MOMENTS`] takes it.
    ///
    /// # Errors
    /// A plan that cannot be.
    pub fn moments(&self, rows: DataFrame, target: f64) -> QueryResult<DataFrame> {
        let given = [true, self.celltype_col.is_some(), self.batch_col.is_some()];
        let labels = LABELS.into_iter().zip(given).filter(|(_, given)| *given).map(|(name, _)| named(name));
        let arguments = vec![named(GENES), named(COUNTS), lit(target), self.tokens.literal()];
        rows.aggregate(labels.collect(), vec![aggregates()[0].call(arguments).alias(MOMENTS)])
    }
}

/// A column by its exact name.
fn named(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// A column as text, empty where it is missing.
fn text(column: &str) -> QueryResult<Expr> {
    let text = cast(named(column), DataType::Utf8);
    when(named(column).is_null(), lit("")).otherwise(text)
}

/// Names are taken as they are: no pattern is looked for in them.
fn address(file: &PathBuf) -> Result<ListingTableUrl, ClusterError> {
    let wrong = || ClusterError::usage("FILE", "an absolute path", format!("`{}`", file.display()));
    let url = Url::from_file_path(file).map_err(|()| wrong())?;
    ListingTableUrl::try_new(url, None).map_err(|_| wrong())
}
