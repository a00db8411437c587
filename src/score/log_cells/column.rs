//! The values of one gene.

use super::part::Part;
use super::{NO_GROUP, Units};
use crate::data::Csr;

/// The values of one gene other than zero, of cells with a group.
#[derive(Debug, Default)]
pub struct GeneColumn {
    /// The gene.
    pub gene: usize,
    /// Group of each value.
    pub groups: Vec<u32>,
    /// Cell of each value, in its file.
    pub cells: Vec<u32>,
    /// The values.
    pub values: Vec<f32>,
    /// log1p of the same in double precision, where ranks need it (else empty).
    exact: Vec<f64>,
}

impl GeneColumn {
    pub(super) fn fill(&mut self, gene: usize, row: usize, parts: &[(&Part, Csr<f32>)]) {
        self.gene = gene;
        self.groups.clear();
        self.cells.clear();
        self.values.clear();
        self.exact.clear();
        for (part, values) in parts {
            let (cells, values) = values.row(row);
            for (&cell, &value) in cells.iter().zip(values) {
                let Some(copies) = &part.copies else {
                    self.push(part, cell, value);
                    continue;
                };
                let value = copies.value(gene, value);
                copies.of(cell).for_each(|copy| self.push(part, copy, value));
            }
        }
    }

    fn push(&mut self, part: &Part, cell: u32, value: f32) {
        let group = part.group_of_cell[cell as usize];
        if group != NO_GROUP && value != 0.0 {
            self.groups.push(group);
            self.cells.push(cell);
            self.values.push(part.value(cell, value));
            if part.units == Units::PerMillion {
                self.exact.push(part.per_million(cell, value).ln_1p());
            }
        }
    }

    /// Groups and numbers in the order of the values, for ranks: the values themselves, or where they are known in double
    /// precision their dense ranks from 1.
    pub fn ranked(&self) -> impl Iterator<Item = (usize, f32)> {
        let mut distinct = self.exact.clone();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup();
        let place = move |exact: f64| distinct.partition_point(|&v| v < exact) as f32 + 1.0;
        self.entries()
            .enumerate()
            .map(move |(k, (group, value))| (group, self.exact.get(k).map_or(value, |&v| place(v))))
    }

    /// Groups and values.
    pub fn entries(&self) -> impl Iterator<Item = (usize, f32)> {
        self.groups.iter().map(|&g| g as usize).zip(self.values.iter().copied())
    }

    /// Sum per group of a function of the values that is 0 for 0.
    pub fn sums(&self, n_groups: usize, of: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; n_groups];
        self.entries().for_each(|(g, v)| sums[g] += of(f64::from(v)));
        sums
    }

    /// Whether the cells of a group differ, per group.
    pub(super) fn varies(&self, n_cells: &[usize]) -> Vec<bool> {
        let mut seen: Vec<(usize, f32, f32)> = vec![(0, f32::INFINITY, f32::NEG_INFINITY); n_cells.len()];
        for (group, value) in self.entries() {
            let (n, least, most) = &mut seen[group];
            (*n, *least, *most) = (*n + 1, least.min(value), most.max(value));
        }
        seen.iter().zip(n_cells).map(|((n, least, most), size)| *n > 0 && (n < size || least < most)).collect()
    }

    /// Mean per group, NaN for an empty one.
    pub fn means(&self, n_cells: &[usize]) -> Vec<f64> {
        let mut sums = self.sums(n_cells.len(), |v| v);
        sums.iter_mut().zip(n_cells).for_each(|(sum, &n)| *sum /= n as f64);
        sums
    }
}
