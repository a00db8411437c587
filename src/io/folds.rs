//! Fold tables.

use std::io::BufRead;
use std::path::Path;

use super::IoError;
use super::text::open_text;

/// Reads a fold table: TSV with the columns `target_gene` and `fold` (or `split`), one row per perturbation.
///
/// # Errors
/// [`IoError::MissingColumn`], or [`IoError::Format`] with the line of a row that is too short.
pub fn read_folds(path: &Path) -> Result<Vec<(String, String)>, IoError> {
    let mut lines = open_text(path)?.lines();
    let header = lines.next().transpose().map_err(|e| IoError::read(path, e))?.unwrap_or_default();
    let names: Vec<&str> = header.trim_end().split('\t').collect();
    let column = |accepted: &[&str]| {
        names.iter().position(|n| accepted.contains(n)).ok_or_else(|| IoError::MissingColumn {
            path: path.to_owned(),
            column: accepted[0].to_owned(),
            expected: accepted.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", "),
            found: crate::error::some_of(&names, 8),
            hint: Some("the first line of a fold table reads `target_gene<TAB>fold`".into()),
        })
    };
    let (label, fold) = (column(&["target_gene", "perturbation", "condition"])?, column(&["fold", "split"])?);
    let row = |(k, line): (usize, std::io::Result<String>)| {
        let line = line.map_err(|e| IoError::read(path, e))?;
        let fields: Vec<&str> = line.trim_end_matches(['\r', '\n']).split('\t').collect();
        match (fields.get(label), fields.get(fold)) {
            (Some(label), Some(fold)) => Ok(((*label).trim().to_owned(), (*fold).trim().to_owned())),
            _ => Err(IoError::format(
                path,
                format!("line {}", k + 2),
                format!("{} fields", names.len()),
                fields.len().to_string(),
            )),
        }
    };
    lines.enumerate().filter(|(_, l)| l.as_ref().map_or(true, |l| !l.trim().is_empty())).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> Result<Vec<(String, String)>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folds.tsv");
        std::fs::write(&path, text).unwrap();
        read_folds(&path).map_err(|e| e.to_string().replace(&dir.path().display().to_string(), ""))
    }

    #[test]
    fn labels_and_folds_are_read_by_column_name() {
        let rows = t("fold\ttarget_gene\n0\tA\n1\tB+C \n\n").unwrap();
        assert_eq!(rows, [("A".into(), "0".into()), ("B+C".into(), "1".into())]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert!(t("gene\tfold\nA\t0\n").unwrap_err().contains("column `target_gene` not found"));
        assert!(t("target_gene\tfold\nA\t0\nB\n").unwrap_err().contains("line 3: expected 2 fields, got 1"));
    }
}
