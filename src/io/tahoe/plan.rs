//! Which condition each cell belongs to, and which cells are left out.

use std::collections::HashMap;
use std::path::Path;

use super::TahoeOptions;
use super::cell::Reader;
use super::control::Controls;
use super::stream::{Batch, Labels};
use super::tokens::read_samples;
use crate::data::{DrugTargets, Treatment};
use crate::error::some_of;
use crate::io::IoError;

/// Built cell by cell.
pub(super) struct Plan<'a> {
    /// All drugs of the table: a drug whose targets are not known must not pass for one of a shorter name.
    all: &'a DrugTargets,
    /// Those with targets in the gene table.
    targets: &'a DrugTargets,
    control: Option<String>,
    samples: HashMap<String, String>,
    contexts: Index<(String, String)>,
    groups: Index<(u32, Option<usize>, String)>,
    of_cell: Vec<Option<u32>>,
    totals: Vec<f64>,
    counts: Counts,
    /// What each drug name is.
    kinds: HashMap<String, Kind>,
}

/// Cells by what became of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) cells: u64,
    pub(super) control: u64,
    pub(super) without_label: u64,
    pub(super) without_target: u64,
    pub(super) without_control: u64,
}

/// What the cells of a drug name are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Control,
    /// The position of the drug among those with targets.
    Drug(usize),
    WithoutTarget,
}

/// Cells of one drug, dose, cell line and plate, or of the control of a cell line and plate.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) context: u32,
    /// Position of the drug; `None` for the control.
    pub(super) drug: Option<usize>,
    /// Dose, else sample.
    pub(super) treatment: String,
    pub(super) n_cells: u64,
}

/// Where each cell belongs.
pub(super) struct Planned {
    /// Per cell the position of its group; `None` for cells that are left out.
    pub(super) of_cell: Vec<Option<u32>>,
    pub(super) groups: Vec<Group>,
    /// Cell line and plate.
    pub(super) contexts: Vec<(String, String)>,
    /// Drugs with targets, as groups number them.
    pub(super) drugs: DrugTargets,
    pub(super) counts: Counts,
    /// The name of the control.
    pub(super) control_label: String,
}

impl<'a> Plan<'a> {
    pub(super) fn new(all: &'a DrugTargets, targets: &'a DrugTargets, options: &TahoeOptions) -> Result<Self, IoError> {
        let samples = options.sample_metadata.as_deref().map(read_samples).transpose()?.unwrap_or_default();
        Ok(Self {
            all,
            targets,
            control: options.control.as_ref().map(|c| c.trim().to_lowercase()),
            samples,
            contexts: Index::default(),
            groups: Index::default(),
            of_cell: Vec::new(),
            totals: Vec::new(),
            counts: Counts::default(),
            kinds: HashMap::new(),
        })
    }

    /// Adds the cells of a batch; totals are kept where `counted`.
    pub(super) fn read(
        &mut self,
        batch: &mut Batch<'_>,
        reader: &Reader<'_>,
        controls: &mut Controls<'_>,
        counted: bool,
    ) -> Result<(), IoError> {
        for at in 0..batch.len() {
            let labels = std::mem::take(&mut batch.labels[at]);
            let name = labels.drug.clone();
            let group = self.group(labels);
            self.of_cell.push(group);
            let Some((context, drug, _)) = group.map(|g| &self.groups.keys[g as usize]) else { continue };
            let control = drug.is_none() && controls.wants(*context);
            if !(control || counted) {
                continue;
            }
            let cell = reader.cell(batch, at)?;
            if counted && cell.total > 0.0 {
                self.totals.push(cell.total);
            }
            if control {
                controls.add(*context, &name, &cell);
            }
        }
        Ok(())
    }

    /// The group of the next cell.
    fn group(&mut self, labels: Labels) -> Option<u32> {
        self.counts.cells += 1;
        if labels.drug.is_empty() || labels.line.is_empty() {
            self.counts.without_label += 1;
            return None;
        }
        let (drug, treatment) = match self.kind(&labels.drug) {
            Kind::WithoutTarget => {
                self.counts.without_target += 1;
                return None;
            }
            Kind::Control => {
                self.counts.control += 1;
                (None, String::new())
            }
            Kind::Drug(drug) => (Some(drug), self.treatment(&labels)),
        };
        let context = self.contexts.of((labels.line, labels.plate));
        Some(self.groups.of((context, drug, treatment)))
    }

    fn kind(&mut self, drug: &str) -> Kind {
        if let Some(kind) = self.kinds.get(drug) {
            return *kind;
        }
        let is_control = match &self.control {
            Some(control) => drug.trim().to_lowercase() == *control,
            None => drug.to_uppercase().contains("DMSO"),
        };
        let known = self.targets.drugs();
        let found = self.all.find(drug).and_then(|d| known.iter().position(|other| other.name == d.name));
        let kind = if is_control { Kind::Control } else { found.map_or(Kind::WithoutTarget, Kind::Drug) };
        self.kinds.insert(drug.to_owned(), kind);
        kind
    }

    /// The dose where a label says it, else the sample.
    fn treatment(&self, labels: &Labels) -> String {
        let of_sample = self.samples.get(&labels.sample).map_or("", String::as_str);
        let doses = [labels.dose.as_str(), of_sample, labels.sample.as_str()];
        let dose = doses.into_iter().find_map(Treatment::parse).map(|t| t.dose());
        dose.unwrap_or_else(|| labels.sample.clone())
    }

    /// Totals above 0 of the cells that belong to a group.
    pub(super) fn totals(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.totals)
    }

    /// Leaves out treated cells whose cell line and plate has no control cell.
    pub(super) fn finish(mut self, path: &Path, options: &TahoeOptions) -> Result<Planned, IoError> {
        self.check(path, options)?;
        let n_cells = self.leave_out_uncontrolled();
        let controls = self.kinds.iter().filter(|(_, k)| **k == Kind::Control).map(|(name, _)| name.clone());
        let control_label = controls.min().unwrap_or_default();
        let group = |((context, drug, treatment), n_cells)| Group { context, drug, treatment, n_cells };
        Ok(Planned {
            of_cell: self.of_cell,
            groups: self.groups.keys.into_iter().zip(n_cells).map(group).collect(),
            contexts: self.contexts.keys,
            drugs: self.targets.clone(),
            counts: self.counts,
            control_label,
        })
    }

    /// There must be a control and a drug.
    fn check(&self, path: &Path, options: &TahoeOptions) -> Result<(), IoError> {
        let has = |fits: fn(&Kind) -> bool| self.kinds.values().any(fits);
        let expected = if !has(|k| *k == Kind::Control) {
            let name = options.control.as_ref().map_or("a drug with `DMSO` in its name".into(), |c| format!("`{c}`"));
            format!("{name} as control")
        } else if !has(|k| matches!(k, Kind::Drug(_))) {
            let known = some_of(self.targets.drugs().iter().map(|d| &d.name), 3);
            format!("a drug with a target in the gene table such as {known}")
        } else {
            return Ok(());
        };
        let names: std::collections::BTreeSet<&String> = self.kinds.keys().collect();
        Err(IoError::format(path, "column `drug`", expected, some_of(names, 3)))
    }

    /// Cells left per group.
    fn leave_out_uncontrolled(&mut self) -> Vec<u64> {
        let keys = &self.groups.keys;
        let mut controlled = vec![false; self.contexts.keys.len()];
        keys.iter().filter(|g| g.1.is_none()).for_each(|g| controlled[g.0 as usize] = true);
        let mut n_cells = vec![0u64; keys.len()];
        for of_cell in &mut self.of_cell {
            let Some(group) = *of_cell else { continue };
            if controlled[keys[group as usize].0 as usize] {
                n_cells[group as usize] += 1;
            } else {
                *of_cell = None;
                self.counts.without_control += 1;
            }
        }
        n_cells
    }
}

/// Distinct keys in order of first appearance.
struct Index<K> {
    keys: Vec<K>,
    position: HashMap<K, u32>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), position: HashMap::new() }
    }
}

impl<K: Clone + std::hash::Hash + Eq> Index<K> {
    fn of(&mut self, key: K) -> u32 {
        if let Some(at) = self.position.get(&key) {
            return *at;
        }
        let at = self.keys.len() as u32;
        self.keys.push(key.clone());
        self.position.insert(key, at);
        at
    }
}
