//! Arguments that say what is asked.

use std::path::PathBuf;

use clap::Args;
use grn::data::TargetSum;
use grn::io::TokenTable;
use grn_cluster::engine::Limits;
use grn_cluster::plan::Question;
use grn_cluster::tokens::KnownTokens;
use grn_cluster::{ClusterError, files};

/// Rows and how they are grouped.
#[derive(Debug, Args)]
pub(super) struct QuestionArgs {
    /// Rows: Parquet files, folders of them, or patterns such as 'cells-*.parquet'; executors must see the same paths
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Table of `gene_symbol` and `token_id` (Parquet, TSV or CSV)
    #[arg(long, value_name = "FILE")]
    genes: PathBuf,
    /// Column of the perturbation; each label is one condition, whatever signs are in it
    #[arg(long, value_name = "COLUMN", default_value = "drug")]
    pert_col: String,
    /// Column of the cell type (default: none; all cells are one type)
    #[arg(long, value_name = "COLUMN")]
    celltype_col: Option<String>,
    /// Column of the batch (default: none)
    #[arg(long, value_name = "COLUMN")]
    batch_col: Option<String>,
    /// Total to which the counts of a cell are scaled before log1p: median, 1e4, any number, or none
    #[arg(long, value_name = "SUM", default_value = "median")]
    target_sum: String,
    /// Bytes of sums held before they go to disk (`4G`); for the engine datafusion, executors have their own
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
    /// Parts that the rows are read in (default: one per core; 32 on a cluster)
    #[arg(long, value_name = "N")]
    parts: Option<usize>,
}

impl QuestionArgs {
    /// The question and the genes.
    pub(super) fn read(&self) -> Result<(Question, TokenTable), ClusterError> {
        let target_sum = self.target_sum.parse::<TargetSum>();
        let wrong = |expected| ClusterError::usage("--target-sum", expected, format!("`{}`", self.target_sum));
        let target_sum = target_sum.map_err(wrong)?;
        let files = files::expand(&self.files, std::slice::from_ref(&self.genes))?;
        let genes = TokenTable::read(&self.genes)?;
        let question = Question {
            files,
            pert_col: self.pert_col.clone(),
            celltype_col: self.celltype_col.clone(),
            batch_col: self.batch_col.clone(),
            target_sum,
            tokens: KnownTokens::of(&genes),
        };
        Ok((question, genes))
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { memory: self.memory.map(|bytes| bytes as usize), parts: self.parts }
    }
}

/// Reads `4G`, `512M`, `100000`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let upper = text.trim().to_ascii_uppercase();
    let number = upper.trim_end_matches('B').trim_end_matches('I');
    let (digits, shift) = match number.char_indices().last() {
        Some((at, 'K')) => (&number[..at], 10),
        Some((at, 'M')) => (&number[..at], 20),
        Some((at, 'G')) => (&number[..at], 30),
        Some((at, 'T')) => (&number[..at], 40),
        _ => (number, 0),
    };
    let bytes = digits.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
    let bytes = bytes.map(|n| (n * (1u64 << shift) as f64) as u64).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "expected a number of bytes such as `4G` or `512M`".into())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let t = |text: &str| bytes(text).ok();
        assert_eq!(t("4G"), Some(4 << 30));
        assert_eq!(t("1.5 GiB"), Some(3 << 29));
        assert_eq!(t("512mb"), Some(512 << 20));
        assert_eq!(t("1000"), Some(1000));
        assert_eq!((t("0"), t("-1G"), t("many"), t("G"), t("0.1")), (None, None, None, None, None));
    }
}
