//! Rows of a delimited table of drugs.

use super::labels::is_missing;
use super::{Action, Sink};
use crate::io::IoError;
use crate::io::prior::table::{Head, Row};

/// Where the values of a row are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) drug: usize,
    pub(super) targets: usize,
    pub(super) action: Option<usize>,
    pub(super) weight: Option<usize>,
    pub(super) class: Option<usize>,
    pub(super) broad: Option<usize>,
    /// Each row must have a drug and a gene.
    strict: bool,
    /// Rows without a drug or a gene are passed over.
    gaps: bool,
}

impl Layout {
    pub(super) fn new(drug: usize, targets: usize) -> Self {
        Self { drug, targets, action: None, weight: None, class: None, broad: None, strict: false, gaps: false }
    }

    pub(super) fn one_per_row(self) -> Self {
        Self { strict: true, ..self }
    }

    pub(super) fn gaps(self) -> Self {
        Self { gaps: true, ..self }
    }

    pub(super) fn action(self, action: Option<usize>) -> Self {
        Self { action, ..self }
    }

    pub(super) fn weight(self, weight: Option<usize>) -> Self {
        Self { weight, ..self }
    }

    pub(super) fn class(self, class: Option<usize>) -> Self {
        Self { class, ..self }
    }

    pub(super) fn broad(self, broad: Option<usize>) -> Self {
        Self { broad, ..self }
    }

    /// Puts one row into the sink; `text` gives its fields.
    pub(super) fn add<'a>(&self, text: impl Fn(usize) -> &'a str, weight: f32, sink: &mut Sink) {
        let (drug, field) = (text(self.drug), text(self.targets));
        let class = self.class.map(&text).filter(|c| !is_missing(c));
        sink.builder.class(drug, class.unwrap_or(""));
        sink.list(drug, field, self.action_of(text), weight);
    }

    /// The action of the row, else that of the mechanism of the drug.
    fn action_of<'a>(&self, text: impl Fn(usize) -> &'a str) -> Action {
        if let Some(column) = self.action {
            return Action::read(text(column));
        }
        let mechanism = [self.broad, self.class].into_iter().flatten();
        mechanism.map(|c| Action::read(text(c))).find(|a| *a != Action::Unknown).unwrap_or_default()
    }
}

/// Reads all rows.
pub(super) fn read(head: &Head, layout: &Layout, sink: &mut Sink) -> Result<(), IoError> {
    let mut rows = head.rows(true)?;
    while let Some(row) = rows.next()? {
        let absent = |column: usize| is_missing(row.text(column));
        if layout.gaps && (absent(layout.drug) || absent(layout.targets)) {
            continue;
        }
        if absent(layout.drug) {
            return Err(row.wrong(format!("a drug in column {}", layout.drug + 1), "an empty field".into()));
        }
        if layout.strict && absent(layout.targets) {
            return Err(row.wrong(format!("a gene in column {}", layout.targets + 1), "an empty field".into()));
        }
        layout.add(|column| row.text(column), weight(&row, layout.weight)?, sink);
    }
    Ok(())
}

/// The weight of a row, 1 where it gives none.
fn weight(row: &Row<'_>, column: Option<usize>) -> Result<f32, IoError> {
    match column {
        Some(column) if !is_missing(row.text(column)) => row.number(column),
        _ => Ok(1.0),
    }
}
