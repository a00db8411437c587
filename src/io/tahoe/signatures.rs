//! Changes of mean expression against the control of the same cell line and plate.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::cell::Cell;
use super::plan::{Group, Planned};
use super::stream::Batch;
use super::{TahoeOptions, TokenTable};
use crate::data::{
    CellBlock, Condition, Csr, GeneIndex, Moments, Normalisation, Perturbation, Pseudobulk, PseudobulkBuilder,
    PseudobulkOptions, Quantity,
};
use crate::io::pseudobulk::write_pseudobulk_with;
use crate::io::{Column, IoError};

/// Adds up the cells of every group that is large enough.
pub(super) struct Signatures {
    builder: PseudobulkBuilder,
    normalisation: Normalisation,
    /// Positions of the groups that are added up; the same order as the conditions.
    kept: Vec<usize>,
    of_cell: Vec<Option<u32>>,
    /// Column of the signature for each column of the token table.
    columns: Vec<Option<u32>>,
    n_genes: usize,
}

impl Signatures {
    pub(super) fn new(
        plan: &Planned,
        tokens: &TokenTable,
        normalisation: Normalisation,
        options: &TahoeOptions,
    ) -> Result<Self, IoError> {
        let wanted: Option<HashSet<&str>> = options.genes.as_ref().map(|g| g.iter().map(String::as_str).collect());
        let keep: Vec<bool> =
            tokens.genes.names().iter().map(|g| wanted.as_ref().is_none_or(|w| w.contains(g.as_ref()))).collect();
        let names: Vec<&Arc<str>> =
            tokens.genes.names().iter().zip(&keep).filter(|(_, k)| **k).map(|(n, _)| n).collect();
        if names.is_empty() {
            let expected =
                format!("genes of the gene table such as {}", crate::error::some_of(tokens.genes.names(), 3));
            let got = crate::error::some_of(options.genes.iter().flatten(), 3);
            return Err(IoError::format("--genes", "", expected, got));
        }
        let mut next = 0..;
        let columns = keep.iter().map(|k| if *k { next.next() } else { None }).collect();
        let kept = kept(&plan.groups, options.min_cells);
        if kept.is_empty() {
            let most = |treated: bool| {
                plan.groups.iter().filter(|g| g.drug.is_some() == treated).map(|g| g.n_cells).max().unwrap_or(0)
            };
            let expected =
                format!("a drug, dose and cell line with {} cells and as many of its control", options.min_cells);
            let got = format!("at most {} treated and {} control cells", most(true), most(false));
            return Err(IoError::format("--min-cells", "", expected, got));
        }
        let mut of_group = vec![None; plan.groups.len()];
        kept.iter().enumerate().for_each(|(condition, &group)| of_group[group] = Some(condition as u32));
        let of_cell = plan.of_cell.iter().map(|group| of_group[(*group)? as usize]).collect();
        let conditions = kept.iter().map(|&g| condition(plan, &plan.groups[g])).collect();
        let n_genes = names.len();
        let (genes, _) = GeneIndex::new_unique(names);
        let builder = PseudobulkBuilder::new(Arc::new(genes), conditions, PseudobulkOptions::default());
        Ok(Self { builder, normalisation, kept, of_cell, columns, n_genes })
    }

    pub(super) fn add(&mut self, batch: &Batch<'_>, cells: &[Option<Cell>]) {
        let mut x = Csr::empty(self.n_genes);
        for (at, cell) in cells.iter().enumerate() {
            let wanted = self.of_cell[batch.first_cell + at].and(cell.as_ref());
            x.push_row(wanted.into_iter().flat_map(|cell| self.log1p(cell)));
        }
        self.builder.push(CellBlock { first_cell: batch.first_cell, x }, &self.of_cell);
    }

    /// Scaled by the total of all genes, those of no signature included.
    fn log1p(&self, cell: &Cell) -> impl Iterator<Item = (u32, f32)> {
        let factor = match self.normalisation {
            Normalisation::To(sum) if cell.total > 0.0 => sum / cell.total,
            _ => 1.0,
        };
        let log1p = move |count: f32| (f64::from(count) * factor).ln_1p() as f32;
        let column = |c: &(u32, f32)| Some((self.columns[c.0 as usize]?, c.1));
        let kept: Vec<(u32, f32)> = cell.counts.iter().filter(|c| c.1 > 0.0).filter_map(column).collect();
        kept.into_iter().map(move |(column, count)| (column, log1p(count)))
    }

    /// Writes the changes, by drug, dose, cell line and plate; returns how many there are.
    pub(super) fn write(self, path: &Path, plan: &Planned) -> Result<usize, IoError> {
        let levels = self.builder.finish();
        let group = |c: usize| &plan.groups[self.kept[c]];
        let mut treated: Vec<usize> = (0..self.kept.len()).filter(|&c| group(c).drug.is_some()).collect();
        treated.sort_by_key(|&c| (group(c).drug, &group(c).treatment, &plan.contexts[group(c).context as usize]));
        let (effects, n_controls) = effects(&levels, &treated, &plan.control_label);
        let groups: Vec<&Group> = treated.iter().map(|&c| group(c)).collect();
        write_pseudobulk_with(path, &effects, columns(plan, &groups, n_controls))?;
        Ok(treated.len())
    }
}

/// Groups with enough cells whose control has enough, and those controls; no control without a treated group.
fn kept(groups: &[Group], min_cells: u64) -> Vec<usize> {
    let large = |g: &Group| g.n_cells >= min_cells.max(1);
    let contexts_of = |treated: bool| -> HashSet<u32> {
        groups.iter().filter(|g| g.drug.is_some() == treated && large(g)).map(|g| g.context).collect()
    };
    let both: HashSet<u32> = contexts_of(true).intersection(&contexts_of(false)).copied().collect();
    (0..groups.len()).filter(|&g| large(&groups[g]) && both.contains(&groups[g].context)).collect()
}

fn condition(plan: &Planned, group: &Group) -> Condition {
    let (line, plate) = &plan.contexts[group.context as usize];
    let perturbation = match group.drug {
        None => Perturbation::control(),
        Some(drug) => {
            let name = &plan.drugs.drugs()[drug].name;
            let parts = [name.as_str(), &group.treatment, line].into_iter().filter(|p| !p.is_empty());
            Perturbation::of([parts.collect::<Vec<_>>().join(" | ")])
        }
    };
    let batch = Some(plate.as_str()).filter(|p| !p.is_empty()).map(Arc::from);
    Condition { perturbation, cell_type: Some(Arc::from(line.as_str())), batch }
}

/// Treated less control, with the variance of the change times the cells of the treated; and the control cells behind each.
fn effects(levels: &Pseudobulk, treated: &[usize], control_label: &str) -> (Pseudobulk, Vec<i64>) {
    let mut mean = levels.moments.mean.select(Axis(0), treated);
    let no_var = || Array2::zeros(levels.moments.mean.dim());
    let all_var = levels.moments.var.clone().unwrap_or_else(no_var);
    let mut var = all_var.select(Axis(0), treated);
    let mut n_controls = Vec::with_capacity(treated.len());
    for (row, &condition) in treated.iter().enumerate() {
        let control = levels.control_of(&levels.conditions[condition]).unwrap_or(condition);
        let (n, n_control) = (levels.n_cells[condition] as f32, levels.n_cells[control] as f32);
        mean.row_mut(row).scaled_add(-1.0, &levels.moments.mean.row(control));
        var.row_mut(row).scaled_add(n / n_control, &all_var.row(control));
        n_controls.push(levels.n_cells[control] as i64);
    }
    let effects = Pseudobulk {
        genes: Arc::clone(&levels.genes),
        conditions: treated.iter().map(|&c| levels.conditions[c].clone()).collect(),
        n_cells: treated.iter().map(|&c| levels.n_cells[c]).collect(),
        quantity: Quantity::Effect,
        moments: Moments { mean, var: Some(var), third: None, fraction: None },
        halves: None,
        significant: None,
        control_label: control_label.to_owned(),
    };
    (effects, n_controls)
}

fn columns(plan: &Planned, groups: &[&Group], n_controls: Vec<i64>) -> Vec<(String, Column)> {
    let drug = |g: &&Group| &plan.drugs.drugs()[g.drug.unwrap_or_default()];
    let text = |of: &dyn Fn(&&Group) -> String| Column::Categories(groups.iter().map(of).collect());
    let targets = |g: &&Group| drug(g).targets.iter().map(|t| t.gene.as_str()).collect::<Vec<_>>().join(";");
    [
        ("drug", text(&|g| drug(g).name.clone())),
        ("treatment", text(&|g| g.treatment.clone())),
        ("cell_line", text(&|g| plan.contexts[g.context as usize].0.clone())),
        ("plate", text(&|g| plan.contexts[g.context as usize].1.clone())),
        ("targets", text(&targets)),
        ("moa", text(&|g| drug(g).class.clone().unwrap_or_default())),
        ("n_control_cells", Column::Integers(n_controls)),
    ]
    .map(|(name, column)| (name.to_owned(), column))
    .to_vec()
}
