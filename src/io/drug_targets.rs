//! Tables of drugs and the genes they act on.
//!
//! A format is one file: a function that recognises the columns, a function that says where the values are, and a line in
//! [`FORMATS`]. The first that recognises a table reads it; JSON and Parquet are told by their first bytes.

mod cmap;
mod columns;
mod interactions;
mod json;
mod labels;
mod list;
mod long;
mod parquet;
mod repurposing;
mod rows;
mod tahoe;

use std::path::Path;

use self::rows::Layout;
use super::IoError;
use super::parquet::ParquetTable;
use super::prior::table::Head;
use crate::data::{Action, DrugTargets, DrugTargetsBuilder};
use crate::error::{Notice, some_of};

/// What a table of drug targets can be, beside JSON.
const FORMATS: [&Format; 6] =
    [&repurposing::FORMAT, &cmap::FORMAT, &tahoe::FORMAT, &interactions::FORMAT, &long::FORMAT, &list::FORMAT];

/// What every message calls a table of this kind.
const TABLE: &str = "a table of drugs and targets";

/// Finds a column by its names.
type Find<'a> = dyn Fn(&[&str]) -> Option<usize> + 'a;

/// One layout of columns.
struct Format {
    /// As the notice names it.
    name: &'static str,
    /// The columns of this format, where the names are those.
    layout: fn(&Find<'_>) -> Option<Layout>,
}

/// Drug targets, what to know about them, and what the file was taken for.
#[derive(Debug, Clone)]
pub struct DrugTargetsRead {
    /// Drugs with at least one target.
    pub targets: DrugTargets,
    /// The format in words.
    pub format: &'static str,
    /// What was decided and dropped.
    pub notices: Vec<Notice>,
}

/// Reads drugs and their targets, plain or gzipped; the format is told from the header.
///
/// | format | columns |
/// |---|---|
/// | long | `drug`, `gene`, and if there are `action`, `weight`, `class` |
/// | list | `drug`, `targets` (separated by `,` `;` `\|` or blanks) |
/// | interactions (DGIdb, Open Targets, ChEMBL) | `drug_name` or the like, `gene_name` or the like, `interaction_type` |
/// | Tahoe drug metadata (TSV, CSV, Parquet) | `drug`, `targets`, `moa-broad`, `moa-fine` |
/// | Repurposing Hub | `pert_iname`, `moa`, `target` (separated by `\|`) |
/// | CMap compound information | `cmap_name`, `target` (one row per target), `moa` |
/// | JSON | `{drug: {"count": n, "target_genes": [...]}}`, or a list of genes per drug |
///
/// Where the table has no column of actions, those of the mechanism of action count ([`crate::data::ACTIONS`]). Labels that
/// are no gene symbols (names of proteins, of species) are left out, with a notice; so are drugs without target.
///
/// # Errors
/// [`IoError::MissingColumn`]; [`IoError::Format`] with the line of a row that is too short or too long, an empty drug or
/// gene of a table with one target per row, a weight that is no number, and a file in which no drug has a target.
pub fn read_drug_targets(path: &Path) -> Result<DrugTargetsRead, IoError> {
    let mut sink = Sink::default();
    let format = if ParquetTable::recognises(path) {
        parquet::read(path, &mut sink)?
    } else if json::recognises(path)? {
        json::read(path, &mut sink)?
    } else {
        let head = Head::read_as(path, TABLE)?;
        let (format, layout) = choose(&|names| head.column(names)).ok_or_else(|| unknown(path, head.first()))?;
        rows::read(&head, &layout, &mut sink)?;
        format
    };
    sink.finish(path, format)
}

fn choose(column: &Find<'_>) -> Option<(&'static str, Layout)> {
    FORMATS.iter().find_map(|format| Some((format.name, (format.layout)(column)?)))
}

fn unknown<S: AsRef<str>>(path: &Path, found: &[S]) -> IoError {
    IoError::MissingColumn {
        path: path.to_owned(),
        column: "drug".into(),
        expected: format!("{} with {} or {}", some_of(columns::DRUG, 4), some_of(columns::GENE, 3), "`targets`"),
        found: some_of(found, 12),
        hint: Some("give the table a header such as `drug<TAB>gene` or `drug<TAB>targets`".into()),
    }
}

/// Where formats put what they read.
#[derive(Debug, Default)]
struct Sink {
    builder: DrugTargetsBuilder,
    /// Labels that are no gene symbols.
    strange: Vec<String>,
    notices: Vec<Notice>,
}

impl Sink {
    /// A drug with targets in one field.
    fn list(&mut self, drug: &str, field: &str, action: Action, weight: f32) {
        for label in labels::split(field) {
            self.label(drug, label, action, weight);
        }
    }

    /// One target.
    fn label(&mut self, drug: &str, label: &str, action: Action, weight: f32) {
        if labels::is_symbol(label) {
            self.builder.target(drug, label, action, weight);
        } else {
            self.strange.push(label.to_owned());
        }
    }

    fn finish(mut self, path: &Path, format: &'static str) -> Result<DrugTargetsRead, IoError> {
        let (idle, repeated) = (self.builder.without_target(), self.builder.repeated());
        let targets = self.builder.finish();
        if targets.is_empty() {
            let got = if self.strange.is_empty() { format!("none in `{format}`") } else { some_of(&self.strange, 3) };
            return Err(IoError::format(path, "", "at least one drug with a gene symbol as target", got));
        }
        let n_targets: usize = targets.drugs().iter().map(|d| d.targets.len()).sum();
        let mut notices = vec![Notice::new(format!(
            "`{}` is {format}: {} drugs, {n_targets} targets",
            path.display(),
            targets.len()
        ))];
        self.strange.sort();
        self.strange.dedup();
        let mut count = |names: &[String], what: &str| {
            if !names.is_empty() {
                notices.push(Notice::new(format!("{} {what}: {}", names.len(), some_of(names, 3))));
            }
        };
        count(&self.strange, "target labels are no gene symbols (other species, names of proteins) and left out");
        count(&idle, "drugs have no target and are left out");
        if repeated > 0 {
            notices.push(Notice::new(format!("{repeated} repeated targets were merged")));
        }
        notices.extend(self.notices);
        Ok(DrugTargetsRead { targets, format, notices })
    }
}

#[cfg(test)]
mod tests;
