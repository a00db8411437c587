//! Opening a run directory.

use std::path::Path;
use std::sync::Arc;

use super::error::CliError;
use super::session::Session;
use crate::config::{Layers, Settings};
use crate::data::{Features, GeneIndex, PseudobulkOptions, Responses};
use crate::graph::GeneGraph;
use crate::io::{self, ScreenOptions};
use crate::predict::{self, Calibration, Predictor, Saved};
use crate::run::{Manifest, RunDir, RunError, Status};

/// Where runs lie unless `--outdir` says otherwise.
pub(super) const RUNS: &str = "runs";

/// A finished run, ready to predict and to rank.
pub(super) struct LoadedRun {
    /// Its folder.
    pub(super) dir: RunDir,
    /// What it was.
    pub(super) manifest: Manifest,
    /// The measured genes.
    pub(super) genes: Arc<GeneIndex>,
    /// The prior graph.
    pub(super) graph: GeneGraph,
    /// The feature tables.
    pub(super) features: Vec<Features>,
    /// The changes it learned from.
    pub(super) responses: Responses,
    /// The fitted model.
    pub(super) predictor: Box<dyn Predictor>,
    /// Its calibration, where the fit made one.
    pub(super) calibration: Option<Calibration>,
    /// The settings it was fitted with.
    pub(super) settings: Settings,
}

/// Settings that a run was made with, in layers.
pub(super) fn layers_of(dir: &RunDir) -> Result<Layers, CliError> {
    let mut layers = Layers::defaults();
    if dir.config().exists() {
        layers.add_file(&dir.config())?;
    }
    Ok(layers)
}

/// Reads a run: the one named, else the newest finished one under `runs/`.
pub(super) fn load_run(session: &Session, path: Option<&Path>) -> Result<LoadedRun, CliError> {
    let dir = match path {
        Some(path) => RunDir::at(path),
        None => RunDir::newest(Path::new(RUNS))?,
    };
    let manifest = dir.manifest()?;
    if manifest.status != Status::Complete {
        let got = format!("a run that is {}", status_word(manifest.status));
        return Err(RunError::Format { path: dir.path().to_owned(), expected: "a finished run".into(), got }.into());
    }
    let graph = io::read_graph(&dir.graph())?;
    let options = PseudobulkOptions::default();
    let read = io::read_table(&dir.responses(), &ScreenOptions::default(), &options, &mut |_, _| {})?;
    let responses = Responses::from_pseudobulk(&read.table)?;
    let device = crate::nn::parse_device(&session.device)?;
    let model = dir.model();
    let genes = Arc::clone(&responses.genes);
    let features = io::read_feature_tables(&dir.features())?;
    let saved = Saved { dir: &model, genes: Arc::clone(&genes), graph: &graph, features: &features, device: &device };
    let predictor = (predict::spec(&manifest.model)?.load)(&saved)?;
    let calibration = Calibration::load(&model, genes.len())?;
    let settings = layers_of(&dir)?.settings()?;
    session.printer.detail(format!("run {}", dir.path().display()));
    Ok(LoadedRun { dir, manifest, genes, graph, features, responses, predictor, calibration, settings })
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "unfinished (still at work, or killed)",
        Status::Complete => "complete",
        Status::Interrupted => "interrupted; finish it with `grn fit ... --resume`",
    }
}
