//! Training as replaceable parts: what a step computes, when to stop, what is kept, who watches.
//!
//! A model brings [`Steps`] (its loss and, where it has held-out rows, its evaluation); the [`Trainer`] runs them with
//! an optimiser and a schedule, asks a [`StopPolicy`] after every evaluation, writes a [`Checkpoint`] and tells the
//! [`Observer`]. A resumed fit ends with the same bits as one that was never stopped.

mod checkpoint;
mod error;
mod observer;
mod stop;
mod trainer;

pub use self::checkpoint::{Checkpoint, read_tensors, write_tensors};
pub use self::error::TrainError;
pub use self::observer::{Observer, Progress, Silent};
pub use self::stop::{Evaluation, Never, Patience, StopPolicy};
pub use self::trainer::{Outcome, Plan, Steps, Trainer};
