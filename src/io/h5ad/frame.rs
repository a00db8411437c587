//! `obs` and `var`: tables stored as a group of columns or, in old files, as one compound dataset.

use super::field::fields;
use super::values::{Values, read_values};
use super::{H5File, Labels};
use crate::io::{Coded, Column, IoError};

/// Categories and one code per row.
type CodesOf = (Vec<String>, Vec<i64>);

/// A table of cells or genes.
#[derive(Debug, Clone)]
pub(in crate::io) struct Frame {
    file: H5File,
    at: String,
    /// Column names without the index.
    pub(in crate::io) columns: Vec<String>,
    index: String,
    compound: bool,
    /// Number of rows.
    pub(in crate::io) len: usize,
}

impl Frame {
    /// The table of this name (`obs`, `var`, `raw/var`).
    pub(in crate::io) fn open(file: &H5File, at: &str) -> Result<Self, IoError> {
        if let Some(dataset) = file.find_dataset(at) {
            let names: Vec<String> = fields(&dataset).map_err(file.wrong(at))?.into_iter().map(|f| f.0).collect();
            let index = names.iter().find(|n| *n == "index" || *n == "_index").or(names.first()).cloned();
            let index = index.ok_or_else(|| file.layout(at, "a group or a compound dataset", "a plain dataset"))?;
            let columns = names.into_iter().filter(|n| *n != index).collect();
            let len = dataset.shape().first().copied().unwrap_or(0);
            return Ok(Self { file: file.clone(), at: at.to_owned(), columns, index, compound: true, len });
        }
        let members = file.members(at);
        let named = file.text_attr(at, "_index").filter(|name| members.contains(name));
        let usual = ["_index", "index"].iter().find(|name| members.iter().any(|m| m == *name)).map(|&n| n.to_owned());
        let index = named.or(usual).ok_or_else(|| {
            let got = if file.exists(at) { "a group without an index" } else { "no such element" };
            file.layout(at, "a table with an index", got)
        })?;
        let ordered = file.names_attr(at, "column-order").unwrap_or_default();
        let mut columns: Vec<String> = ordered.into_iter().filter(|name| members.contains(name)).collect();
        let others = members.into_iter().filter(|n| *n != index && n != "__categories");
        let others: Vec<String> = others.filter(|n| !columns.contains(n)).collect();
        columns.extend(others);
        let name = format!("{at}/{index}");
        let len = match file.find_dataset(&name) {
            Some(dataset) => dataset.shape().first().copied().unwrap_or(0),
            None => read_group(file, &name)?.len(),
        };
        Ok(Self { file: file.clone(), at: at.to_owned(), columns, index, compound: false, len })
    }

    /// Row names.
    pub(in crate::io) fn index(&self) -> Result<Vec<String>, IoError> {
        Ok(self.values(&self.index)?.into_text())
    }

    /// A column as labels, whatever its type.
    pub(in crate::io) fn labels(&self, column: &str) -> Result<Labels, IoError> {
        let labels = match self.categories(column)? {
            Some((categories, codes)) => Labels::from_codes(&categories, &codes),
            None => Labels::from_text(&self.values(column)?.into_text()),
        };
        self.same_length(column, labels.of_cell.len())?;
        Ok(labels)
    }

    /// A column as numbers; `None` where it holds text.
    pub(in crate::io) fn numbers(&self, column: &str) -> Result<Option<Vec<f64>>, IoError> {
        if self.categories(column)?.is_some() {
            return Ok(None);
        }
        let values = self.values(column)?;
        self.same_length(column, values.len())?;
        Ok(values.into_numbers())
    }

    /// A column as text, one per row.
    pub(in crate::io) fn text(&self, column: &str) -> Result<Vec<String>, IoError> {
        Ok(self.labels(column)?.into_text())
    }

    /// A column as it is: labels with their categories, numbers, text.
    pub(in crate::io) fn column(&self, column: &str) -> Result<Column, IoError> {
        let column_of = |values| match values {
            Values::Text(v) => Column::Strings(v),
            Values::Whole(v) => Column::Integers(v),
            Values::Real(v) => Column::Floats(v),
            Values::Flag(v) => Column::Booleans(v),
        };
        let found = match self.categories(column)? {
            None => column_of(self.values(column)?),
            Some((categories, codes)) => {
                let known = |c: i64| i32::try_from(c).ok().filter(|&c| c >= 0 && (c as usize) < categories.len());
                let codes = codes.into_iter().map(|c| known(c).unwrap_or(-1)).collect();
                let ordered = self.file.flag_attr(&format!("{}/{column}", self.at), "ordered").unwrap_or(false);
                Column::Coded(Coded { categories, codes, ordered })
            }
        };
        self.same_length(column, found.len())?;
        Ok(found)
    }

    /// Groups of the file besides the tables, the matrix in use and what AnnData keeps of its own.
    pub(in crate::io) fn other_parts(&self, matrix: &str) -> Vec<String> {
        let of = |group: &str| self.file.members(group).into_iter().map(|m| format!("{group}/{m}")).collect::<Vec<_>>();
        let groups = ["layers", "obsm", "varm", "obsp", "varp", "uns"];
        let mut parts: Vec<String> = groups.into_iter().flat_map(of).collect();
        parts.extend(["X", "raw"].into_iter().filter(|p| self.file.exists(p)).map(str::to_owned));
        parts.retain(|part| part != matrix && !matrix.starts_with(&format!("{part}/")));
        parts
    }

    fn same_length(&self, column: &str, got: usize) -> Result<(), IoError> {
        if got == self.len {
            return Ok(());
        }
        let element = format!("{}/{column}", self.at);
        Err(self.file.layout(&element, format!("{} values, one per row", self.len), got.to_string()))
    }

    /// Categories and codes of a categorical column in any of its three layouts.
    fn categories(&self, column: &str) -> Result<Option<CodesOf>, IoError> {
        let at = format!("{}/{column}", self.at);
        let in_group = format!("{at}/categories");
        let beside = format!("{}/__categories/{column}", self.at);
        let in_uns = format!("uns/{column}_categories");
        let (categories, codes) = if !self.compound && self.file.exists(&in_group) {
            (self.file.values(&in_group)?, self.file.values(&format!("{at}/codes"))?)
        } else if !self.compound && self.file.exists(&beside) {
            (self.file.values(&beside)?, self.file.values(&at)?)
        } else if self.compound && self.file.exists(&in_uns) {
            (self.file.values(&in_uns)?, self.values(column)?)
        } else {
            return Ok(None);
        };
        match codes {
            Values::Whole(codes) => Ok(Some((categories.into_text(), codes))),
            other => Err(self.file.layout(&at, "whole-number codes", format!("{} other values", other.len()))),
        }
    }

    fn values(&self, column: &str) -> Result<Values, IoError> {
        let at = format!("{}/{column}", self.at);
        if self.compound {
            let dataset = self.file.dataset(&self.at)?;
            return read_values(&dataset, Some(column)).map_err(self.file.wrong(&at));
        }
        match self.file.group(&at) {
            Some(_) => read_group(&self.file, &at),
            None => self.file.values(&at),
        }
    }
}

/// Nullable columns are groups of `values` and `mask`; masked values become missing.
fn read_group(file: &H5File, at: &str) -> Result<Values, IoError> {
    let values = file.values(&format!("{at}/values"))?;
    let mask = format!("{at}/mask");
    let masked = if file.exists(&mask) { file.read::<bool>(&mask)? } else { Vec::new() };
    if !masked.contains(&true) {
        return Ok(values);
    }
    Ok(match values {
        Values::Text(text) => blank(text, &masked),
        Values::Flag(_) => blank(values.into_text(), &masked),
        numbers => {
            let numbers = numbers.into_numbers().unwrap_or_default();
            Values::Real(numbers.iter().zip(&masked).map(|(&x, &m)| if m { f64::NAN } else { x }).collect())
        }
    })
}

fn blank(text: Vec<String>, masked: &[bool]) -> Values {
    Values::Text(text.into_iter().zip(masked).map(|(t, &m)| if m { String::new() } else { t }).collect())
}
