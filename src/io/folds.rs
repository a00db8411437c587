//! Fold tables: which perturbation is held out when.

use std::path::Path;

use super::IoError;

/// The columns of a fold table.
const COLUMNS: [&str; 2] = ["target_gene", "fold"];

/// Reads a TSV with the columns `target_gene` and `fold` (others are ignored), one row per perturbation.
///
/// # Returns
/// Label and fold name of each row, in order.
///
/// # Errors
/// [`IoError::System`], [`IoError::MissingColumn`], and [`IoError::Format`] with the line of a row that is too short.
pub fn read_folds(path: &Path) -> Result<Vec<(String, String)>, IoError> {
    let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head: Vec<&str> = lines.next().map(|(_, line)| line.split('\t').map(str::trim).collect()).unwrap_or_default();
    let column = |name: &str| {
        head.iter().position(|h| *h == name).ok_or_else(|| IoError::MissingColumn {
            path: path.to_owned(),
            column: name.to_owned(),
            expected: COLUMNS.map(|c| format!("`{c}`")).join(" and ") + ", separated by tabs",
            found: crate::error::some_of(&head, 6),
            hint: None,
        })
    };
    let (label, fold) = (column(COLUMNS[0])?, column(COLUMNS[1])?);
    let row = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        match (fields.get(label), fields.get(fold)) {
            (Some(l), Some(f)) if !l.is_empty() && !f.is_empty() => Ok(((*l).to_owned(), (*f).to_owned())),
            _ => Err(IoError::format(path, format!("line {}", number + 1), "a perturbation and a fold", line)),
        }
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, IoError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folds.tsv");
        std::fs::write(&path, text).unwrap();
        read_folds(&path)
    }

    #[test]
    fn columns_are_found_by_name() {
        let rows = read("fold\tnote\ttarget_gene\r\n1\tx\tA+B\r\n\r\n2\ty\tC\r\n").unwrap();
        assert_eq!(rows, [("A+B".into(), "1".into()), ("C".into(), "2".into())]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let t = |text: &str, expected: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        t("gene\tfold\nA\t1\n", "`target_gene` not found");
        t("", "`target_gene` not found");
        t("target_gene\tfold\nA\t1\nB\n", "line 3");
    }
}
