//! The command line: arguments, printing, wiring. One file per command; nobody imports this room but the programs on top:
//! `main.rs` and, through [`call()`], the Python package.

mod args;
mod call;
mod error;
mod failure;
mod hints;
mod inputs;
mod load;
mod log;
mod observer;
mod plan;
mod printer;
mod prior;
mod progress;
mod screen;
mod session;
mod variables;

mod bench;
mod completions;
mod config;
mod covariance;
mod cv;
mod data;
mod de;
mod fit;
mod graph;
mod man;
mod plot;
mod predict;
mod quickstart;
mod rank;
mod rank_cv;
mod ranker;
mod reference;
mod report;
mod runs;
mod score;
mod simulate;

pub use self::call::{Answer, Audience, Failure, FailureKind, Said, Table, TableColumn, call};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

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
    /// List, show, compare, delete and export runs
    #[command(subcommand)]
    Run(runs::RunCommand),
    /// Time the hot paths on generated data, and how they grow with cells, genes and perturbations
    Bench(bench::BenchArgs),
    /// Show the settings in force and where each comes from
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Write manual pages: grn-fit.1 and one for every other command
    Man(man::ManArgs),
    /// Write the pages of docs/reference
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

/// The commands and their options, with the environment variable of each global option in its help.
fn definition() -> clap::Command {
    let cli = Cli::command();
    let global: Vec<clap::Id> = cli.get_arguments().filter(|a| a.is_global_set()).map(|a| a.get_id().clone()).collect();
    global.into_iter().fold(cli, |cli, id| {
        cli.mut_arg(id, |arg| {
            let name = variables::name_of(arg.get_long().unwrap_or_default());
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            arg.help(format!("{help} [env: {name}]"))
        })
    })
}

/// Parses the arguments, runs the command, prints an error with its hint; returns the exit code.
pub fn main() -> u8 {
    printer::report_bugs();
    let matches = definition().try_get_matches();
    let cli = match matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
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
    let ended = run(cli.command, &mut session);
    // What tests of the panic message need: nothing in a release does this.
    assert!(!(cfg!(debug_assertions) && std::env::var_os("GRN_TEST_PANIC").is_some()), "asked for by a test");
    match ended {
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
        Command::Run(args) => runs::run(args, session),
        Command::Bench(args) => bench::run(&args, session),
        Command::Config(args) => config::run(args, session),
        Command::Completions(args) => completions::run(&args, session),
        Command::Man(args) => man::run(&args, session),
        Command::Reference(args) => reference::run(&args, session),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::definition().debug_assert();
    }
}
