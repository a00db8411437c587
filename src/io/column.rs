//! Columns of annotation: their kinds, as text and back, some of their rows.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::anndata::Column;

/// Categories and one position per row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coded {
    /// The distinct labels in their order; some may not occur.
    pub categories: Vec<String>,
    /// Position of the label of each row, negative where there is none.
    pub codes: Vec<i32>,
    /// Whether the order of the categories means something.
    pub ordered: bool,
}

impl Coded {
    /// Categories in sorted order, as pandas makes them; empty text is a missing label. O(n log k) for k labels.
    pub fn from_text<S: AsRef<str>>(values: &[S]) -> Self {
        let mut position: HashMap<&str, i32> = HashMap::new();
        let labels = values.iter().map(AsRef::as_ref).filter(|v| !v.is_empty());
        labels.for_each(|label| {
            position.entry(label).or_insert(0);
        });
        let mut categories: Vec<&str> = position.keys().copied().collect();
        categories.sort_unstable();
        categories.iter().enumerate().for_each(|(i, &c)| {
            position.insert(c, i as i32);
        });
        let codes = values.iter().map(|v| position.get(v.as_ref()).copied().unwrap_or(-1)).collect();
        Self { categories: categories.into_iter().map(str::to_owned).collect(), codes, ordered: false }
    }

    /// The label of a row, empty where there is none.
    pub fn label(&self, row: usize) -> &str {
        usize::try_from(self.codes[row]).ok().and_then(|c| self.categories.get(c)).map_or("", String::as_str)
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Free text.
    Text,
    /// Labels that repeat.
    Category,
    /// Numbers.
    Real,
    /// Whole numbers.
    Whole,
    /// True or false.
    Flag,
}

impl Column {
    /// What the column holds.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Strings(_) => ColumnKind::Text,
            Self::Categories(_) | Self::Coded(_) => ColumnKind::Category,
            Self::Floats(_) => ColumnKind::Real,
            Self::Integers(_) => ColumnKind::Whole,
            Self::Booleans(_) => ColumnKind::Flag,
        }
    }

    /// The value of a row as text, empty where it is missing.
    pub fn text(&self, row: usize) -> Cow<'_, str> {
        match self {
            Self::Strings(v) | Self::Categories(v) => Cow::Borrowed(&v[row]),
            Self::Coded(v) => Cow::Borrowed(v.label(row)),
            Self::Floats(v) if v[row].is_nan() => Cow::Borrowed(""),
            Self::Floats(v) => Cow::Owned(v[row].to_string()),
            Self::Integers(v) => Cow::Owned(v[row].to_string()),
            Self::Booleans(v) => Cow::Borrowed(if v[row] { "true" } else { "false" }),
        }
    }

    /// The column of this kind that was written as text; text or labels where a value does not fit the kind.
    pub fn from_text(kind: ColumnKind, values: Vec<String>) -> Self {
        let real = |v: &String| if v.is_empty() { Some(f64::NAN) } else { v.parse().ok() };
        let flag = |v: &String| match v.as_str() {
            "true" | "True" => Some(true),
            "false" | "False" => Some(false),
            _ => None,
        };
        let parsed = match kind {
            ColumnKind::Text => None,
            ColumnKind::Category => Some(Self::Coded(Coded::from_text(&values))),
            ColumnKind::Real => values.iter().map(real).collect::<Option<Vec<_>>>().map(Self::Floats),
            ColumnKind::Whole => values.iter().map(|v| v.parse().ok()).collect::<Option<Vec<_>>>().map(Self::Integers),
            ColumnKind::Flag => values.iter().map(flag).collect::<Option<Vec<_>>>().map(Self::Booleans),
        };
        parsed.unwrap_or(Self::Strings(values))
    }

    /// The kind that text looks like: whole numbers, numbers, true and false, labels that repeat, else text.
    pub fn guess_kind(values: &[String]) -> ColumnKind {
        let all = |fits: fn(&str) -> bool| values.iter().all(|v| fits(v));
        if values.iter().all(String::is_empty) {
            ColumnKind::Category
        } else if all(|v| v.parse::<i64>().is_ok()) {
            ColumnKind::Whole
        } else if all(|v| v.is_empty() || v.parse::<f64>().is_ok()) {
            ColumnKind::Real
        } else if all(|v| ["true", "false", "True", "False"].contains(&v)) {
            ColumnKind::Flag
        } else {
            let distinct: std::collections::HashSet<&String> = values.iter().collect();
            if 2 * distinct.len() <= values.len() { ColumnKind::Category } else { ColumnKind::Text }
        }
    }

    /// The values of these rows, in this order.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        fn of<T: Clone>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|&i| values[i as usize].clone()).collect()
        }
        match self {
            Self::Strings(v) => Self::Strings(of(v, rows)),
            Self::Categories(v) => Self::Categories(of(v, rows)),
            Self::Coded(v) => Self::Coded(Coded { codes: of(&v.codes, rows), ..v.clone() }.used()),
            Self::Floats(v) => Self::Floats(of(v, rows)),
            Self::Integers(v) => Self::Integers(of(v, rows)),
            Self::Booleans(v) => Self::Booleans(of(v, rows)),
        }
    }
}

impl Coded {
    /// Without the categories that do not occur; the others keep their order.
    #[must_use]
    fn used(self) -> Self {
        let mut new_position = vec![-1; self.categories.len()];
        for &code in &self.codes {
            if let Some(at) = usize::try_from(code).ok().and_then(|c| new_position.get_mut(c)) {
                *at = 0;
            }
        }
        let mut next = 0..;
        new_position.iter_mut().filter(|p| **p == 0).zip(&mut next).for_each(|(p, k)| *p = k);
        let code = |c: &i32| usize::try_from(*c).ok().and_then(|c| new_position.get(c)).copied().unwrap_or(-1);
        let codes = self.codes.iter().map(code).collect();
        let occurs = |(at, _): &(usize, String)| new_position[*at] >= 0;
        let categories = self.categories.into_iter().enumerate().filter(occurs).map(|(_, c)| c).collect();
        Self { categories, codes, ordered: self.ordered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&v| v.to_owned()).collect()
    }

    #[test]
    fn kinds_are_guessed_and_parsed_back() {
        let t = |values: &[&str], kind: ColumnKind| {
            assert_eq!(Column::guess_kind(&texts(values)), kind, "{values:?}");
            let column = Column::from_text(kind, texts(values));
            assert_eq!(column.kind(), kind);
            let back: Vec<String> = (0..values.len()).map(|i| column.text(i).into_owned()).collect();
            assert_eq!(back, values);
        };
        t(&["1", "-2"], ColumnKind::Whole);
        t(&["1.5", "", "0.1"], ColumnKind::Real);
        t(&["true", "false"], ColumnKind::Flag);
        t(&["a", "a", "", "b", "b", "b"], ColumnKind::Category);
        t(&["a", "b", "c"], ColumnKind::Text);
        assert_eq!(Column::from_text(ColumnKind::Whole, texts(&["1", "x"])), Column::Strings(texts(&["1", "x"])));
    }

    #[test]
    fn selected_labels_keep_the_order_of_their_categories() {
        let coded = Coded { categories: texts(&["z", "y", "x"]), codes: vec![2, -1, 0, 2], ordered: true };
        let Column::Coded(some) = Column::Coded(coded).select(&[3, 1, 2]) else { panic!("another kind") };
        assert_eq!(some, Coded { categories: texts(&["z", "x"]), codes: vec![1, -1, 0], ordered: true });
        assert_eq!([some.label(0), some.label(1), some.label(2)], ["x", "", "z"]);
    }
}
