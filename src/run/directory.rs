//! Where the files of a run lie.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::{Manifest, RunError, Status};

/// A run directory; only paths, no open files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// A run directory at this path, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The default place of a new run: `runs/<date>_<model>_<seed>`, with a number behind it where that is taken.
    pub fn fresh(root: &Path, model: &str, seed: u64) -> Self {
        let date = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
        let name = format!("{date}_{model}_{seed}");
        let numbered = (2..).map(|k| format!("{name}_{k}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|n| !root.join(n).exists());
        Self { path: root.join(free.unwrap_or(name)) }
    }

    /// The finished run under `root` that started last.
    ///
    /// # Errors
    /// [`RunError::NoRun`].
    pub fn newest(root: &Path) -> Result<Self, RunError> {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let finished = entries.filter_map(|entry| {
            let run = Self::at(entry.path());
            let manifest = run.manifest().ok().filter(|m| m.status == Status::Complete)?;
            Some((manifest.started, run))
        });
        let newest = finished.max_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.path.cmp(&b.1.path)));
        newest.map(|(_, run)| run).ok_or_else(|| RunError::NoRun { root: root.to_owned() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder of the run.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The saved model.
    pub fn model(&self) -> PathBuf {
        self.join("model")
    }

    /// The state of an unfinished fit.
    pub fn checkpoints(&self) -> PathBuf {
        self.join("checkpoints")
    }

    /// The feature tables, where the run has some.
    pub fn features(&self) -> PathBuf {
        self.join("features")
    }

    /// The gene graph.
    pub fn graph(&self) -> PathBuf {
        self.join("graph.tsv.gz")
    }

    /// The measured responses the model learned from, as a pseudobulk.
    pub fn responses(&self) -> PathBuf {
        self.join("responses.h5ad")
    }

    /// Values of every training step.
    pub fn metrics(&self) -> PathBuf {
        self.join("metrics.jsonl")
    }

    /// The effective settings.
    pub fn config(&self) -> PathBuf {
        self.join("config.toml")
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// [`RunError::Format`] where the folder is not a run directory.
    pub fn manifest(&self) -> Result<Manifest, RunError> {
        Manifest::read(&self.join("manifest.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_finished_run_is_found() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str, started: &str, status: Status| {
            let run = RunDir::at(root.path().join(name));
            std::fs::create_dir_all(run.path()).unwrap();
            let manifest = Manifest { started: started.parse().unwrap(), status, ..Manifest::new("gears", 0) };
            manifest.write(&run.join("manifest.json")).unwrap();
        };
        assert!(matches!(RunDir::newest(root.path()), Err(RunError::NoRun { .. })));
        make("b", "2026-01-01T00:00:00Z", Status::Complete);
        make("a", "2026-01-02T00:00:00Z", Status::Complete);
        make("c", "2026-01-03T00:00:00Z", Status::Interrupted);
        assert_eq!(RunDir::newest(root.path()).unwrap().path(), root.path().join("a"));
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let root = tempfile::tempdir().unwrap();
        let first = RunDir::fresh(root.path(), "mean", 3);
        std::fs::create_dir_all(first.path()).unwrap();
        let second = RunDir::fresh(root.path(), "mean", 3);
        assert_eq!(second.path().to_str().unwrap(), format!("{}_2", first.path().display()));
    }
}
