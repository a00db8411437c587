//! What is said while a file arrives.

use std::time::Instant;

use crate::cli::plan::bytes;
use crate::cli::printer::Printer;
use crate::cli::progress::{Bar, span};
use crate::io::{FetchJob, FetchStep};

/// Talk about one file.
pub(super) struct Talk {
    printer: Printer,
    name: String,
    bar: Option<(&'static str, Bar)>,
    /// When the first bytes of this run arrived, and how many were there then.
    began: Option<(Instant, u64)>,
}

impl Talk {
    pub(super) fn new(job: &FetchJob, printer: Printer) -> Self {
        printer.detail(format!("{} from {}", job.to.display(), job.url));
        let name = job.to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { printer, name, bar: None, began: None }
    }

    /// Takes a step in.
    pub(super) fn hear(&mut self, step: FetchStep) {
        match step {
            FetchStep::GoesOn { held } => {
                self.printer.say(format!("{}: {} are there from before; going on", self.name, bytes(held as f64)));
            }
            FetchStep::Received { held, total } => self.received(held, total),
            FetchStep::Checked { done, total } => self.bar("check", total).set_position(done),
            FetchStep::Pause { reason, pause, attempt: (n, most) } => {
                let wait = span(pause.as_secs_f64());
                self.printer.say(format!("{}: {reason}; attempt {} of {most} in {wait}", self.name, n + 1));
            }
            FetchStep::StartsAgain { reason } => {
                self.began = None;
                self.printer.say(format!("{}: {reason}; starting from the first byte", self.name));
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn received(&mut self, held: u64, total: Option<u64>) {
        let (since, before) = *self.began.get_or_insert_with(|| (Instant::now(), held));
        let secs = since.elapsed().as_secs_f64();
        let rate = held.saturating_sub(before) as f64 / secs.max(0.5);
        let beside = format!("{}: {}, {}/s", self.name, bytes(held as f64), bytes(rate));
        let bar = self.bar("fetch", total.unwrap_or(0));
        bar.set_message(beside);
        bar.set(held, total.unwrap_or(0));
    }

    /// The bar of this kind of work: one at a time.
    fn bar(&mut self, what: &'static str, of: u64) -> &Bar {
        if self.bar.as_ref().is_none_or(|(kind, _)| *kind != what) {
            self.finish();
        }
        let printer = &self.printer;
        &self.bar.get_or_insert_with(|| (what, printer.orderly_bar(what, of))).1
    }
}
