//! Errors of commands as what a calling program raises.

use std::io::ErrorKind;

use super::call::{Failure, FailureKind};
use super::error::CliError;
use super::hints;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::graph::GraphError;
use crate::io::IoError;
use crate::predict::PredictError;
use crate::rank::RankError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::score::ScoreError;
use crate::simulate::SimulateError;

/// An error of a command.
pub(super) fn of(error: &CliError) -> Failure {
    Failure { kind: kind(error), message: error.to_string(), hint: hints::hint(error) }
}

/// Arguments that cannot be parsed; how to use the command is left out.
pub(super) fn of_arguments(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let message = text.split("\n\nUsage:").next().unwrap_or(text).split("\n\nFor more information").next();
    Failure { kind: FailureKind::Value, message: message.unwrap_or_default().trim_end().to_owned(), hint: None }
}

/// The caller interrupted.
pub(super) fn interrupted() -> Failure {
    Failure { kind: FailureKind::Interrupted, message: "interrupted; no unfinished file is left".into(), hint: None }
}

/// A panic.
pub(super) fn bug(text: &str) -> Failure {
    let message = format!("this is a bug in grn {}: {text}", env!("CARGO_PKG_VERSION"));
    let hint = "please report it with the line above and the call that led to it";
    Failure { kind: FailureKind::Bug, message, hint: Some(hint.into()) }
}

fn kind(error: &CliError) -> FailureKind {
    match error {
        CliError::Config(ConfigError::Read { .. }) => FailureKind::FileNotFound,
        CliError::BrokenPipe | CliError::Stdout(_) => FailureKind::System,
        CliError::Run(e) => run(e),
        CliError::Data(e)
        | CliError::Simulate(SimulateError::Data(e))
        | CliError::Rank(RankError::Data(e))
        | CliError::Score(ScoreError::Data(e)) => data(e),
        CliError::Graph(e) | CliError::Report(ReportError::Graph(e)) => graph(e),
        CliError::Io(e) => io(e),
        CliError::Simulate(SimulateError::UnknownGene { .. }) => FailureKind::Key,
        CliError::Predict(e) | CliError::Rank(RankError::Predict(e)) => predict(e),
        _ => FailureKind::Value,
    }
}

fn run(error: &RunError) -> FailureKind {
    match error {
        RunError::NoRun { .. } => FailureKind::FileNotFound,
        RunError::Format { got, .. } if got == "none there" => FailureKind::FileNotFound,
        RunError::System { source, .. } => system(source),
        RunError::Format { .. } => FailureKind::Value,
    }
}

fn data(error: &DataError) -> FailureKind {
    match error {
        DataError::UnknownGene { .. } | DataError::UnknownPerturbation { .. } => FailureKind::Key,
        DataError::Temporary { .. } => FailureKind::System,
        _ => FailureKind::Value,
    }
}

fn graph(error: &GraphError) -> FailureKind {
    match error {
        GraphError::UnknownGene { .. } | GraphError::UnknownChannel { .. } => FailureKind::Key,
        _ => FailureKind::Value,
    }
}

fn io(error: &IoError) -> FailureKind {
    match error {
        IoError::System { source, .. } => system(source),
        IoError::MissingColumn { .. } => FailureKind::Key,
        IoError::Data { source, .. } => data(source),
        IoError::Graph { source, .. } => graph(source),
        IoError::Hdf5 { path, .. } if !path.exists() => FailureKind::FileNotFound,
        IoError::Hdf5 { .. } | IoError::Fetch(_) => FailureKind::System,
        IoError::Format { .. } | IoError::Vcc { .. } => FailureKind::Value,
    }
}

fn predict(error: &PredictError) -> FailureKind {
    match error {
        PredictError::UnknownTarget { .. } => FailureKind::Key,
        PredictError::Interrupted { .. } => FailureKind::Interrupted,
        PredictError::Data(e) => data(e),
        _ => FailureKind::Value,
    }
}

fn system(source: &std::io::Error) -> FailureKind {
    if source.kind() == ErrorKind::NotFound { FailureKind::FileNotFound } else { FailureKind::System }
}
