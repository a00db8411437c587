//! `grn-cluster up`, `scheduler` and `executor`.

use std::io::Read;

use clap::Args;
use grn_cluster::ClusterError;
use grn_cluster::cluster::{ExecutorOptions, SchedulerOptions, UpOptions, run_executor, run_scheduler, run_up};

use super::question::bytes;

/// Arguments of `grn-cluster up`.
#[derive(Debug, Args)]
pub(super) struct UpArgs {
    /// Number of executors
    #[arg(long, value_name = "N", default_value_t = 2)]
    executors: usize,
    /// Port of the scheduler on loopback; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Tasks that each executor runs at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    cores: usize,
    /// Bytes of sums that each executor holds before they go to disk (default: 70 % of the machine)
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
    /// Seconds after which a silent executor is given up
    #[arg(long, value_name = "SECS", default_value_t = 10)]
    executor_timeout: u64,
}

/// Arguments of `grn-cluster scheduler`.
#[derive(Debug, Args)]
pub(super) struct SchedulerArgs {
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// Name under which executors reach it (default: the address)
    #[arg(long, value_name = "NAME")]
    advertise: Option<String>,
    /// Port to listen at; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 50050)]
    port: u16,
    /// Executors that must be there before `GET /readyz` says so
    #[arg(long, value_name = "N", default_value_t = 1)]
    executors: usize,
    /// Seconds after which a silent executor is given up and its tasks go to others
    #[arg(long, value_name = "SECS", default_value_t = 30)]
    executor_timeout: u64,
    /// End when stdin is closed
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// Arguments of `grn-cluster executor`.
#[derive(Debug, Args)]
pub(super) struct ExecutorArgs {
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT")]
    scheduler: String,
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// Name under which the others reach it (default: the address)
    #[arg(long, value_name = "NAME")]
    advertise: Option<String>,
    /// Tasks run at a time (default: one per core)
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Bytes of sums held before they go to disk (default: 70 % of the machine)
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
    /// Folder of what is kept between stages (default: a temporary one)
    #[arg(long, value_name = "DIR")]
    work_dir: Option<String>,
    /// End when stdin is closed
    #[arg(long, hide = true)]
    with_parent: bool,
}

pub(super) async fn up(args: UpArgs) -> Result<(), ClusterError> {
    run_up(&UpOptions {
        executors: args.executors.max(1),
        port: args.port,
        cores: args.cores.max(1),
        memory: args.memory,
        executor_timeout: args.executor_timeout.max(1),
    })
    .await
}

pub(super) async fn scheduler(args: SchedulerArgs) -> Result<(), ClusterError> {
    end_with_parent(args.with_parent);
    run_scheduler(&SchedulerOptions {
        host: args.host,
        advertise: args.advertise,
        port: args.port,
        executors: args.executors,
        executor_timeout: args.executor_timeout.max(1),
    })
    .await
}

pub(super) async fn executor(args: ExecutorArgs) -> Result<(), ClusterError> {
    end_with_parent(args.with_parent);
    let cores = args.cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    run_executor(&ExecutorOptions {
        scheduler: args.scheduler,
        host: args.host,
        advertise: args.advertise,
        cores: cores.max(1),
        memory: args.memory,
        work_dir: args.work_dir,
    })
    .await
}

/// The parent holds our stdin: it is closed when the parent ends, even where it was killed.
#[allow(clippy::exit)] // no one is left to return to
fn end_with_parent(wanted: bool) {
    if wanted {
        std::thread::spawn(|| {
            let mut nothing = [0u8; 64];
            while std::io::stdin().read(&mut nothing).is_ok_and(|n| n > 0) {}
            std::process::exit(0);
        });
    }
}
