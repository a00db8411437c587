//! Tokens and counts of the cells of a batch.

use std::borrow::Cow;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, Float32Type, Int64Type};
use datafusion::error::Result;

use super::wrong;
use crate::tokens::Known;

/// Token of the marker at the beginning of a cell; its count is below 0.
const MARKER: i64 = 1;

/// The lists of a batch.
pub(super) struct Cells<'a> {
    genes: Lists<'a, Int64Type>,
    counts: Lists<'a, Float32Type>,
    known: Known<'a>,
}

struct Lists<'a, T: ArrowPrimitiveType> {
    rows: &'a ListArray,
    entries: &'a PrimitiveArray<T>,
}

/// One cell without its marker and tokens that stand for no gene: as many counts as tokens, counts finite and at least 0.
pub(super) struct Cell<'a> {
    pub(super) tokens: Cow<'a, [i64]>,
    pub(super) counts: Cow<'a, [f32]>,
}

impl<'a> Cells<'a> {
    /// The lists `genes` and `expressions`, and the tokens that stand for genes.
    pub(super) fn new(genes: &'a ArrayRef, counts: &'a ArrayRef, known: Known<'a>) -> Result<Self> {
        Ok(Self { genes: Lists::new("genes", genes)?, counts: Lists::new("expressions", counts)?, known })
    }

    pub(super) fn len(&self) -> usize {
        self.genes.rows.len()
    }

    /// The cell of a row; a row without lists is a cell without counts.
    pub(super) fn cell(&self, row: usize) -> Result<Cell<'a>> {
        let (mut tokens, mut counts) = (self.genes.row(row), self.counts.row(row));
        if tokens.len() != counts.len() {
            let (n_tokens, n_counts) = (tokens.len(), counts.len());
            return Err(wrong(format!("expected as many counts as genes ({n_tokens}) in each cell, got {n_counts}")));
        }
        if tokens.first() == Some(&MARKER) && counts[0] < 0.0 {
            (tokens, counts) = (&tokens[1..], &counts[1..]);
        }
        if let Some(at) = counts.iter().position(|c| !(*c >= 0.0 && *c < f32::INFINITY)) {
            let (count, token) = (counts[at], tokens[at]);
            let expected = "expected finite counts of at least 0 behind the marker";
            return Err(wrong(format!("{expected}, got {count} of token {token} in a cell of {} genes", tokens.len())));
        }
        if tokens.iter().all(|t| self.known.has(*t)) {
            return Ok(Cell { tokens: tokens.into(), counts: counts.into() });
        }
        let entries = tokens.iter().zip(counts).filter(|(t, _)| self.known.has(**t));
        let (tokens, counts): (Vec<i64>, Vec<f32>) = entries.map(|(&t, &c)| (t, c)).unzip();
        Ok(Cell { tokens: tokens.into(), counts: counts.into() })
    }
}

impl<'a, T: ArrowPrimitiveType> Lists<'a, T> {
    fn new(name: &str, array: &'a ArrayRef) -> Result<Self> {
        let rows = array.as_list_opt::<i32>();
        let Some((rows, entries)) = rows.and_then(|r| Some((r, r.values().as_primitive_opt::<T>()?))) else {
            return Err(wrong(format!(
                "column `{name}`: expected lists of {}, got {}",
                T::DATA_TYPE,
                array.data_type()
            )));
        };
        if entries.null_count() > 0 {
            return Err(wrong(format!("column `{name}`: expected numbers in the lists, got nothing in one of them")));
        }
        Ok(Self { rows, entries })
    }

    fn row(&self, row: usize) -> &'a [T::Native] {
        if self.rows.is_null(row) {
            return &[];
        }
        let offsets = self.rows.value_offsets();
        &self.entries.values()[offsets[row] as usize..offsets[row + 1] as usize]
    }
}
