//! The table of tests as a file, in the format of its name.

use std::collections::HashMap;
use std::path::Path;

use crate::cli::call::{Table, TableColumn};
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

/// The same columns for a program that called: labels as codes, in the order of their first row.
pub(super) fn in_memory<'a>(rows: impl Iterator<Item = DeRow<'a>>) -> Table {
    let (mut targets, mut features) = (Codes::default(), Codes::default());
    let mut reals: [Vec<f64>; 7] = Default::default();
    let mut counts: [Vec<i64>; 2] = Default::default();
    for r in rows {
        targets.push(r.target);
        features.push(r.feature);
        let values = [r.target_mean, r.reference_mean, r.log2_fold_change, r.percent_change, r.p, r.statistic, r.fdr];
        reals.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        counts.iter_mut().zip([r.n_target, r.n_reference]).for_each(|(column, n)| column.push(n as i64));
    }
    let (mut reals, mut counts) = (reals.into_iter(), counts.into_iter());
    let mut labels = [targets, features].into_iter();
    let column = |(name, kind): (&str, ParquetKind)| {
        let column = match kind {
            ParquetKind::Text => labels.next().map(Codes::column),
            ParquetKind::I64 => counts.next().map(TableColumn::Integers),
            _ => reals.next().map(TableColumn::Floats),
        };
        column.map(|column| (name.to_owned(), column))
    };
    Table { columns: COLUMNS.into_iter().filter_map(column).collect() }
}

/// Labels as they come, each distinct one once.
#[derive(Default)]
struct Codes<'a> {
    position: HashMap<&'a str, i32>,
    names: Vec<String>,
    codes: Vec<i32>,
    last: Option<(&'a str, i32)>,
}

impl<'a> Codes<'a> {
    fn push(&mut self, label: &'a str) {
        // The rows of one perturbation follow each other.
        let code = match self.last {
            Some((last, code)) if std::ptr::eq(last, label) => code,
            _ => *self.position.entry(label).or_insert_with(|| {
                self.names.push(label.to_owned());
                self.names.len() as i32 - 1
            }),
        };
        self.last = Some((label, code));
        self.codes.push(code);
    }

    fn column(self) -> TableColumn {
        TableColumn::Labels { categories: self.names, codes: self.codes }
    }
}
