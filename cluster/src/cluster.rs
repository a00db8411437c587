//! The processes of a Ballista cluster that knows the functions of the plan.

mod executor;
mod ready;
mod scheduler;
mod up;

pub use self::executor::{ExecutorOptions, run_executor};
pub use self::ready::wait_until_ready;
pub use self::scheduler::{SchedulerOptions, run_scheduler};
pub use self::up::{UpOptions, run_up};

/// Seconds between signs of life of an executor.
const HEARTBEAT: u64 = 1;
/// Seconds between looks at which executors still give signs of life.
const LOOK: u64 = 1;
