//! `metrics.jsonl`: one value per line, append-only.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::RunError;

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Seconds since the recorder was opened.
    pub t: f64,
    /// Training step.
    pub step: u64,
    /// `train` or `val`.
    pub split: String,
    /// `loss`, ...
    pub name: String,
    /// The value.
    pub value: f64,
}

/// Appends rows as they come; what was written stays when the process dies.
#[derive(Debug)]
pub struct Recorder {
    file: BufWriter<File>,
    began: Instant,
}

impl Recorder {
    /// Opens the file for appending; with `fresh` it is emptied first.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, RunError> {
        let mut options = OpenOptions::new();
        options.create(true);
        if fresh {
            options.write(true).truncate(true)
        } else {
            options.append(true)
        };
        let file = options.open(path).map_err(RunError::system("write", path))?;
        Ok(Self { file: BufWriter::new(file), began: Instant::now() })
    }

    /// Appends one value. The name may carry its split: `val.loss`; without one it is `train`.
    pub fn record(&mut self, step: u64, name: &str, value: f64) -> std::io::Result<()> {
        let (split, name) = name.split_once('.').unwrap_or(("train", name));
        let row =
            MetricRow { t: self.began.elapsed().as_secs_f64(), step, split: split.into(), name: name.into(), value };
        serde_json::to_writer(&mut self.file, &row)?;
        self.file.write_all(b"\n")?;
        self.file.flush()
    }
}

/// Reads all rows; a line cut off by a killed process ends the list.
pub fn read_metrics(path: &Path) -> Result<Vec<MetricRow>, RunError> {
    let file = File::open(path).map_err(RunError::system("read", path))?;
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    Ok(lines.map_while(|line| serde_json::from_str(&line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_appended_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        Recorder::open(&path, true).unwrap().record(1, "val.loss", 0.5).unwrap();
        Recorder::open(&path, false).unwrap().record(2, "loss", 0.25).unwrap();
        let rows = read_metrics(&path).unwrap();
        let seen: Vec<(u64, &str, &str, f64)> =
            rows.iter().map(|r| (r.step, r.split.as_str(), r.name.as_str(), r.value)).collect();
        assert_eq!(seen, [(1, "val", "loss", 0.5), (2, "train", "loss", 0.25)]);
    }
}
