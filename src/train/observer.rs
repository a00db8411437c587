//! Who watches a fit.

use crate::error::Notice;

/// Where a fit stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The model being fitted.
    pub model: String,
    /// Steps done.
    pub step: u64,
    /// Steps planned.
    pub of: u64,
    /// Named values of this step (`train.loss`, `val.loss`, ...).
    pub values: Vec<(String, f64)>,
}

/// Receives events of a fit: a progress bar, a metrics file, nothing.
pub trait Observer: Send {
    /// A step is done.
    fn progress(&mut self, progress: &Progress);

    /// Something the user should know.
    fn notice(&mut self, notice: Notice);

    /// Whether the fit should write its checkpoint and stop (Ctrl-C).
    fn stop_requested(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &Progress) {}
    fn notice(&mut self, _: Notice) {}
}
