//! One column of many files.

use std::collections::HashMap;

use crate::io::{Coded, Column, ColumnKind};

/// A column that grows file by file; rows of files that lack it have no value.
#[derive(Debug)]
pub(super) struct Union {
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    /// No value yet in so many rows.
    Nothing(usize),
    Labels(Labels),
    /// `true`: written as whole numbers, as no value is missing and all are whole.
    Numbers(Vec<f64>, bool),
    Flags(Vec<bool>),
}

/// Labels and free text alike: distinct texts once, and one position per row.
#[derive(Debug, Default)]
struct Labels {
    position: HashMap<String, i32>,
    names: Vec<String>,
    codes: Vec<i32>,
    /// Whether some of it was free text.
    free: bool,
}

impl Labels {
    fn push(&mut self, text: &str) {
        let code = match self.position.get(text) {
            _ if text.is_empty() => -1,
            Some(&code) => code,
            None => {
                let code = self.names.len() as i32;
                self.names.push(text.to_owned());
                self.position.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }

    fn push_column(&mut self, column: &Column) {
        self.free |= column.kind() == ColumnKind::Text;
        (0..column.len()).for_each(|row| self.push(&column.text(row)));
    }
}

impl Union {
    /// A column that the first `rows` rows lack.
    pub(super) fn after(rows: usize) -> Self {
        Self { rows: Rows::Nothing(rows) }
    }

    fn len(&self) -> usize {
        match &self.rows {
            Rows::Nothing(n) => *n,
            Rows::Labels(labels) => labels.codes.len(),
            Rows::Numbers(v, _) => v.len(),
            Rows::Flags(v) => v.len(),
        }
    }

    /// Appends rows without a value.
    pub(super) fn push_missing(&mut self, rows: usize) {
        match &mut self.rows {
            Rows::Nothing(n) => *n += rows,
            Rows::Labels(labels) => labels.codes.extend(std::iter::repeat_n(-1, rows)),
            Rows::Numbers(v, whole) => {
                v.extend(std::iter::repeat_n(f64::NAN, rows));
                *whole &= rows == 0;
            }
            // True and false leave no room for a missing value.
            Rows::Flags(_) if rows > 0 => {
                self.become_labels();
                self.push_missing(rows);
            }
            Rows::Flags(_) => {}
        }
    }

    /// Appends the rows of a file. Whole numbers and numbers become numbers; kinds that do not fit together, text.
    pub(super) fn push(&mut self, column: &Column) {
        if let Rows::Nothing(n) = self.rows {
            self.rows = Self::begin(n, column);
        }
        match (&mut self.rows, column) {
            (Rows::Numbers(v, whole), Column::Floats(more)) => {
                v.extend(more);
                *whole = false;
            }
            // Whole numbers beyond 2^53 would be rounded.
            (Rows::Numbers(v, _), Column::Integers(more)) if more.iter().all(|x| x.unsigned_abs() <= 1 << 53) => {
                v.extend(more.iter().map(|&x| x as f64));
            }
            (Rows::Flags(v), Column::Booleans(more)) => v.extend(more),
            (Rows::Labels(labels), column) => labels.push_column(column),
            _ => {
                self.become_labels();
                self.push(column);
            }
        }
    }

    fn begin(missing: usize, first: &Column) -> Rows {
        let mut union = Self { rows: Rows::Labels(Labels::default()) };
        match first {
            Column::Floats(_) => union.rows = Rows::Numbers(Vec::new(), false),
            Column::Integers(_) => union.rows = Rows::Numbers(Vec::new(), true),
            Column::Booleans(_) if missing == 0 => union.rows = Rows::Flags(Vec::new()),
            _ => {}
        }
        union.push_missing(missing);
        union.rows
    }

    fn become_labels(&mut self) {
        let so_far = std::mem::replace(&mut self.rows, Rows::Nothing(0));
        let (n, mut labels) = (Self { rows: so_far }, Labels::default());
        let n_rows = n.len();
        let column = n.finish();
        debug_assert_eq!(column.len(), n_rows);
        labels.push_column(&column);
        self.rows = Rows::Labels(labels);
    }

    /// The column.
    pub(super) fn finish(self) -> Column {
        match self.rows {
            Rows::Nothing(n) => Column::Coded(Coded { codes: vec![-1; n], ..Coded::default() }),
            Rows::Numbers(v, true) => Column::Integers(v.into_iter().map(|x| x as i64).collect()),
            Rows::Numbers(v, false) => Column::Floats(v),
            Rows::Flags(v) => Column::Booleans(v),
            Rows::Labels(labels) => labels.finish(),
        }
    }
}

impl Labels {
    /// Free text where it was some and labels hardly repeat, else categories in sorted order.
    fn finish(self) -> Column {
        if self.free && 2 * self.names.len() > self.codes.len() {
            let text = |&code: &i32| usize::try_from(code).map_or_else(|_| String::new(), |c| self.names[c].clone());
            return Column::Strings(self.codes.iter().map(text).collect());
        }
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|&i| &self.names[i]);
        let mut position = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| position[old] = new as i32);
        let code = |&code: &i32| usize::try_from(code).map_or(-1, |c| position[c]);
        let codes = self.codes.iter().map(code).collect();
        let categories = order.iter().map(|&i| self.names[i].clone()).collect();
        Column::Coded(Coded { categories, codes, ordered: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(column: &Column) -> Vec<String> {
        (0..column.len()).map(|i| column.text(i).into_owned()).collect()
    }

    #[test]
    fn kinds_are_kept_where_they_fit_together() {
        let t = |parts: &[Option<Column>], kind: ColumnKind, expected: &[&str]| {
            let mut union = Union::after(0);
            for part in parts {
                match part {
                    Some(column) => union.push(column),
                    None => union.push_missing(1),
                }
            }
            let column = union.finish();
            assert_eq!((column.kind(), texts(&column)), (kind, expected.iter().map(|&e| e.to_owned()).collect()));
        };
        let labels = |v: &[&str]| Some(Column::Categories(v.iter().map(|&t| t.to_owned()).collect()));
        let whole = |v: &[i64]| Some(Column::Integers(v.to_vec()));
        let flags = || Some(Column::Booleans(vec![true, false]));
        t(&[labels(&["b"]), None, labels(&["a", "b"])], ColumnKind::Category, &["b", "", "a", "b"]);
        t(&[whole(&[1]), whole(&[2])], ColumnKind::Whole, &["1", "2"]);
        t(&[whole(&[1]), None], ColumnKind::Real, &["1", ""]);
        t(&[None, whole(&[1])], ColumnKind::Real, &["", "1"]);
        t(&[whole(&[1]), Some(Column::Floats(vec![0.5]))], ColumnKind::Real, &["1", "0.5"]);
        t(&[flags(), flags()], ColumnKind::Flag, &["true", "false", "true", "false"]);
        t(&[flags(), None], ColumnKind::Category, &["true", "false", ""]);
        t(&[whole(&[1]), labels(&["x"])], ColumnKind::Category, &["1", "x"]);
        t(&[whole(&[i64::MAX])], ColumnKind::Category, &["9223372036854775807"]);
        t(&[None, None], ColumnKind::Category, &["", ""]);
        t(&[Some(Column::Strings(vec!["u".into(), "v".into()])), None], ColumnKind::Text, &["u", "v", ""]);
    }
}
