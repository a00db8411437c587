//! Tokens and counts of one cell.

use super::plan::Planned;
use super::stream::Batch;
use super::tokens::TokenTable;
use crate::io::IoError;

/// Token of the marker at the beginning of a cell; its count is below 0.
const MARKER: i64 = 1;

/// Tokens and counts of a cell behind the marker it may begin with.
pub(in crate::io) fn without_marker<'a>(genes: &'a [i64], counts: &'a [f32]) -> (&'a [i64], &'a [f32]) {
    match (genes, counts) {
        ([MARKER, genes @ ..], [first, counts @ ..]) if *first < 0.0 => (genes, counts),
        _ => (genes, counts),
    }
}

/// Reads cells with a table of tokens.
pub(super) struct Reader<'a> {
    pub(super) tokens: &'a TokenTable,
}

/// A cell: columns of the token table and counts, columns ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) counts: Vec<(u32, f32)>,
    /// All counts but the marker and those of unknown tokens.
    pub(super) total: f64,
    /// Entries whose token the table does not have.
    pub(super) unknown: u64,
    /// Whether it began with a marker.
    pub(super) marked: bool,
}

/// What was met while reading.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) marked: u64,
    pub(super) entries: u64,
    pub(super) unknown: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tokens: &'a TokenTable) -> Self {
        Self { tokens }
    }

    /// The cells of a batch that the plan needs.
    pub(super) fn read(
        &self,
        batch: &Batch<'_>,
        plan: &Planned,
        seen: &mut Seen,
    ) -> Result<Vec<Option<Cell>>, IoError> {
        let one = |at: usize| {
            let Some(_) = plan.of_cell[batch.first_cell + at] else { return Ok(None) };
            let cell = self.cell(batch, at)?;
            seen.marked += u64::from(cell.marked);
            seen.unknown += cell.unknown;
            seen.entries += cell.unknown + cell.counts.len() as u64;
            Ok(Some(cell))
        };
        (0..batch.len()).map(one).collect()
    }

    /// One cell of a batch whose lists were read.
    pub(super) fn cell(&self, batch: &Batch<'_>, at: usize) -> Result<Cell, IoError> {
        let Some((genes, counts)) = &batch.lists else { return Ok(Cell::default()) };
        let (genes, counts) = (genes.row(at), counts.row(at));
        if genes.len() != counts.len() {
            let expected = format!("as many counts as genes ({})", genes.len());
            return Err(batch.wrong(at, &expected, counts.len().to_string()));
        }
        let all = genes.len();
        let (genes, counts) = without_marker(genes, counts);
        let marked = genes.len() < all;
        let mut cell = Cell { marked, ..Cell::default() };
        for (&token, &count) in genes.iter().zip(counts) {
            if !(count.is_finite() && count >= 0.0) {
                return Err(batch.wrong(at, "finite counts of at least 0 behind the marker", count.to_string()));
            }
            match self.tokens.column(token) {
                Some(column) => {
                    cell.total += f64::from(count);
                    cell.counts.push((column, count));
                }
                None => cell.unknown += 1,
            }
        }
        cell.counts.sort_unstable_by_key(|c| c.0);
        match cell.counts.windows(2).find(|w| w[0].0 == w[1].0) {
            Some(twice) => {
                let token = self.tokens.token(twice[0].0);
                Err(batch.wrong(at, "each gene once in a cell", format!("token {token} twice")))
            }
            None => Ok(cell),
        }
    }
}
