//! Training as replaceable parts: who watches, when to stop, what is kept.

mod observer;

pub use self::observer::{Observer, Progress, Silent};
