//! Scheduler and executors of one machine, started and ended together.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::ready::wait_until_ready;
use crate::ClusterError;

/// How long processes may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is started.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// Number of executors.
    pub executors: usize,
    /// Port of the scheduler; 0: any free one.
    pub port: u16,
    /// Tasks that each executor runs at a time.
    pub cores: usize,
    /// Bytes of sums that each executor holds.
    pub memory: Option<u64>,
    /// Seconds after which a silent executor is given up.
    pub executor_timeout: u64,
}

/// Starts a scheduler and executors on loopback, prints one line of JSON (address and process numbers) and waits. Ctrl-C
/// ends them all; so does the end of this process, for whatever reason, since they listen for it.
///
/// # Errors
/// [`ClusterError::Cluster`] where a process cannot be started or does not come up.
pub async fn run_up(options: &UpOptions) -> Result<(), ClusterError> {
    let failed = |e: std::io::Error| ClusterError::cluster("up", e);
    let folder = tempfile::tempdir().map_err(failed)?;
    let (mut scheduler, address) = start_scheduler(options).await?;
    let executors =
        (0..options.executors).map(|k| start_executor(options, &address, &folder.path().join(k.to_string())));
    let executors = executors.collect::<Result<Vec<Child>, _>>()?;
    wait_until_ready(address.trim_start_matches("ballista://"), PATIENCE).await?;
    let ids: Vec<u32> = executors.iter().filter_map(Child::id).collect();
    let line = serde_json::json!({ "engine": address, "scheduler": scheduler.id(), "executors": ids });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(ClusterError::Stdout)?;
    drop(stdout);
    // Waiting for a process closes its stdin, and that would end it.
    let _held = scheduler.stdin.take();
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.map_err(failed),
        ended = scheduler.wait() => {
            let status = ended.map_err(failed)?;
            Err(ClusterError::cluster("scheduler", format!("it ended ({status})")))
        }
    }
}

async fn start_scheduler(options: &UpOptions) -> Result<(Child, String), ClusterError> {
    let failed = |e: std::io::Error| ClusterError::cluster("scheduler", e);
    let arguments = [
        ("--port", options.port.to_string()),
        ("--executors", options.executors.to_string()),
        ("--executor-timeout", options.executor_timeout.to_string()),
    ];
    let mut scheduler = start("scheduler", &arguments, Stdio::piped()).map_err(failed)?;
    let Some(stdout) = scheduler.stdout.take() else { return Err(ClusterError::cluster("scheduler", "no output")) };
    let mut lines = BufReader::new(stdout).lines();
    match timeout(PATIENCE, lines.next_line()).await {
        Ok(Ok(Some(address))) => Ok((scheduler, address)),
        _ => Err(ClusterError::cluster("scheduler", "it did not come up")),
    }
}

fn start_executor(options: &UpOptions, address: &str, work_dir: &Path) -> Result<Child, ClusterError> {
    let failed = |e: std::io::Error| ClusterError::cluster("executor", e);
    std::fs::create_dir_all(work_dir).map_err(failed)?;
    let mut arguments = vec![
        ("--scheduler", address.to_owned()),
        ("--cores", options.cores.to_string()),
        ("--work-dir", work_dir.to_string_lossy().into_owned()),
    ];
    arguments.extend(options.memory.map(|bytes| ("--memory", bytes.to_string())));
    start("executor", &arguments, Stdio::null()).map_err(failed)
}

/// Starts this program with another command. The child ends when its stdin, which we hold, is closed.
fn start(command: &str, arguments: &[(&str, String)], stdout: Stdio) -> std::io::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?);
    child.arg(command).arg("--with-parent");
    for (name, value) in arguments {
        child.arg(name).arg(value);
    }
    child.stdin(Stdio::piped()).stdout(stdout).kill_on_drop(true).spawn()
}
