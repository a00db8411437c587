//! The scheduler: turns a plan into stages and hands out their tasks.

use std::io::Write;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::utils::default_session_builder;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;

use super::LOOK;
use crate::ClusterError;
use crate::engine::MESSAGE;
use crate::functions::{aggregates, scalars};

/// How a scheduler runs.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// Address to listen at.
    pub host: String,
    /// Name under which executors reach it; `None`: that address.
    pub advertise: Option<String>,
    /// Port to listen at; 0: any free one.
    pub port: u16,
    /// Executors that must be there before it says it is ready.
    pub executors: usize,
    /// Seconds after which a silent executor is given up and its tasks go to others.
    pub executor_timeout: u64,
}

/// Runs a scheduler until the process ends. Prints its address, `ballista://HOST:PORT`, once it listens.
///
/// # Errors
/// [`ClusterError::Cluster`] where it cannot listen.
pub async fn run_scheduler(options: &SchedulerOptions) -> Result<(), ClusterError> {
    let failed = |e: &dyn ToString| ClusterError::cluster("scheduler", e.to_string());
    let listener = TcpListener::bind((options.host.as_str(), options.port)).await.map_err(|e| failed(&e))?;
    let port = listener.local_addr().map_err(|e| failed(&e))?.port();
    let config = config(options, port);
    config.validate().map_err(|e| failed(&e))?;
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|e| failed(&e))?;
    let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await;
    let scheduler = scheduler.map_err(|e| failed(&e))?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "ballista://{}:{port}", name(options))
        .and_then(|()| stdout.flush())
        .map_err(ClusterError::Stdout)?;
    drop(stdout);
    start_grpc_service_with_listener(listener, scheduler).await.map_err(|e| failed(&e))
}

fn name(options: &SchedulerOptions) -> &str {
    options.advertise.as_deref().unwrap_or(&options.host)
}

fn config(options: &SchedulerOptions, port: u16) -> SchedulerConfig {
    SchedulerConfig {
        bind_host: options.host.clone(),
        external_host: name(options).to_owned(),
        bind_port: port,
        scheduling_policy: TaskSchedulingPolicy::PushStaged,
        executor_timeout_seconds: options.executor_timeout,
        expire_dead_executor_interval_seconds: LOOK,
        no_executors_grace_period_seconds: options.executor_timeout,
        min_ready_executors: options.executors,
        grpc_server_max_decoding_message_size: MESSAGE,
        grpc_server_max_encoding_message_size: MESSAGE,
        grpc_client_max_message_size: MESSAGE,
        override_session_builder: Some(Arc::new(session)),
        ..SchedulerConfig::default()
    }
}

/// A session that can plan with our functions.
fn session(config: SessionConfig) -> datafusion::error::Result<SessionState> {
    let mut state = default_session_builder(config)?;
    for function in aggregates() {
        state.register_udaf(function)?;
    }
    for function in scalars() {
        state.register_udf(function)?;
    }
    Ok(state)
}
