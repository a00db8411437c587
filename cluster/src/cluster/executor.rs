//! An executor: runs tasks and keeps what they give for the next stage.

use std::net::TcpListener;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};

use super::HEARTBEAT;
use crate::ClusterError;
use crate::engine::MESSAGE;
use crate::functions::{aggregates, scalars};

/// How an executor runs.
#[derive(Debug, Clone)]
pub struct ExecutorOptions {
    /// `HOST:PORT` of the scheduler.
    pub scheduler: String,
    /// Address to listen at.
    pub host: String,
    /// Name under which the others reach it; `None`: that address.
    pub advertise: Option<String>,
    /// Tasks run at a time.
    pub cores: usize,
    /// Bytes of sums held by all tasks before they go to disk; `None`: 70 % of the machine.
    pub memory: Option<u64>,
    /// Folder of what is kept between stages and of what goes to disk; `None`: a temporary one.
    pub work_dir: Option<String>,
}

/// Runs an executor until the process ends or the scheduler sends it home.
///
/// # Errors
/// [`ClusterError::Cluster`] where the scheduler cannot be reached or no port is free.
pub async fn run_executor(options: &ExecutorOptions) -> Result<(), ClusterError> {
    let failed = |e: &dyn ToString| ClusterError::cluster("executor", e.to_string());
    let address = options.scheduler.trim_start_matches("ballista://").rsplit_once(':');
    let address = address.and_then(|(host, port)| Some((host.to_owned(), port.parse::<u16>().ok()?)));
    let Some((scheduler_host, scheduler_port)) = address else {
        return Err(ClusterError::usage("--scheduler", "HOST:PORT", format!("`{}`", options.scheduler)));
    };
    // Kept until the end: it removes the folder.
    let temporary = tempfile::tempdir().map_err(|e| failed(&e))?;
    let work_dir = options.work_dir.clone().unwrap_or_else(|| temporary.path().to_string_lossy().into_owned());
    let [port, grpc_port] = free_ports(&options.host).map_err(|e| failed(&e))?;
    let config = ExecutorProcessConfig {
        bind_host: options.host.clone(),
        external_host: Some(options.advertise.clone().unwrap_or_else(|| options.host.clone())),
        port,
        grpc_port,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: 30,
        vcores: options.cores,
        task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
        work_dir: Some(work_dir),
        memory_pool_size: options.memory,
        executor_heartbeat_interval_seconds: HEARTBEAT,
        grpc_max_decoding_message_size: MESSAGE,
        grpc_max_encoding_message_size: MESSAGE,
        override_function_registry: Some(Arc::new(functions())),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await.map_err(|e| failed(&e))
}

/// The functions of DataFusion and ours.
fn functions() -> BallistaFunctionRegistry {
    let mut all = BallistaFunctionRegistry::default();
    all.aggregate_functions.extend(aggregates().map(|f| (f.name().to_owned(), f)));
    all.scalar_functions.extend(scalars().map(|f| (f.name().to_owned(), f)));
    all
}

/// Two ports that nobody listens at. They are given back before they are taken: another program may come between, and the
/// executor then ends with an error.
fn free_ports(host: &str) -> std::io::Result<[u16; 2]> {
    let (a, b) = (TcpListener::bind((host, 0))?, TcpListener::bind((host, 0))?);
    Ok([a.local_addr()?.port(), b.local_addr()?.port()])
}
