//! Numbers of cells per perturbation.

use std::path::Path;

use super::{IoError, text::open_text};

/// Column of the numbers of cells.
const COUNTS: &str = "n_cells";

/// Reads a table of labels (column `pert_col`) and numbers of cells (column `n_cells`), separated by commas.
///
/// # Errors
/// [`IoError::MissingColumn`], and [`IoError::Format`] with the line of a number that is none.
pub fn read_cell_counts(path: &Path, pert_col: &str) -> Result<Vec<(String, u64)>, IoError> {
    let mut table = csv::Reader::from_reader(open_text(path)?);
    let wrong = |e: csv::Error| IoError::format(path, "", "a table separated by commas", e.to_string());
    let names = table.headers().map_err(wrong)?.clone();
    let column = |column: &str| {
        names.iter().position(|n| n == column).ok_or_else(|| IoError::MissingColumn {
            path: path.to_owned(),
            column: column.to_owned(),
            expected: format!("`{column}`"),
            found: crate::error::some_of(names.iter(), 12),
            hint: Some(format!("name the columns `{pert_col},{COUNTS}` in the first line")),
        })
    };
    let (label, count) = (column(pert_col)?, column(COUNTS)?);
    let mut counts = Vec::new();
    for (row, number) in table.records().zip(2..) {
        let row = row.map_err(wrong)?;
        let n = row[count].trim().parse().map_err(|_| {
            IoError::format(path, format!("line {number}"), "a whole number of cells", format!("`{}`", &row[count]))
        })?;
        counts.push((row[label].trim().to_owned(), n));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_by_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counts.csv");
        let t = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_cell_counts(&path, "target_gene")
        };
        assert_eq!(t("n_cells,target_gene\n3,A\n0,B\n").unwrap(), [("A".to_owned(), 3), ("B".to_owned(), 0)]);
        let said = |text: &str| t(text).unwrap_err().to_string();
        assert!(said("target_gene,n\nA,3\n").contains("column `n_cells` not found"));
        assert!(
            said("target_gene,n_cells\nA,3\nB,-1\n").contains("line 3: expected a whole number of cells, got `-1`")
        );
    }
}
