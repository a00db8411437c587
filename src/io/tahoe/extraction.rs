//! What an extraction kept and dropped.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::cell::Seen;
use super::pair::PairCounts;
use super::plan::{Group, Planned};
use super::{PairControl, TahoeOptions};
use crate::data::{Normalisation, Unresolved};
use crate::error::{Notice, some_of};
use crate::io::{IoError, write_atomic};

/// The record of an extraction, as `extraction.json` holds it.
#[derive(Debug, Clone, Serialize)]
pub struct DrugExtraction {
    /// Version of the program.
    pub version: &'static str,
    /// Files read, in this order.
    pub files: Vec<PathBuf>,
    /// Cells of all files.
    pub cells: u64,
    /// Control cells among them.
    pub control_cells: u64,
    /// Cells whose first entry was a marker.
    pub marked_cells: u64,
    /// Entries of gene and count, and how many of them have a token that the gene table lacks.
    pub entries: u64,
    /// Entries whose token the gene table lacks.
    pub unknown_tokens: u64,
    /// Cells, signatures and rows that were left out, by reason.
    pub dropped: Dropped,
    /// Signatures written.
    pub signatures: usize,
    /// Fewest cells of a signature and of its control.
    pub min_cells: u64,
    /// Total to which the counts of a cell were scaled.
    pub target_sum: Option<f64>,
    /// Rows of pairs written; `None` where none were asked for.
    pub pairs: Option<u64>,
    /// Files of pairs.
    pub pair_files: usize,
    /// What stands beside a treated cell.
    pub pair_control: Option<&'static str>,
    /// Whether pairs are naive ones.
    pub report: bool,
    /// Targets of the drugs that were met, sorted: a target's position is its label.
    pub labels: Vec<String>,
    /// Targets that the gene table lacks.
    pub unknown_targets: Vec<String>,
    /// Drugs of the table that no target is left of.
    pub drugs_without_target: Vec<String>,
}

/// What was left out, by reason.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dropped {
    /// Cells without drug or cell line.
    pub cells_without_label: u64,
    /// Cells of drugs without a target in the gene table.
    pub cells_without_target: u64,
    /// Cells whose cell line and plate has no control cell.
    pub cells_without_control: u64,
    /// Drugs, doses and cell lines with too few cells, or whose control has too few.
    pub signatures_of_few_cells: u64,
    /// Treated cells without any gene (overlap 0/0).
    pub pairs_without_gene: u64,
    /// Treated cells that share too few genes with their control.
    pub pairs_of_low_overlap: u64,
    /// Rows of targets that had enough.
    pub pairs_above_cap: u64,
}

impl DrugExtraction {
    pub(super) fn new(
        files: &[PathBuf],
        plan: &Planned,
        seen: &Seen,
        pairs: Option<PairCounts>,
        lost: &Unresolved,
        options: &TahoeOptions,
    ) -> Self {
        let met = |g: &Group| g.drug.filter(|_| g.n_cells > 0);
        let of = |drug: usize| plan.drugs.drugs()[drug].targets.iter().map(|t| t.gene.clone());
        let mut labels: Vec<String> = plan.groups.iter().filter_map(met).flat_map(of).collect();
        labels.sort();
        labels.dedup();
        let counts = pairs.clone().unwrap_or_default();
        let how = options.pairs.as_ref();
        let name = |control| if control == PairControl::First { "first" } else { "mean" };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            files: files.to_vec(),
            cells: plan.counts.cells,
            control_cells: plan.counts.control,
            marked_cells: seen.marked,
            entries: seen.entries,
            unknown_tokens: seen.unknown,
            dropped: Dropped {
                cells_without_label: plan.counts.without_label,
                cells_without_target: plan.counts.without_target,
                cells_without_control: plan.counts.without_control,
                signatures_of_few_cells: plan.groups.iter().filter_map(met).count() as u64,
                pairs_without_gene: counts.empty,
                pairs_of_low_overlap: counts.low_overlap,
                pairs_above_cap: counts.capped,
            },
            signatures: 0,
            min_cells: options.min_cells,
            target_sum: None,
            pairs: pairs.map(|p| p.rows),
            pair_files: counts.files,
            pair_control: how.map(|p| name(p.control)),
            report: how.is_some_and(|p| p.report),
            labels,
            unknown_targets: lost.genes.iter().cloned().collect(),
            drugs_without_target: lost.drugs.clone(),
        }
    }

    pub(super) fn with(mut self, signatures: usize, normalisation: Normalisation) -> Self {
        self.signatures = signatures;
        self.dropped.signatures_of_few_cells -= signatures as u64;
        self.target_sum = match normalisation {
            Normalisation::To(sum) => Some(sum),
            _ => None,
        };
        self
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), IoError> {
        write_atomic(path, |out| {
            let failed = |e| IoError::write(path, e);
            serde_json::to_writer_pretty(&mut *out, self).map_err(|e| failed(e.into()))?;
            out.write_all(b"\n").map_err(failed)
        })
    }

    /// What the user should know.
    pub fn notices(&self) -> Vec<Notice> {
        let d = &self.dropped;
        let counts = [
            (d.cells_without_label, "cells without drug or cell line"),
            (d.cells_without_target, "cells of drugs without a target in the gene table"),
            (d.cells_without_control, "cells whose cell line and plate has no control cell"),
            (d.signatures_of_few_cells, "drugs, doses and cell lines with too few cells, or too few control cells"),
            (d.pairs_without_gene, "pairs of cells without any gene"),
            (d.pairs_of_low_overlap, "pairs that share too few genes with their control"),
            (d.pairs_above_cap, "rows of targets that had enough"),
            (self.unknown_tokens, "entries whose token is not in the gene table"),
        ];
        let said = counts.into_iter().filter(|(n, _)| *n > 0);
        let mut out: Vec<Notice> = said.map(|(n, what)| Notice::new(format!("left out: {n} {what}"))).collect();
        if !self.unknown_targets.is_empty() {
            let some = some_of(&self.unknown_targets, 3);
            let n = self.unknown_targets.len();
            out.push(Notice::new(format!("{n} targets are not in the gene table and left out: {some}")));
        }
        out
    }
}
