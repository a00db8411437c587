//! Small screens written by the tests themselves, and running the command on them.
#![allow(dead_code, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use assert_cmd::Command;
use grn::data::{Csr, GeneIndex};
use grn::io::{AnnData, Column, Matrix, write_h5ad};
use grn::stats::Rng;

/// What to write.
pub(crate) struct Screen {
    pub column: &'static str,
    pub labels: Vec<(String, usize)>,
    pub genes: Vec<String>,
    /// Overwrites one value: (cell, gene, value).
    pub spoil: Option<(usize, usize, f32)>,
}

impl Screen {
    /// 12 knockdowns x 10 cells and 40 controls over 40 genes `G0`...; the target of a knockdown is nearly silent and its
    /// two successors rise.
    pub(crate) fn usual() -> Self {
        let mut labels = vec![("non-targeting".to_owned(), 40)];
        labels.extend((0..12).map(|k| (format!("G{k}"), 10)));
        Self { column: "target_gene", labels, genes: (0..40).map(|k| format!("G{k}")).collect(), spoil: None }
    }

    pub(crate) fn write(&self, path: &Path) {
        let genes = Arc::new(GeneIndex::new(&self.genes).unwrap());
        let mut x = Csr::empty(genes.len());
        let mut of_cell = Vec::new();
        for (label, n) in &self.labels {
            for _ in 0..*n {
                let cell = of_cell.len();
                x.push_row((0..genes.len()).filter_map(|g| self.count(cell, label, g).map(|c| (g as u32, c))));
                of_cell.push(label.clone());
            }
        }
        let file = AnnData {
            obs_names: (0..of_cell.len()).map(|i| format!("cell{i}")).collect(),
            obs: vec![(self.column.to_owned(), Column::Categories(of_cell))],
            genes,
            var: Vec::new(),
            x: Matrix::Sparse(&x),
            layers: Vec::new(),
            uns: serde_json::Map::new(),
        };
        write_h5ad(path, &file).unwrap();
    }

    fn count(&self, cell: usize, label: &str, gene: usize) -> Option<f32> {
        if let Some((c, g, value)) = self.spoil
            && (c, g) == (cell, gene)
        {
            return Some(value);
        }
        let target = label.strip_prefix('G').and_then(|k| k.parse::<usize>().ok());
        let mean = match target {
            Some(t) if t == gene => 0.8,
            Some(t) if gene == t + 1 || gene == t + 2 => 12.0,
            _ => 5.0,
        };
        let count = Rng::keyed(11, "fixture", cell as u64, gene as u64).poisson(mean);
        (count > 0).then_some(count as f32)
    }
}

/// A chain `G0 -> G1 -> ...` as a signed table.
pub(crate) fn write_chain(path: &Path, n: usize) {
    let rows: String = (0..n - 1).map(|k| format!("G{k}\tG{}\t0.9\t-\n", k + 1)).collect();
    std::fs::write(path, format!("source\ttarget\tweight\tsign\n{rows}")).unwrap();
}

/// Runs `grn` in a folder, without settings of the surroundings.
pub(crate) fn grn(folder: &Path, args: &[&str]) -> Output {
    grn_with(folder, args, &[])
}

/// The same with environment variables.
pub(crate) fn grn_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::cargo_bin("grn").unwrap();
    let ours = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("GRN_"));
    ours.for_each(|name| {
        command.env_remove(name);
    });
    command.current_dir(folder).args(args).env("NO_COLOR", "1").env("XDG_CONFIG_HOME", folder.join("no-settings"));
    // A test that forks while another writes a screen holds the lock of that file for a moment.
    command.env("HDF5_USE_FILE_LOCKING", "FALSE");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Exit code, stdout and stderr in one text for snapshots; the folder is written as `[DIR]`.
pub(crate) fn transcript(folder: &Path, output: &Output) -> String {
    let clean = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&folder.display().to_string(), "[DIR]");
    let code = output.status.code().map_or("signal".into(), |c| c.to_string());
    format!("exit {code}\n-- stdout\n{}-- stderr\n{}", clean(&output.stdout), clean(&output.stderr))
}

/// A path under `../shared`, or `None` with the reason printed.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/{name} is absent");
    None
}
