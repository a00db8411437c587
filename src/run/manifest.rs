//! What a run was: enough to repeat it and to trust it.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RunError;
use crate::error::Notice;

/// Hashing a larger file would cost more than reading it.
const LARGEST_HASHED: u64 = 4 << 30;

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At work, or killed without notice.
    Running,
    /// Finished.
    Complete,
    /// Stopped by the user, with a checkpoint.
    Interrupted,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
        })
    }
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// As it was named.
    pub path: PathBuf,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 of the content; absent for files over 4 GiB.
    pub blake3: Option<String>,
}

impl Input {
    /// Describes a file.
    pub fn of(path: &Path) -> Result<Self, RunError> {
        let failed = |e| RunError::system("read", path)(e);
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        let hash = || -> std::io::Result<String> {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(path)?)?;
            Ok(hasher.finalize().to_string())
        };
        let blake3 = (bytes <= LARGEST_HASHED).then(hash).transpose().map_err(failed)?;
        Ok(Self { path: path.to_owned(), bytes, blake3 })
    }
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout.
    pub schema_version: u32,
    /// How far the run came.
    pub status: Status,
    /// Version of the program.
    pub grn: String,
    /// Model fitted.
    pub model: String,
    /// When it began (UTC).
    pub started: Timestamp,
    /// Seconds from start to end.
    pub wall_secs: f64,
    /// Largest resident memory of the process, where the system tells.
    pub peak_rss_bytes: Option<u64>,
    /// The command as typed.
    pub argv: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads of the pool.
    pub threads: usize,
    /// Where the model was fitted, `cpu` or `cuda`.
    pub device: String,
    /// Files read.
    pub inputs: Vec<Input>,
    /// Where the data came from, in words (`embedded simulated screen` or file names).
    pub data: String,
    /// Label of the control in the data.
    pub control_label: String,
    /// Number of perturbations learned from.
    pub n_perturbations: usize,
    /// Number of measured genes.
    pub n_genes: usize,
    /// Control cells; 0 where the data are effects.
    pub n_control_cells: u64,
    /// What the fit reports, by name.
    pub summary: Vec<(String, f64)>,
    /// What the user should know.
    pub notices: Vec<Notice>,
}

impl Manifest {
    /// A manifest of a run that begins now.
    pub fn new(model: &str, seed: u64) -> Self {
        Self {
            schema_version: 1,
            status: Status::Running,
            grn: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.to_owned(),
            started: Timestamp::now(),
            wall_secs: 0.0,
            peak_rss_bytes: None,
            argv: std::env::args().collect(),
            seed,
            threads: 1,
            device: "cpu".to_owned(),
            inputs: Vec::new(),
            data: String::new(),
            control_label: String::new(),
            n_perturbations: 0,
            n_genes: 0,
            n_control_cells: 0,
            summary: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Reads `manifest.json`.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => RunError::Format {
                path: path.parent().unwrap_or(path).to_owned(),
                expected: "a run directory with `manifest.json`".into(),
                got: "none there".into(),
            },
            _ => RunError::system("read", path)(e),
        })?;
        serde_json::from_str(&text).map_err(|e| RunError::Format {
            path: path.to_owned(),
            expected: "a manifest of this version of grn".into(),
            got: e.to_string(),
        })
    }

    /// A value of the summary.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.summary.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// Writes it under a temporary name and renames.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let failed = |e| RunError::system("write", path)(e);
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(&crate::error::temporary_prefix())
            .permissions(rights())
            .tempfile_in(folder)
            .map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|e| failed(e.into()))?;
        file.write_all(b"\n").map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// Marks the end: status, seconds, memory.
    pub fn finish(&mut self, status: Status) {
        self.status = status;
        self.wall_secs = Timestamp::now().duration_since(self.started).as_secs_f64();
        self.peak_rss_bytes = peak_rss_bytes();
    }
}

/// Temporary files are private by default; a run is meant to be read.
fn rights() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

/// Largest resident memory of this process so far (Linux; `None` elsewhere).
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.json");
        let mut manifest = Manifest::new("mean", 7);
        manifest.summary.push(("penalty".into(), 0.1));
        manifest.finish(Status::Complete);
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
    }

    #[test]
    fn a_folder_that_is_no_run_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = Manifest::read(&dir.path().join("manifest.json")).unwrap_err();
        assert!(error.to_string().contains("a run directory with `manifest.json`"), "{error}");
    }
}
