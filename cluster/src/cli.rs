//! Arguments and printing; one file per command.

mod agree;
mod log;
mod processes;
mod pseudobulk;
mod question;
mod rows;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use grn_cluster::ClusterError;

/// Grouped moments of very large single-cell Parquet, by DataFusion in one process or by a Ballista cluster.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reduce rows of Parquet to one row per condition: mean, variance and third moment of log1p expression
    Pseudobulk(pseudobulk::PseudobulkArgs),
    /// Ask two engines the same and say how far the answers lie apart
    Agree(agree::AgreeArgs),
    /// Start a scheduler and executors on this machine; Ctrl-C ends them all
    Up(processes::UpArgs),
    /// Run the scheduler of a cluster
    Scheduler(processes::SchedulerArgs),
    /// Run an executor of a cluster
    Executor(processes::ExecutorArgs),
    /// Make up rows in the shape of Tahoe-100M
    MakeRows(rows::RowsArgs),
}

pub(crate) fn main() -> ExitCode {
    log::begin();
    let done = match Cli::parse().command {
        Command::Pseudobulk(args) => block_on(pseudobulk::run(args)),
        Command::Agree(args) => block_on(agree::run(args)),
        Command::Up(args) => block_on(processes::up(args)),
        Command::Scheduler(args) => block_on(processes::scheduler(args)),
        Command::Executor(args) => block_on(processes::executor(args)),
        Command::MakeRows(args) => rows::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("error: {error}"));
            if let Some(hint) = error.hint() {
                say(format!("hint: {hint}"));
            }
            ExitCode::from(if matches!(error, ClusterError::Usage { .. }) { 2 } else { 1 })
        }
    }
}

/// Plans nest deeply: threads get more stack than usual.
fn block_on(work: impl Future<Output = Result<(), ClusterError>>) -> Result<(), ClusterError> {
    const STACK: usize = 32 << 20;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    runtime.map_err(|e| ClusterError::cluster("threads", e))?.block_on(work)
}

/// Data, to stdout.
fn print(text: impl std::fmt::Display) -> Result<(), ClusterError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(ClusterError::Stdout)
}

/// Talk, to stderr. Where nobody can listen, nothing is lost.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
