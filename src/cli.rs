//! The command line: arguments, printing, wiring. One file per command; nobody imports this room.

mod args;
mod error;
mod hints;
mod inputs;
mod load;
mod observer;
mod printer;
mod prior;
mod screen;
mod session;

mod config;
mod covariance;
mod cv;
mod data;
mod de;
mod fit;
mod graph;
mod plot;
mod predict;
mod quickstart;
mod rank;
mod rank_cv;
mod ranker;
mod report;
mod score;
mod simulate;

use clap::{Parser, Subcommand};

use self::args::GlobalArgs;
use self::error::CliError;
use self::session::Session;
use crate::error::ExitStatus;

/// Simulate gene-regulatory networks and predict what a gene knockdown does to a transcriptome.
#[derive(Debug, Parser)]
#[command(name = "grn", version, arg_required_else_help = true, propagate_version = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: GlobalArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole job on the embedded screen: simulate, graph, cross-validate, fit, predict, rank, score, report
    Quickstart(quickstart::QuickstartArgs),
    /// Check a screen, or reduce it to one row per condition
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Build, inspect and export the gene graph
    #[command(subcommand)]
    Graph(graph::GraphCommand),
    /// Simulate a screen with known truth
    Simulate(Box<simulate::SimulateArgs>),
    /// Fit a model and write a run directory
    Fit(fit::FitArgs),
    /// Cross-validate models over held-out perturbations
    Cv(cv::CvArgs),
    /// Predict what perturbations do
    Predict(predict::PredictArgs),
    /// Rank the upstream genes that explain a change
    Rank(rank::RankArgs),
    /// Evaluate the ranking on held-out perturbations
    RankCv(rank_cv::RankCvArgs),
    /// Score predicted against real cells
    Score(Box<score::ScoreArgs>),
    /// Test every gene of every perturbation against the control
    De(de::DeArgs),
    /// Draw networks and results
    #[command(subcommand)]
    Plot(plot::PlotCommand),
    /// Write the report of a run as one HTML file
    Report(report::ReportArgs),
    /// Show the settings in force and where each comes from
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Parses the arguments, runs the command, prints an error with its hint; returns the exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let mut session = match Session::start(cli.global) {
        Ok(session) => session,
        Err(error) => return printer::print_error(&error),
    };
    match run(cli.command, &mut session) {
        Ok(status) => status.code(),
        Err(CliError::BrokenPipe) => 0,
        Err(error) => printer::print_error(&error),
    }
}

fn run(command: Command, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        Command::Quickstart(args) => quickstart::run(args, session),
        Command::Data(args) => data::run(args, session),
        Command::Graph(args) => graph::run(args, session),
        Command::Simulate(args) => simulate::run(&args, session),
        Command::Fit(args) => fit::run(args, session),
        Command::Cv(args) => cv::run(args, session),
        Command::Predict(args) => predict::run(args, session),
        Command::Rank(args) => rank::run(args, session),
        Command::RankCv(args) => rank_cv::run(args, session),
        Command::Score(args) => score::run(*args, session),
        Command::De(args) => de::run(args, session),
        Command::Plot(args) => plot::run(args, session),
        Command::Report(args) => report::run(args, session),
        Command::Config(args) => config::run(args, session),
    }
}
