//! Which files of a folder are done: `conversion.json`, kept up to date while the folder fills.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Cells, CopyOptions};
use crate::io::atomic::remove_stale;
use crate::io::column::ColumnKind;
use crate::io::{IoError, write_atomic};

/// Name of the file.
const FILE: &str = "conversion.json";

/// How many files of an interrupted work were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Files of the folder.
    pub files: usize,
    /// Of these, written by an earlier run and kept.
    pub kept: usize,
}

/// What is known of a folder of cells.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Record {
    work: String,
    /// Kinds of the columns of annotation, in their order.
    columns: Vec<(String, ColumnKind)>,
    /// Finished files.
    files: Vec<Finished>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Finished {
    name: String,
    blake3: String,
}

/// A folder that is being filled, file by file in a fixed order.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    record: Record,
    /// Files that an earlier run finished.
    earlier: Vec<Finished>,
    kept: usize,
}

impl Ledger {
    /// Opens a folder: with `resume` the finished files of the same work count, else what an earlier one wrote is removed.
    pub(super) fn open(folder: &Path, cells: &Cells, options: &CopyOptions) -> Result<Self, IoError> {
        std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
        remove_stale(folder)?;
        let columns = cells.obs.iter().map(|(name, column)| (name.clone(), column.kind())).collect();
        let record = Record { work: options.work.clone(), columns, files: Vec::new() };
        let before = read(folder).unwrap_or_default();
        let same = before.work == record.work && before.columns == record.columns;
        let mut ledger = Self { folder: folder.to_owned(), record, earlier: Vec::new(), kept: 0 };
        if options.resume && same {
            ledger.earlier = before.files;
        } else {
            for file in before.files {
                remove(&folder.join(file.name))?;
            }
            ledger.write()?;
        }
        Ok(ledger)
    }

    /// Where a file goes.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether the next file is there already, written whole by an earlier run: it is then taken over.
    pub(super) fn has(&mut self, name: &str) -> Result<bool, IoError> {
        let Some(file) = self.earlier.iter().find(|f| f.name == name).cloned() else { return Ok(false) };
        let path = self.path(name);
        if !path.exists() || hash(&path)? != file.blake3 {
            return Ok(false);
        }
        self.record.files.push(file);
        self.kept += 1;
        Ok(true)
    }

    /// Notes a file that was written.
    pub(super) fn done(&mut self, name: &str) -> Result<(), IoError> {
        let blake3 = hash(&self.path(name))?;
        self.record.files.push(Finished { name: name.to_owned(), blake3 });
        self.write()
    }

    /// Removes the files of an earlier, longer work, and says what was kept.
    pub(super) fn finish(self) -> Result<Kept, IoError> {
        for file in self.earlier.iter().filter(|f| self.record.files.iter().all(|own| own.name != f.name)) {
            remove(&self.path(&file.name))?;
        }
        self.write()?;
        Ok(Kept { files: self.record.files.len(), kept: self.kept })
    }

    fn write(&self) -> Result<(), IoError> {
        let path = self.path(FILE);
        write_atomic(&path, |out| {
            let failed = |e: std::io::Error| IoError::write(&path, e);
            serde_json::to_writer_pretty(&mut *out, &self.record).map_err(|e| failed(e.into()))?;
            out.write_all(b"\n").map_err(failed)
        })
    }
}

fn read(folder: &Path) -> Option<Record> {
    serde_json::from_str(&std::fs::read_to_string(folder.join(FILE)).ok()?).ok()
}

/// Kinds of the columns of annotation that a folder tells; empty for folders that others wrote.
pub(in crate::io) fn kinds(folder: &Path) -> HashMap<String, ColumnKind> {
    read(folder).map(|record| record.columns.into_iter().collect()).unwrap_or_default()
}

fn remove(path: &Path) -> Result<(), IoError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(IoError::write(path, e)),
        _ => Ok(()),
    }
}

fn hash(path: &Path) -> Result<String, IoError> {
    let failed = |e| IoError::read(path, e);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).map_err(failed)?).map_err(failed)?;
    Ok(hasher.finalize().to_hex().to_string())
}
