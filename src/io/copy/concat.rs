//! Several files as one, opened one at a time.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::Cells;
use super::joined_genes::{Join, JoinedGenes};
use super::union::Union;
use crate::data::Csr;
use crate::error::Notice;
use crate::io::{CellFile, Coded, Column, IoError};

/// Files that become one.
#[derive(Debug)]
pub struct Concat {
    files: Vec<PathBuf>,
    /// Names, annotation and genes of all cells, file after file.
    pub cells: Cells,
    /// Values in the files.
    pub values: u64,
}

/// Opens one file.
type Open<'a> = &'a (dyn Fn(&PathBuf) -> Result<CellFile, IoError> + Sync);

impl Concat {
    /// Reads names, annotation and genes of every file, one open at a time; `label` adds a column that holds the stem of
    /// the file's name. Names of cells that occur more than once get a suffix (`-1`, `-2`, ...). `progress` is called
    /// once per file.
    ///
    /// # Errors
    /// [`IoError::Format`] where genes differ under [`Join::Exact`] or nothing is common under [`Join::Inner`], and whatever
    /// opening and reading says.
    pub fn survey(
        files: &[PathBuf],
        join: Join,
        label: Option<&str>,
        open: Open<'_>,
        progress: &mut dyn FnMut(),
    ) -> Result<Self, IoError> {
        let genes = JoinedGenes::new(join);
        let mut survey = Survey {
            genes,
            names: Vec::new(),
            columns: Vec::new(),
            var: Vec::new(),
            var_notices: Vec::new(),
            values: 0,
        };
        for path in files {
            let file = open(path)?;
            let mut cells = file.annotation()?;
            if let Some(label) = label {
                cells.obs.retain(|(name, _)| name != label);
                cells.obs.push((label.to_owned(), of_file(path, file.n_cells)));
            }
            survey.add(path, &file, cells)?;
            progress();
        }
        let values = survey.values;
        Ok(Self { files: files.to_vec(), cells: survey.finish()?, values })
    }

    /// The cells of all files in order, over the genes chosen; each file is opened when its turn comes.
    pub fn blocks<'a>(&'a self, open: Open<'a>) -> impl Iterator<Item = Result<Csr<f32>, IoError>> + 'a {
        self.files.iter().flat_map(move |path| {
            let blocks = open(path).and_then(|file| file.with_genes(Arc::clone(&self.cells.genes)).blocks());
            let (blocks, failed) = match blocks {
                Ok(blocks) => (Some(blocks), None),
                Err(error) => (None, Some(Err(error))),
            };
            failed.into_iter().chain(blocks.into_iter().flatten().map(|block| Ok(block?.x)))
        })
    }
}

/// The name of the file, without its ending, for each of its cells.
fn of_file(path: &std::path::Path, n_cells: usize) -> Column {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Column::Coded(Coded { categories: vec![stem], codes: vec![0; n_cells], ordered: false })
}

/// What is known after some of the files.
struct Survey {
    genes: JoinedGenes,
    names: Vec<String>,
    columns: Vec<(String, Union)>,
    var: Vec<(String, Column)>,
    var_notices: Vec<Notice>,
    values: u64,
}

impl Survey {
    fn add(&mut self, path: &std::path::Path, file: &CellFile, cells: Cells) -> Result<(), IoError> {
        if self.genes.n_files() == 0 {
            self.var = cells.var;
        }
        self.genes.add(path, &cells.genes)?;
        self.values += file.stored_values();
        let before = self.names.len();
        for (name, column) in &cells.obs {
            let at = self.columns.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
                self.columns.push((name.clone(), Union::after(before)));
                self.columns.len() - 1
            });
            self.columns[at].1.push(column);
        }
        let has = |name: &String| cells.obs.iter().any(|(other, _)| other == name);
        self.columns.iter_mut().filter(|(name, _)| !has(name)).for_each(|(_, c)| c.push_missing(file.n_cells));
        self.names.extend(cells.names);
        let of_file = cells.notices.into_iter().map(|n| Notice::new(format!("{}: {n}", path.display())));
        self.var_notices.extend(of_file);
        Ok(())
    }

    fn finish(self) -> Result<Cells, IoError> {
        let (genes, first) = self.genes.finish()?;
        let own: Option<Vec<u32>> = genes.names().iter().map(|n| first.id(n).map(|g| g.index() as u32)).collect();
        let var = match own {
            Some(own) => self.var.into_iter().map(|(name, column)| (name, column.select(&own))).collect(),
            None => Vec::new(),
        };
        let (names, renamed) = unique(self.names);
        let mut notices = self.var_notices;
        if renamed > 0 {
            notices.push(Notice::new(format!("{renamed} repeated names of cells were made unique by a suffix")));
        }
        let obs = self.columns.into_iter().map(|(name, union)| (name, union.finish())).collect();
        Ok(Cells { names, obs, genes, var, notices })
    }
}

/// Names with a suffix where they occur again, and how many got one.
fn unique(names: Vec<String>) -> (Vec<String>, usize) {
    let all: HashSet<&str> = names.iter().map(String::as_str).collect();
    if all.len() == names.len() {
        return (names, 0);
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut given: HashSet<String> = HashSet::new();
    let mut out = Vec::with_capacity(names.len());
    let mut renamed = 0;
    for name in &names {
        let times = next.entry(name.clone()).or_insert(0);
        if *times == 0 {
            *times = 1;
            out.push(name.clone());
            continue;
        }
        let mut fresh = format!("{name}-{times}");
        while all.contains(fresh.as_str()) || given.contains(&fresh) {
            *times += 1;
            fresh = format!("{name}-{times}");
        }
        *times += 1;
        renamed += 1;
        given.insert(fresh.clone());
        out.push(fresh);
    }
    (out, renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_get_suffixes_that_no_other_name_has() {
        let names = ["a", "b", "a", "a-1", "a"].map(str::to_owned).to_vec();
        let (names, renamed) = unique(names);
        assert_eq!(names, ["a", "b", "a-2", "a-1", "a-3"]);
        assert_eq!(renamed, 2);
    }
}
