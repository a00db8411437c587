//! Tables of a run directory, as the report shows them.

use std::path::Path;

use super::super::error::CliError;
use crate::io::IoError;
use crate::report::TableView;

/// A tab-separated file of a run directory.
pub(in crate::cli) struct Tsv {
    pub(in crate::cli) header: Vec<String>,
    pub(in crate::cli) rows: Vec<Vec<String>>,
}

/// Reads a table; `None` where there is no such file.
pub(in crate::cli) fn read_tsv(path: &Path) -> Result<Option<Tsv>, CliError> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
    let mut lines = text.lines().map(|l| l.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    Ok(Some(Tsv { header, rows: lines.collect() }))
}

impl Tsv {
    /// Position of a column.
    pub(in crate::cli) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }

    /// The first `n` columns.
    pub(super) fn first_columns(&self, n: usize) -> Self {
        let cut = |row: &Vec<String>| row.iter().take(n).cloned().collect();
        Self { header: cut(&self.header), rows: self.rows.iter().map(cut).collect() }
    }

    /// The first `n` rows, long numbers rounded; the caption says how many there are.
    pub(super) fn view(&self, caption: &str, n: usize) -> TableView {
        let more =
            if self.rows.len() > n { format!(" (the first {n} of {} rows)", self.rows.len()) } else { String::new() };
        TableView {
            caption: format!("{caption}{more}"),
            header: self.header.clone(),
            rows: self.rows.iter().take(n).map(|r| r.iter().map(|c| short(c)).collect()).collect(),
            best: None,
        }
    }
}

/// A number with more than four decimals, rounded to four significant digits; anything else as it is.
fn short(cell: &str) -> String {
    let decimals = cell.split_once('.').map_or(0, |(_, d)| d.len());
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() && decimals > 4 => number(value),
        _ => cell.to_owned(),
    }
}

/// A number with about four significant digits.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 {
        return format!("{value:.2e}").replace('-', "−");
    }
    let digits = if value.abs() >= 100.0 { 1 } else { 4 };
    format!("{value:.digits$}").replace('-', "−")
}
