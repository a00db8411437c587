//! The table of tests as a file, in the format of its name.

use std::path::Path;

use crate::cli::error::CliError;
use crate::cli::score::write;
use crate::io::{ParquetKind, ParquetValues, write_parquet};
use crate::score::{DeRow, write_de};

/// Rows per group of a Parquet file.
const GROUP: usize = 100_000;

/// pdex's columns with the kinds it gives them.
const COLUMNS: [(&str, ParquetKind); 11] = [
    ("target", ParquetKind::Text),
    ("feature", ParquetKind::Text),
    ("target_mean", ParquetKind::F64),
    ("ref_mean", ParquetKind::F64),
    ("target_membership", ParquetKind::I64),
    ("ref_membership", ParquetKind::I64),
    ("log2_fold_change", ParquetKind::F64),
    ("percent_change", ParquetKind::F64),
    ("p_value", ParquetKind::F64),
    ("statistic", ParquetKind::F64),
    ("fdr", ParquetKind::F64),
];

/// Writes `.parquet`, or text separated by tabs (`.tsv`) or commas (any other name); whole or not at all.
pub(super) fn write_table<'a>(path: &Path, rows: impl Iterator<Item = DeRow<'a>>) -> Result<(), CliError> {
    let has = |wanted: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(wanted));
    if has("parquet") {
        return Ok(write_parquet(path, &COLUMNS, groups(rows))?);
    }
    write(path, |out| write_de(rows, if has("tsv") { b'\t' } else { b',' }, out))
}

fn groups<'a>(mut rows: impl Iterator<Item = DeRow<'a>>) -> impl Iterator<Item = Vec<ParquetValues<'a>>> {
    std::iter::from_fn(move || {
        let group: Vec<DeRow<'a>> = rows.by_ref().take(GROUP).collect();
        (!group.is_empty()).then(|| columns(&group))
    })
}

fn columns<'a>(rows: &[DeRow<'a>]) -> Vec<ParquetValues<'a>> {
    let text = |of: fn(&DeRow<'a>) -> &'a str| ParquetValues::Text(rows.iter().map(of).collect());
    let number = |of: fn(&DeRow<'a>) -> f64| ParquetValues::F64(rows.iter().map(of).collect());
    let count = |of: fn(&DeRow<'a>) -> usize| ParquetValues::I64(rows.iter().map(|r| of(r) as i64).collect());
    vec![
        text(|r| r.target),
        text(|r| r.feature),
        number(|r| r.target_mean),
        number(|r| r.reference_mean),
        count(|r| r.n_target),
        count(|r| r.n_reference),
        number(|r| r.log2_fold_change),
        number(|r| r.percent_change),
        number(|r| r.p),
        number(|r| r.statistic),
        number(|r| r.fdr),
    ]
}
