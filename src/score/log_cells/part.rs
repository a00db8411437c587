//! The cells of one file.

use std::sync::Arc;

use super::Units;
use crate::data::{GeneBlocks, Scale};
use crate::score::resample::Copies;

/// Cells of one file.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) group_of_cell: Arc<[u32]>,
    pub(super) values: Arc<GeneBlocks>,
    pub(super) scale: Scale,
    /// Sum of the values of each cell.
    pub(super) totals: Arc<[f64]>,
    pub(super) units: Units,
    /// Where these cells are copies of cells of the file.
    pub(super) copies: Option<Arc<Copies>>,
}

impl Part {
    /// For each cell its position among the cells of its group.
    pub(super) fn rows_in_groups(&self) -> Vec<u32> {
        let mut next = std::collections::HashMap::new();
        let place = |&group: &u32| {
            let next = next.entry(group).or_insert(0);
            *next += 1;
            *next - 1
        };
        self.group_of_cell.iter().map(place).collect()
    }

    /// A value in the units asked for. In double precision, so that equal shares of two cells stay equal after rounding.
    pub(super) fn value(&self, cell: u32, value: f32) -> f32 {
        match self.units {
            Units::Log1pOf(total) => (f64::from(value) * total / self.totals[cell as usize]).ln_1p() as f32,
            Units::PerMillion => self.per_million(cell, value) as f32,
            Units::Raw if self.scale == Scale::Log1p => value.exp_m1(),
            Units::AsStored | Units::Raw => value,
        }
    }

    pub(super) fn per_million(&self, cell: u32, count: f32) -> f64 {
        f64::from(count) / (self.totals[cell as usize] / 1e6)
    }
}
