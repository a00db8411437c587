//! Fold tables.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use super::IoError;
use super::text::open_text;

/// A row of a fold table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldRow {
    /// The label of the perturbation.
    pub label: String,
    /// The cell type that the row is about; `None`: all of them.
    pub cell_type: Option<String>,
    /// The fold, or `train`, `val`, `test` or `out`.
    pub fold: String,
}

/// Reads a fold table: TSV with the columns `target_gene` and `fold` (or `split`), one row per perturbation. Lines that begin
/// with `#` are comments.
///
/// # Errors
/// [`IoError::MissingColumn`], or [`IoError::Format`] with the line of a row that is too short; also where a perturbation has
/// other folds in other cell types.
pub fn read_folds(path: &Path) -> Result<Vec<(String, String)>, IoError> {
    let mut of_label: HashMap<String, String> = HashMap::new();
    let mut folds = Vec::new();
    for row in read_fold_rows(path)? {
        if row.cell_type.is_some() {
            match of_label.insert(row.label.clone(), row.fold.clone()) {
                Some(before) if before == row.fold => continue,
                Some(before) => {
                    let expected = format!("one fold of `{}` in all cell types", row.label);
                    let got = format!("`{before}` and `{}`", row.fold);
                    return Err(IoError::format(path, "column `cell_type`", expected, got));
                }
                None => {}
            }
        }
        folds.push((row.label, row.fold));
    }
    Ok(folds)
}

/// The same with the cell type of each row, where there is a column `cell_type`.
///
/// # Errors
/// As [`read_folds`], but for cell types.
pub fn read_fold_rows(path: &Path) -> Result<Vec<FoldRow>, IoError> {
    let mut lines =
        open_text(path)?.lines().zip(1..).filter(|(line, _)| !line.as_ref().is_ok_and(|l| l.starts_with('#')));
    let header =
        lines.next().map(|(line, _)| line).transpose().map_err(|e| IoError::read(path, e))?.unwrap_or_default();
    let names: Vec<&str> = header.trim_end().split('\t').collect();
    let find = |accepted: &[&str]| names.iter().position(|n| accepted.contains(n));
    let column = |accepted: &[&str]| {
        find(accepted).ok_or_else(|| IoError::MissingColumn {
            path: path.to_owned(),
            column: accepted[0].to_owned(),
            expected: accepted.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", "),
            found: crate::error::some_of(&names, 8),
            hint: Some("the first line of a fold table reads `target_gene<TAB>fold`".into()),
        })
    };
    let (label, fold) = (column(&["target_gene", "perturbation", "condition"])?, column(&["fold", "split"])?);
    let cell_type = find(&["cell_type"]);
    let row = |(line, number): (std::io::Result<String>, usize)| {
        let line = line.map_err(|e| IoError::read(path, e))?;
        let fields: Vec<&str> = line.trim_end_matches(['\r', '\n']).split('\t').map(str::trim).collect();
        match (fields.get(label), fields.get(fold)) {
            (Some(label), Some(fold)) => Ok(FoldRow {
                label: (*label).to_owned(),
                cell_type: cell_type.and_then(|c| fields.get(c)).filter(|t| !t.is_empty()).map(|t| (*t).to_owned()),
                fold: (*fold).to_owned(),
            }),
            _ => Err(IoError::format(
                path,
                format!("line {number}"),
                format!("{} fields", names.len()),
                fields.len().to_string(),
            )),
        }
    };
    lines.filter(|(l, _)| l.as_ref().map_or(true, |l| !l.trim().is_empty())).map(row).collect()
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
    fn comments_are_skipped_and_cell_types_must_agree() {
        let rows = t("# blake3 0f\ntarget_gene\tcell_type\tsplit\nA\tT1\ttrain\nA\tT2\ttrain\n").unwrap();
        assert_eq!(rows, [("A".into(), "train".into())]);
        let said = t("target_gene\tcell_type\tsplit\nA\tT1\ttrain\nA\tT2\ttest\n").unwrap_err();
        assert!(said.contains("expected one fold of `A` in all cell types, got `train` and `test`"), "{said}");
        assert!(t("# c\ntarget_gene\tfold\nA\n").unwrap_err().contains("line 3: expected 2 fields, got 1"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert!(t("gene\tfold\nA\t0\n").unwrap_err().contains("column `target_gene` not found"));
        assert!(t("target_gene\tfold\nA\t0\nB\n").unwrap_err().contains("line 3: expected 2 fields, got 1"));
    }
}
