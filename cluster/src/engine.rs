//! What runs the plan.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ballista::prelude::SessionContextExt;
use ballista_core::extension::SessionConfigExt;
use datafusion::error::Result as QueryResult;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::ClusterError;
use crate::functions::{aggregates, scalars};

/// Cells of a batch: lists of 1,500 genes make it a few megabytes.
const BATCH: usize = 512;
/// Most bytes of a message between the processes of a cluster. A batch of states is never split below one group.
pub(crate) const MESSAGE: u32 = 1 << 30;

/// What runs the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// DataFusion in this process.
    DataFusion,
    /// A Ballista cluster: address of its scheduler, `ballista://host:port`.
    Ballista(String),
}

/// How much an engine may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Bytes of sums held in this process before they go to disk; `None`: no limit. Executors of a cluster have their own.
    pub memory: Option<usize>,
    /// Parts that the rows are read in; `None`: one per core in this process, [`Engine::PARTS`] on a cluster.
    pub parts: Option<usize>,
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "datafusion" | "local" => Ok(Self::DataFusion),
            _ => match text.strip_prefix("ballista://").and_then(|address| address.rsplit_once(':')) {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                    Ok(Self::Ballista(text.to_owned()))
                }
                _ => Err("`datafusion` or `ballista://HOST:PORT`".into()),
            },
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataFusion => f.write_str("datafusion"),
            Self::Ballista(address) => f.write_str(address),
        }
    }
}

impl Engine {
    /// Parts on a cluster: what an executor that dies takes with it is at most one of them per core.
    pub const PARTS: usize = 32;

    /// A session with the functions of the plan.
    ///
    /// # Errors
    /// [`ClusterError::Query`] for an address that cannot be.
    pub async fn session(&self, limits: Limits) -> Result<SessionContext, ClusterError> {
        let failed = |e| ClusterError::Query { engine: self.to_string(), source: Box::new(e) };
        let context = match self {
            Self::DataFusion => in_process(limits).map_err(failed)?,
            Self::Ballista(address) => remote(address, limits).await.map_err(failed)?,
        };
        aggregates().iter().for_each(|f| context.register_udaf(f.as_ref().clone()));
        scalars().iter().for_each(|f| context.register_udf(f.as_ref().clone()));
        Ok(context)
    }
}

fn in_process(limits: Limits) -> QueryResult<SessionContext> {
    let parts = limits.parts.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let config = common(SessionConfig::new()).with_target_partitions(parts.max(1));
    let runtime = RuntimeEnvBuilder::new();
    let runtime = match limits.memory {
        Some(bytes) => runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes))),
        None => runtime,
    };
    Ok(SessionContext::new_with_config_rt(config, runtime.build_arc()?))
}

async fn remote(address: &str, limits: Limits) -> QueryResult<SessionContext> {
    let config = common(SessionConfig::new_with_ballista())
        .with_target_partitions(limits.parts.unwrap_or(Engine::PARTS).max(1))
        .with_ballista_grpc_client_max_message_size(MESSAGE as usize)
        .with_ballista_job_name("grn pseudobulk");
    let state = SessionStateBuilder::new().with_default_features().with_config(config).build();
    SessionContext::remote_with_state(address, state).await
}

/// Settings that both engines share, so that one plan is run.
fn common(config: SessionConfig) -> SessionConfig {
    let config = config.with_batch_size(BATCH).with_collect_statistics(false);
    config.set_bool("datafusion.execution.parquet.schema_force_view_types", false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_read_as_typed() {
        let t = |text: &str| text.parse::<Engine>().ok().map(|e| e.to_string());
        assert_eq!(t("datafusion").as_deref(), Some("datafusion"));
        assert_eq!(t("local").as_deref(), Some("datafusion"));
        assert_eq!(t("ballista://127.0.0.1:50050").as_deref(), Some("ballista://127.0.0.1:50050"));
        for wrong in ["spark", "ballista://", "ballista://host", "ballista://:1", "ballista://host:port"] {
            assert_eq!(t(wrong), None, "{wrong}");
        }
    }
}
