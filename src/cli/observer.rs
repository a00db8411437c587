//! Watches a fit for the user: a bar, `metrics.jsonl`, Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::progress::Bar;
use super::session::Session;
use crate::error::Notice;
use crate::run::Recorder;
use crate::train::{Observer, Progress};

/// Shows progress, records values and collects notices.
#[derive(Debug)]
pub(super) struct Watcher {
    bar: Bar,
    recorder: Option<Recorder>,
    interrupted: Arc<AtomicBool>,
    notices: Vec<Notice>,
}

impl Watcher {
    /// A watcher of one fit.
    pub(super) fn new(session: &Session, what: &'static str, recorder: Option<Recorder>) -> Self {
        Self {
            bar: session.printer.orderly_bar(what, 1),
            recorder,
            interrupted: session.interrupt_flag(),
            notices: Vec::new(),
        }
    }

    /// Takes the bar away; returns the notices that came.
    pub(super) fn finish(self) -> Vec<Notice> {
        self.bar.finish_and_clear();
        self.notices
    }
}

impl Observer for Watcher {
    fn progress(&mut self, progress: &Progress) {
        let shown: Vec<String> =
            progress.values.iter().take(2).map(|(name, value)| format!("{name} {value:.4}")).collect();
        if !shown.is_empty() {
            self.bar.set_message(shown.join(", "));
        }
        self.bar.set(progress.step, progress.of);
        if let Some(recorder) = &mut self.recorder {
            let written = progress.values.iter().try_for_each(|(n, v)| recorder.record(progress.step, n, *v));
            if let Err(error) = written {
                self.notices.push(Notice::new(format!("`metrics.jsonl` is incomplete: {error}")));
                self.recorder = None;
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    fn stop_requested(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
