//! The genes of several files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::GeneIndex;
use crate::error::some_of;
use crate::io::IoError;

/// Which genes the cells of several files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The genes of the first file, which all others must have in the same order.
    Exact,
    /// The genes that all files have, in the order of the first.
    Inner,
    /// The genes that any file has, in order of first appearance; zero where a file lacks one.
    Outer,
}

/// The genes of the files met so far.
#[derive(Debug)]
pub(in crate::io) struct JoinedGenes {
    join: Join,
    n_files: usize,
    first: Option<(PathBuf, Arc<GeneIndex>)>,
    /// Genes in order, and in how many files each is.
    genes: Vec<Arc<str>>,
    times: HashMap<Arc<str>, usize>,
}

impl JoinedGenes {
    /// Of no file yet.
    pub(in crate::io) fn new(join: Join) -> Self {
        Self { join, n_files: 0, first: None, genes: Vec::new(), times: HashMap::new() }
    }

    /// Number of files met.
    pub(super) fn n_files(&self) -> usize {
        self.n_files
    }

    /// One more file.
    ///
    /// # Errors
    /// [`IoError::Format`] where its genes differ from those of the first under [`Join::Exact`].
    pub(in crate::io) fn add(&mut self, path: &Path, genes: &Arc<GeneIndex>) -> Result<(), IoError> {
        self.n_files += 1;
        let Some((first_path, first)) = &self.first else {
            self.first = Some((path.to_owned(), Arc::clone(genes)));
            self.genes = genes.names().to_vec();
            self.times = genes.names().iter().map(|name| (Arc::clone(name), 1)).collect();
            return Ok(());
        };
        if self.join == Join::Exact {
            return if first == genes { Ok(()) } else { Err(other_genes(first_path, first, path, genes)) };
        }
        for name in genes.names() {
            let times = self.times.entry(Arc::clone(name)).or_insert(0);
            *times += 1;
            if *times == 1 {
                self.genes.push(Arc::clone(name));
            }
        }
        Ok(())
    }

    /// The genes that were asked for, and those of the first file.
    ///
    /// # Errors
    /// [`IoError::Format`] without a file, or where nothing is common under [`Join::Inner`].
    pub(in crate::io) fn finish(self) -> Result<(Arc<GeneIndex>, Arc<GeneIndex>), IoError> {
        let Some((path, first)) = self.first else {
            return Err(IoError::format("", "", "at least one file", "none"));
        };
        if self.join == Join::Exact {
            return Ok((Arc::clone(&first), first));
        }
        let common = |name: &&Arc<str>| self.join != Join::Inner || self.times.get(*name) == Some(&self.n_files);
        let genes: Vec<&Arc<str>> = self.genes.iter().filter(common).collect();
        if genes.is_empty() {
            return Err(IoError::format(&path, "genes", "genes that all files have", "none"));
        }
        Ok((Arc::new(GeneIndex::new(&genes).map_err(IoError::data(&path))?), first))
    }
}

/// Says which genes differ, or that their order does.
fn other_genes(first: &std::path::Path, expected: &GeneIndex, path: &std::path::Path, got: &GeneIndex) -> IoError {
    let lacks = |a: &GeneIndex, b: &GeneIndex| -> Vec<Arc<str>> {
        a.names().iter().filter(|name| b.id(name).is_none()).cloned().collect()
    };
    let list = |names: &[Arc<str>]| if names.is_empty() { "none".into() } else { some_of(names, 5) };
    let (missing, extra) = (lacks(expected, got), lacks(got, expected));
    let got = if missing.is_empty() && extra.is_empty() {
        "the same genes in another order".to_owned()
    } else {
        format!("{} missing ({}) and {} others ({})", missing.len(), list(&missing), extra.len(), list(&extra))
    };
    IoError::format(
        path,
        "genes",
        format!("the {} genes of `{}` (or another `--join`)", expected.len(), first.display()),
        got,
    )
}
