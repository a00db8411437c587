//! Aggregated scores: cell-eval's `agg_results.csv`.

use std::path::Path;

use super::{IoError, text::open_text};

/// Reads the row `mean` of an `agg_results.csv`: metrics in the order of the file, NaN where a value is missing.
///
/// # Errors
/// [`IoError::Format`] without a first column `statistic`, without a row `mean`, or for a value that is no number.
pub fn read_mean_row(path: &Path) -> Result<Vec<(String, f64)>, IoError> {
    let mut table = csv::Reader::from_reader(open_text(path)?);
    let wrong = |e: csv::Error| IoError::format(path, "", "a table separated by commas", e.to_string());
    let names = table.headers().map_err(wrong)?.clone();
    if names.get(0) != Some("statistic") {
        let got = format!("`{}`", names.get(0).unwrap_or_default());
        return Err(IoError::format(path, "first column", "`statistic`, as in agg_results.csv", got));
    }
    for row in table.records() {
        let row = row.map_err(wrong)?;
        if row.get(0) == Some("mean") {
            let number = |(name, text): (&str, &str)| Ok((name.to_owned(), parse(path, name, text)?));
            return names.iter().zip(row.iter()).skip(1).map(number).collect();
        }
    }
    Err(IoError::format(path, "column `statistic`", "a row `mean`", "none"))
}

fn parse(path: &Path, name: &str, text: &str) -> Result<f64, IoError> {
    match text.trim() {
        "" => Ok(f64::NAN),
        text => text
            .parse()
            .map_err(|_| IoError::format(path, format!("mean of `{name}`"), "a number", format!("`{text}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_are_read_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agg.csv");
        let t = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_mean_row(&path)
        };
        let row = t("statistic,mae,x,pr_auc\ncount,2.0,2.0,2.0\nmean,0.25,,NaN\nstd,0,0,0\n").unwrap();
        assert_eq!(row[0], ("mae".to_owned(), 0.25));
        assert!(row[1].1.is_nan() && row[2].1.is_nan());
        let said = |text: &str| t(text).unwrap_err().to_string();
        assert!(said("perturbation,mae\nA,1\n").contains("expected `statistic`"));
        assert!(said("statistic,mae\nstd,1\n").contains("expected a row `mean`"));
        assert!(said("statistic,mae\nmean,much\n").contains("mean of `mae`: expected a number, got `much`"));
    }
}
