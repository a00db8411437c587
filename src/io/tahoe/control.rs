//! Control cells of each cell line and plate, for pairs.

use super::cell::Cell;
use super::{PairControl, TahoeOptions, TokenTable};

/// What control cells express, by context.
pub(super) struct Controls<'a> {
    /// `None` where no pairs are asked for.
    kind: Option<PairControl>,
    tokens: &'a TokenTable,
    of_context: Vec<Sum>,
}

#[derive(Debug, Default)]
struct Sum {
    /// The drug of the first control cell.
    drug: String,
    n: u64,
    /// The first cell, else sums over all cells, by column.
    first: Vec<(u32, f32)>,
    sums: Vec<f64>,
}

/// The control of one context.
#[derive(Debug, Default)]
pub(super) struct PairedControl {
    pub(super) drug: String,
    /// Tokens and counts above 0, tokens ascending.
    pub(super) counts: Vec<(i64, f32)>,
}

impl<'a> Controls<'a> {
    pub(super) fn new(options: &TahoeOptions, tokens: &'a TokenTable) -> Self {
        Self { kind: options.pairs.as_ref().map(|p| p.control), tokens, of_context: Vec::new() }
    }

    /// Whether a cell of this context is needed.
    pub(super) fn wants(&self, context: u32) -> bool {
        match self.kind {
            None => false,
            Some(PairControl::Mean) => true,
            Some(PairControl::First) => self.of_context.get(context as usize).is_none_or(|s| s.n == 0),
        }
    }

    pub(super) fn add(&mut self, context: u32, drug: &str, cell: &Cell) {
        if self.of_context.len() <= context as usize {
            self.of_context.resize_with(context as usize + 1, Sum::default);
        }
        let (n_genes, sum) = (self.tokens.genes.len(), &mut self.of_context[context as usize]);
        if sum.n == 0 {
            drug.clone_into(&mut sum.drug);
        }
        sum.n += 1;
        if self.kind == Some(PairControl::First) {
            sum.first.clone_from(&cell.counts);
            return;
        }
        sum.sums.resize(n_genes, 0.0);
        for &(column, count) in &cell.counts {
            sum.sums[column as usize] += f64::from(count);
        }
    }

    /// The controls by context.
    pub(super) fn paired(&self) -> Vec<PairedControl> {
        let paired = |sum: &Sum| {
            let means = sum.sums.iter().enumerate().filter(|(_, s)| **s > 0.0);
            let means = means.map(|(column, s)| (column as u32, (s / sum.n as f64) as f32));
            let all = sum.first.iter().copied().chain(means);
            PairedControl { drug: sum.drug.clone(), counts: by_token(self.tokens, all) }
        };
        self.of_context.iter().map(paired).collect()
    }

    /// The counts of a cell by ascending token.
    pub(super) fn by_token(&self, cell: &Cell) -> Vec<(i64, f32)> {
        by_token(self.tokens, cell.counts.iter().copied())
    }
}

fn by_token(tokens: &TokenTable, counts: impl Iterator<Item = (u32, f32)>) -> Vec<(i64, f32)> {
    let mut out: Vec<(i64, f32)> = counts.map(|(column, count)| (tokens.token(column), count)).collect();
    out.sort_unstable_by_key(|c| c.0);
    out
}
