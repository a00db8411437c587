//! `grn plot`.

mod calibration;
mod curve;
mod cv;
mod degs;
mod delta;
mod discrimination;
mod held_out;
mod network;
mod ranking;
mod responders;
mod screen;
mod table;
mod volcano;

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

pub(super) use self::calibration::{of_cv as coverage_of_cv, of_rank_cv, of_run as coverage_of_run};
pub(super) use self::curve::curve_figure;
pub(super) use self::cv::{Gains, learning_figure, strata_figure, title as metric_title};
pub(super) use self::held_out::{HeldOut, read_responses, responses_of};
pub(super) use self::network::svg_of_run;
pub(super) use self::ranking::Why;
pub(super) use self::responders::responders;
pub(super) use self::table::Table;
use super::error::CliError;
use super::load::LoadedRun;
use super::session::Session;
use crate::error::ExitStatus;
use crate::io::{self, IoError};
use crate::report::Scene;

/// Commands of `grn plot`.
#[derive(Debug, Subcommand)]
pub(super) enum PlotCommand {
    /// The gene graph around one gene, coloured by what a run predicts
    Network(network::NetworkArgs),
    /// Predicted against measured change of one perturbation
    Delta(delta::DeltaArgs),
    /// The genes that a perturbation changes most, with intervals
    Responders(responders::RespondersArgs),
    /// Fold change against significance, from a table of `grn de`
    Volcano(volcano::VolcanoArgs),
    /// Noise, degrees, efficiency and differentially expressed genes of a screen
    Screen(screen::ScreenFigureArgs),
    /// Metrics over the course of a fit
    Curve(curve::CurveArgs),
    /// Accuracy by number of training perturbations, from `grn cv --curve`
    Learning(cv::LearningArgs),
    /// Gain over a baseline per held-out perturbation, from `grn cv`
    Improvement(cv::ImprovementArgs),
    /// Which measurement each held-out prediction resembles, from `grn cv`
    Discrimination(discrimination::DiscriminationArgs),
    /// Changing genes found among those predicted to change most, from `grn cv`
    Degs(degs::DegsArgs),
    /// Whether intervals and probabilities hold, from a run, `grn cv --calibrate` or `grn rank-cv`
    Calibration(calibration::CalibrationArgs),
    /// The best ranked causes of a change: what each scorer adds, and the ways in the graph
    Ranking(ranking::RankingArgs),
    /// Gain by degree, effect size and distance of the perturbation, from `grn cv`
    Strata(cv::StrataArgs),
}

pub(super) fn run(command: PlotCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        PlotCommand::Network(args) => network::run(args, session),
        PlotCommand::Delta(args) => delta::run(args, session),
        PlotCommand::Volcano(args) => volcano::run(args, session),
        PlotCommand::Screen(args) => screen::run(args, session),
        PlotCommand::Curve(args) => curve::run(args, session),
        PlotCommand::Learning(args) => cv::learning(args, session),
        PlotCommand::Improvement(args) => cv::improvement(args, session),
        PlotCommand::Responders(args) => responders::run(&args, session),
        PlotCommand::Discrimination(args) => discrimination::run(&args, session),
        PlotCommand::Degs(args) => degs::run(&args, session),
        PlotCommand::Calibration(args) => calibration::run(&args, session),
        PlotCommand::Ranking(args) => ranking::run(&args, session),
        PlotCommand::Strata(args) => cv::strata(args, session),
    }
}

/// Where a figure comes from.
pub(super) fn source_of(run: &LoadedRun) -> String {
    let (m, folder) = (&run.manifest, run.dir.path().display());
    let names = run.settings.graph.priors.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
    let priors = names.collect::<Vec<_>>().join(", ");
    let priors = if priors.is_empty() { "the embedded network" } else { &priors };
    format!("Run {folder}, model {}; data: {}; prior: {priors}.", m.model, m.data)
}

/// Writes a figure as SVG, PNG or PDF, whichever the file name ends in.
fn save(session: &Session, path: &Path, scene: &Scene) -> Result<ExitStatus, CliError> {
    let bytes = match path.extension().and_then(|e| e.to_str()) {
        Some("svg") => scene.to_svg()?.into_bytes(),
        Some("png") => scene.to_png()?,
        Some("pdf") => scene.to_pdf()?,
        _ => {
            let hint = Some(
                "`-o figure.svg` keeps text as text, `-o figure.png` is for slides, `-o figure.pdf` for print"
                    .to_owned(),
            );
            let got = format!("`{}`", path.display());
            return Err(CliError::usage("-o", "a file ending in .svg, .png or .pdf", got, hint));
        }
    };
    save_bytes(session, path, &bytes, scene)
}

/// Writes what a figure became.
fn save_bytes(session: &Session, path: &Path, bytes: &[u8], scene: &Scene) -> Result<ExitStatus, CliError> {
    if session.dry_run {
        session.plan(&super::plan::Plan::new("draw a figure").size("bytes", bytes.len()).writes(path))?;
        return Ok(ExitStatus::Done);
    }
    io::write_atomic::<IoError>(path, |w| w.write_all(bytes).map_err(|e| IoError::write(path, e)))?;
    session.printer.result(
        || json!({ "figure": path, "bytes": bytes.len(), "width": scene.width, "height": scene.height, "alt": scene.alt }),
        || path.display().to_string(),
    )?;
    Ok(ExitStatus::Done)
}
