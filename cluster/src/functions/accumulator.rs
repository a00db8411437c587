//! Cells on their way into sums.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, LargeBinaryBuilder};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;
use grn::data::Normalisation;

use super::cells::{Cell, Cells};
use super::{MOMENTS, wrong};
use crate::sums::{State, Sums};
use crate::tokens::Known;

/// The sums of many groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Sums>,
    n_tokens: u32,
    bytes: usize,
    reader: Reader,
}

/// The sums of all cells, where nothing groups them.
#[derive(Debug, Default)]
pub(super) struct OneGroup(Groups);

/// Turns cells into log1p values and watches for tokens that stand twice in a cell.
#[derive(Debug, Default)]
struct Reader {
    values: Vec<f32>,
    /// Of each token the last cell that had it.
    last_cell: Vec<u32>,
    cell: u32,
}

/// The arguments of a batch that are the same for all cells.
#[derive(Debug, Clone, Copy)]
struct Arguments {
    normalisation: Normalisation,
    n_tokens: u32,
}

impl Groups {
    fn grow(&mut self, n_groups: usize) {
        self.groups.resize_with(n_groups.max(self.groups.len()), Sums::default);
    }

    /// Changes one group and keeps account of its memory.
    fn change(&mut self, group: usize, change: impl FnOnce(&mut Sums)) {
        let sums = &mut self.groups[group];
        let before = sums.bytes();
        change(sums);
        self.bytes += sums.bytes();
        self.bytes -= before;
    }

    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let groups = emit_to.take_needed(&mut self.groups);
        self.bytes -= groups.iter().map(Sums::bytes).sum::<usize>();
        Arc::new(states(&groups, self.n_tokens))
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let Some((cells, arguments)) = arguments(values)? else { return Ok(()) };
        self.n_tokens = arguments.n_tokens;
        let mut reader = std::mem::take(&mut self.reader);
        for (row, &group) in group_indices.iter().enumerate() {
            if passes(filter, row) {
                let cell = cells.cell(row)?;
                let values = reader.read(&cell, arguments)?;
                self.change(group, |sums| sums.add(&cell.tokens, values, arguments.n_tokens));
            }
        }
        self.reader = reader;
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        for (bytes, &group) in each_state(values)?.iter().zip(group_indices) {
            if let Some(bytes) = bytes {
                let state = read_state(bytes)?;
                self.n_tokens = self.n_tokens.max(state.n_tokens());
                self.change(group, |sums| sums.merge(&state));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let n_rows = values.first().map_or(0, Array::len);
        let mut each = vec![Sums::default(); n_rows];
        let Some((cells, arguments)) = arguments(values)? else { return Ok(vec![Arc::new(states(&each, 0))]) };
        let mut reader = Reader::default();
        for (row, sums) in each.iter_mut().enumerate().filter(|(row, _)| passes(filter, *row)) {
            let cell = cells.cell(row)?;
            sums.add(&cell.tokens, reader.read(&cell, arguments)?, arguments.n_tokens);
        }
        Ok(vec![Arc::new(states(&each, arguments.n_tokens))])
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Sums>() + self.reader.last_cell.capacity() * 4
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let n_rows = values.first().map_or(0, Array::len);
        self.0.update_batch(values, &vec![0; n_rows], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let n_rows = states.first().map_or(0, Array::len);
        GroupsAccumulator::merge_batch(&mut self.0, states, &vec![0; n_rows], 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.grow(1);
        ScalarValue::try_from_array(&self.0.emit(EmitTo::All), 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + GroupsAccumulator::size(&self.0)
    }
}

impl Reader {
    /// log1p of the scaled counts of a cell.
    fn read(&mut self, cell: &Cell<'_>, arguments: Arguments) -> Result<&[f32]> {
        self.expect_once(&cell.tokens, arguments.n_tokens)?;
        self.values.clear();
        self.values.extend_from_slice(&cell.counts);
        arguments.normalisation.apply(&mut self.values);
        Ok(&self.values)
    }

    fn expect_once(&mut self, tokens: &[i64], n_tokens: u32) -> Result<()> {
        if self.cell == u32::MAX || self.last_cell.len() != n_tokens as usize {
            (self.last_cell, self.cell) = (vec![0; n_tokens as usize], 0);
        }
        self.cell += 1;
        for &token in tokens {
            let Some(last) = usize::try_from(token).ok().and_then(|t| self.last_cell.get_mut(t)) else { continue };
            if std::mem::replace(last, self.cell) == self.cell {
                return Err(wrong(format!("expected each gene once in a cell, got token {token} twice")));
            }
        }
        Ok(())
    }
}

/// Lists and literals of a batch; `None` for a batch without rows.
fn arguments(values: &[ArrayRef]) -> Result<Option<(Cells<'_>, Arguments)>> {
    let [genes, counts, target, known] = values else {
        return Err(wrong(format!("{MOMENTS} has 4 arguments, got {}", values.len())));
    };
    if genes.is_empty() {
        return Ok(None);
    }
    let (target, known) = (target.as_primitive::<Float64Type>().value(0), Known::read(known)?);
    if !(0.0..f64::INFINITY).contains(&target) {
        return Err(wrong(format!("{MOMENTS}: a target of {target} cannot be")));
    }
    let normalisation = if target > 0.0 { Normalisation::To(target) } else { Normalisation::Log1p };
    Ok(Some((Cells::new(genes, counts, known)?, Arguments { normalisation, n_tokens: known.end() })))
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn states(groups: &[Sums], n_tokens: u32) -> LargeBinaryArray {
    let (mut all, mut one) = (LargeBinaryBuilder::new(), Vec::new());
    for sums in groups {
        one.clear();
        sums.write(n_tokens, &mut one);
        all.append_value(&one);
    }
    all.finish()
}

fn each_state(values: &[ArrayRef]) -> Result<&LargeBinaryArray> {
    let states = values.first().and_then(|column| column.as_binary_opt::<i64>());
    states.ok_or_else(|| wrong(format!("{MOMENTS}: a state is binary")))
}

fn read_state(bytes: &[u8]) -> Result<State<'_>> {
    State::read(bytes).ok_or_else(|| wrong(format!("{MOMENTS}: a state of another version ({} bytes)", bytes.len())))
}
