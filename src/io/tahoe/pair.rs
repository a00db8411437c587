//! A treated cell beside its control.

use std::collections::HashMap;
use std::path::Path;

use super::PairOptions;
use super::cell::Cell;
use super::control::{Controls, PairedControl};
use super::plan::Planned;
use super::shards::{Record, Shards};
use super::stream::{Batch, Labels};
use crate::io::IoError;

/// Writes pairs in the order of the cells.
pub(super) struct Pairs<'a> {
    how: &'a PairOptions,
    plan: &'a Planned,
    controls: &'a Controls<'a>,
    paired: Vec<PairedControl>,
    shards: Shards,
    of_target: HashMap<&'a str, u64>,
    counts: PairCounts,
}

/// Treated cells and rows by what became of them.
#[derive(Debug, Clone, Default)]
pub(super) struct PairCounts {
    pub(super) rows: u64,
    pub(super) files: usize,
    /// Cells without any gene.
    pub(super) empty: u64,
    /// Cells that share too few genes with their control.
    pub(super) low_overlap: u64,
    /// Rows of targets that have enough.
    pub(super) capped: u64,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(
        outdir: &Path,
        how: &'a PairOptions,
        plan: &'a Planned,
        controls: &'a Controls<'a>,
    ) -> Result<Self, IoError> {
        Ok(Self {
            how,
            plan,
            controls,
            paired: controls.paired(),
            shards: Shards::new(outdir, how.shard_rows),
            of_target: HashMap::new(),
            counts: PairCounts::default(),
        })
    }

    pub(super) fn write(&mut self, batch: &Batch<'_>, cells: &[Option<Cell>]) -> Result<(), IoError> {
        for (at, cell) in cells.iter().enumerate() {
            let group = self.plan.of_cell[batch.first_cell + at].map(|g| &self.plan.groups[g as usize]);
            if let (Some(group), Some(cell)) = (group, cell)
                && let Some(drug) = group.drug
            {
                self.pair(&batch.labels[at], (drug, group.context), cell)?;
            }
        }
        Ok(())
    }

    /// One treated cell.
    fn pair(&mut self, labels: &Labels, (drug, context): (usize, u32), cell: &Cell) -> Result<(), IoError> {
        let treated = self.controls.by_token(cell);
        if treated.is_empty() {
            self.counts.empty += 1;
            return Ok(());
        }
        let control = &self.paired[context as usize];
        let aligned = align(&treated, &control.counts, !self.how.report);
        let overlap = aligned.shared as f64 / treated.len() as f64;
        if overlap < self.how.min_overlap {
            self.counts.low_overlap += 1;
            return Ok(());
        }
        for targets in self.rows_of(drug) {
            let control = &self.paired[context as usize].drug;
            let texts = [&labels.drug, &targets, &labels.line, &labels.plate, &labels.sample, control];
            self.shards.push(&Record { aligned: &aligned, texts: texts.map(Clone::clone), overlap })?;
            self.counts.rows += 1;
        }
        Ok(())
    }

    /// The targets of each row of a drug: all in one, or for naive pairs one each until there are enough.
    fn rows_of(&mut self, drug: usize) -> Vec<String> {
        let plan: &'a Planned = self.plan;
        let targets = plan.drugs.drugs()[drug].targets.iter().map(|t| t.gene.as_str());
        if !self.how.report {
            return vec![targets.collect::<Vec<_>>().join(";")];
        }
        let mut rows = Vec::new();
        for target in targets {
            let n = self.of_target.entry(target).or_default();
            if *n < PairOptions::CAP {
                *n += 1;
                rows.push(target.to_owned());
            } else {
                self.counts.capped += 1;
            }
        }
        rows
    }

    pub(super) fn finish(mut self) -> Result<PairCounts, IoError> {
        self.counts.files = self.shards.finish()?;
        Ok(self.counts)
    }
}

/// Treated and control counts of the same genes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Aligned {
    pub(super) genes: Vec<i64>,
    pub(super) treated: Vec<f32>,
    pub(super) control: Vec<f32>,
    /// Genes that both have.
    shared: usize,
}

/// Merges two lists by ascending token: of all genes of either (`union`), else of the treated cell.
fn align(treated: &[(i64, f32)], control: &[(i64, f32)], union: bool) -> Aligned {
    let mut out = Aligned::default();
    let (mut t, mut c) = (treated.iter().peekable(), control.iter().peekable());
    loop {
        let next = match (t.peek(), c.peek()) {
            (Some(a), Some(b)) => a.0.min(b.0),
            (Some(one), None) | (None, Some(one)) => one.0,
            (None, None) => return out,
        };
        let of_treated = t.next_if(|x| x.0 == next).map(|x| x.1);
        let of_control = c.next_if(|x| x.0 == next).map(|x| x.1);
        out.shared += usize::from(of_treated.is_some() && of_control.is_some());
        if of_treated.is_some() || union {
            out.genes.push(next);
            out.treated.push(of_treated.unwrap_or(0.0));
            out.control.push(of_control.unwrap_or(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_merged_by_token() {
        let (treated, control) = ([(2, 1.0), (5, 2.0), (9, 3.0)], [(1, 7.0), (5, 8.0), (10, 9.0)]);
        let report = align(&treated, &control, false);
        assert_eq!((report.genes, report.treated), (vec![2, 5, 9], vec![1.0, 2.0, 3.0]));
        assert_eq!((report.control, report.shared), (vec![0.0, 8.0, 0.0], 1));
        let union = align(&treated, &control, true);
        assert_eq!(union.genes, [1, 2, 5, 9, 10]);
        assert_eq!((union.treated, union.control), (vec![0.0, 1.0, 2.0, 3.0, 0.0], vec![7.0, 0.0, 8.0, 0.0, 9.0]));
        assert_eq!(align(&[], &[], true), Aligned::default());
    }
}
