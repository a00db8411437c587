//! Tables of `grn cv` and `grn rank-cv`, read for figures.

use std::path::{Path, PathBuf};

use super::super::error::CliError;
use super::super::report::{Tsv, read_tsv};
use crate::io::IoError;
use crate::score::CvMetric;

/// A table of `grn cv`.
pub(in crate::cli) struct Table {
    path: PathBuf,
    pub(in crate::cli) tsv: Tsv,
}

impl Table {
    /// Reads a table that must be there; `hint` says what writes it.
    pub(in crate::cli) fn read(path: &Path, hint: &str) -> Result<Self, CliError> {
        let missing = || {
            let (what, got) = ("no table to draw".to_owned(), "nothing there".to_owned());
            CliError::usage(what, format!("`{}`", path.display()), got, Some(hint.to_owned()))
        };
        Ok(Self { path: path.to_owned(), tsv: read_tsv(path)?.ok_or_else(missing)? })
    }

    /// A cell.
    pub(in crate::cli) fn text<'a>(&self, row: &'a [String], column: &str) -> Result<&'a str, CliError> {
        let cell = self.tsv.column(column).and_then(|c| row.get(c)).map(String::as_str);
        cell.ok_or_else(|| self.wrong(format!("column `{column}`"), "a table of this version", "no such cell"))
    }

    /// A number; nothing for an empty cell.
    pub(in crate::cli) fn optional(&self, row: &[String], column: &str) -> Result<Option<f64>, CliError> {
        let text = self.text(row, column)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.wrong(format!("column `{column}`"), "a number", &format!("`{text}`")))
    }

    /// A number; not a number for an empty cell.
    pub(in crate::cli) fn number(&self, row: &[String], column: &str) -> Result<f64, CliError> {
        Ok(self.optional(row, column)?.unwrap_or(f64::NAN))
    }

    /// Rows of a metric and of these models; where none is named of all, with or without the mean, but those on a permuted
    /// graph.
    pub(in crate::cli) fn rows_of(
        &self,
        metric: CvMetric,
        models: &[String],
        without_mean: bool,
    ) -> Result<Vec<&[String]>, CliError> {
        models.iter().try_for_each(|m| self.expect_model(m))?;
        let mut out = Vec::new();
        for row in &self.tsv.rows {
            let model = self.text(row, "model")?;
            let usual = !(without_mean && model == "mean" || model.ends_with(".permuted"));
            let wanted = if models.is_empty() { usual } else { models.iter().any(|m| m == model) };
            if wanted && self.text(row, "metric")? == metric.name() {
                out.push(row.as_slice());
            }
        }
        Ok(out)
    }

    /// Names of the models, in order.
    pub(in crate::cli) fn models(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in &self.tsv.rows {
            match self.text(row, "model") {
                Ok(name) if !names.iter().any(|n| n == name) => names.push(name.to_owned()),
                _ => {}
            }
        }
        names
    }

    /// An error that names the models there are.
    pub(in crate::cli) fn expect_model(&self, model: &str) -> Result<(), CliError> {
        let names = self.models();
        if names.iter().any(|n| n == model) {
            return Ok(());
        }
        Err(CliError::usage("--model", format!("one of {}", names.join(", ")), format!("`{model}`"), None))
    }

    /// The last model on the true graph that was not chosen fold by fold.
    pub(in crate::cli) fn last_model(&self) -> Result<String, CliError> {
        let last = self.models().into_iter().rfind(|m| !m.ends_with(".permuted") && m != "nested");
        last.ok_or_else(|| self.wrong("the rows".into(), "a model", "none"))
    }

    /// `low (1 to 3)`.
    pub(in crate::cli) fn group(&self, row: &[String]) -> Result<String, CliError> {
        let name = self.text(row, "stratum")?;
        let (from, to) = (self.text(row, "from")?, self.text(row, "to")?);
        let n = self.text(row, "n")?;
        Ok(match from {
            "" => format!("{name}, n = {n}"),
            _ if from == to => format!("{name} ({from}), n = {n}"),
            _ => format!("{name} ({from} to {to}), n = {n}"),
        })
    }

    pub(in crate::cli) fn wrong(&self, place: String, expected: &str, got: &str) -> CliError {
        IoError::format(&self.path, place, expected.to_owned(), got.to_owned()).into()
    }
}
