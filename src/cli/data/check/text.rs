//! The report of `grn data check` for a reader.

use std::fmt::Write;

use super::{Coverage, Report};
use crate::data::Quantity;
use crate::error::some_of;

/// Name and value of a fact, where there is one.
type Fact = (&'static str, Option<String>);

impl Report {
    /// One fact a line.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.contents().into_iter().chain(self.labels_found()).chain(self.findings()) {
            if let Some(value) = value {
                let _ = writeln!(text, "{name:<14} {value}");
            }
        }
        for problem in &self.problems {
            let _ = writeln!(text, "{:<14} {}", "problem", problem.replace('\n', "\n             "));
        }
        let _ = write!(text, "{:<14} {}", "usable", if self.usable { "yes" } else { "no" });
        text
    }

    /// `cells` or `rows`.
    fn unit(&self) -> &'static str {
        if self.rows == Some("table") { "rows" } else { "cells" }
    }

    fn contents(&self) -> [Fact; 5] {
        let evidence = self.scale_evidence.as_deref().unwrap_or_default();
        let values = |quantity| match quantity {
            Quantity::Level => "one row per perturbation, levels of expression".to_owned(),
            Quantity::Effect => "one row per perturbation, effects against a control of zero".to_owned(),
        };
        [
            ("file", Some(format!("{} ({})", self.file.display(), self.format))),
            ("shape", Some(format!("{} {} x {} genes", self.cells, self.unit(), self.genes))),
            ("matrix", self.matrix.clone()),
            ("scale", self.scale.map(|scale| format!("{scale}: {evidence}"))),
            ("values", self.quantity.map(values)),
        ]
    }

    fn labels_found(&self) -> [Fact; 3] {
        let perturbations = |n: usize| {
            let size = self.median_cells_per_perturbation.map_or_else(String::new, |m| format!(", median {m} cells"));
            let column = self.pert_col.as_deref().unwrap_or_default();
            format!("{n} in column `{column}`, {} of them pairs{size}", self.pairs.unwrap_or(0))
        };
        let control = |label: &String| format!("`{label}`, {} {}", self.control_cells.unwrap_or(0), self.unit());
        let control = self.control.as_ref().map_or_else(|| "none found".into(), control);
        [
            ("median UMI", self.median_umi.map(|m| m.to_string())),
            ("perturbations", self.perturbations.map(perturbations)),
            ("control", self.perturbations.map(|_| control)),
        ]
    }

    fn findings(&self) -> [Fact; 4] {
        [
            ("knockdown", self.targets_measured.map(|n| self.knockdown(n))),
            ("not measured", some(&self.targets_not_among_genes, "perturbed genes are not among the genes")),
            ("repeated", some(&self.repeated_gene_names, "gene names occur more than once")),
            ("prior", self.prior.as_ref().map(|prior| prior.text(self.genes))),
        ]
    }

    fn knockdown(&self, measured: usize) -> String {
        let (down, up) = (self.knockdown_visible.unwrap_or(0), self.target_up.unwrap_or(0));
        let rising = if up > 0 { format!(", {up} go up (activation?)") } else { String::new() };
        let rest = self.on_target.iter().filter(|t| t.change == "unchanged").map(|t| t.target.as_str());
        let rest = some(&rest.collect::<Vec<_>>(), "unchanged").map_or_else(String::new, |t| format!(", {t}"));
        format!("visible in {down} of {measured} measured targets{rising}{rest}")
    }
}

impl Coverage {
    fn text(&self, n_genes: usize) -> String {
        let all = self.targets_covered + self.targets_without_edge.len();
        let without =
            some(&self.targets_without_edge, "without an edge").map_or_else(String::new, |t| format!("; {t}"));
        format!(
            "{} genes, {} edges; {} of {all} perturbed genes and {} of {n_genes} genes covered{without}",
            self.genes, self.edges, self.targets_covered, self.genes_covered
        )
    }
}

/// `3 WHAT: a, b and 1 more`; nothing for none.
fn some<S: AsRef<str>>(names: &[S], what: &str) -> Option<String> {
    (!names.is_empty()).then(|| format!("{} {what}: {}", names.len(), some_of(names.iter(), 5)))
}
