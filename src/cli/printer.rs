//! The only place that prints: stdout is data, stderr is talk.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;
use super::hints;
use crate::error::Notice;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Green.on_default().bold();
const NOTICE: Style = AnsiColor::Yellow.on_default();

/// How much is said, and to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    /// Results are one JSON object.
    pub(super) json: bool,
    quiet: bool,
    verbose: bool,
}

impl Printer {
    /// A printer for these flags.
    pub(super) fn new(json: bool, quiet: bool, verbose: bool) -> Self {
        Self { json, quiet, verbose }
    }

    /// Data: a result for the user or the next program. A newline is added.
    #[allow(clippy::unused_self)] // reads as the other ways of talking do
    pub(super) fn data(self, text: impl AsRef<str>) -> Result<(), CliError> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_ref().as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    /// The result as one JSON object (with `--json`), else as text.
    pub(super) fn result(
        self,
        json: impl FnOnce() -> serde_json::Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        self.data(if self.json { format!("{:#}", json()) } else { text() })
    }

    /// Talk: what is being done.
    pub(super) fn say(self, text: impl AsRef<str>) {
        if !self.quiet {
            anstream::eprintln!("{}", text.as_ref());
        }
    }

    /// Talk for those who asked for more.
    pub(super) fn detail(self, text: impl AsRef<str>) {
        if self.verbose {
            anstream::eprintln!("{}", text.as_ref());
        }
    }

    /// Something the user should know.
    pub(super) fn notice(self, notice: &Notice) {
        if !self.quiet {
            anstream::eprintln!("{NOTICE}notice:{NOTICE:#} {notice}");
        }
    }

    /// A bar with a time estimate on a terminal; nothing elsewhere, when quiet, or when log lines are shown.
    pub(super) fn bar(self, what: &'static str, of: u64) -> ProgressBar {
        if self.quiet || self.verbose || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let template = "{prefix} [{bar:30}] {percent:>3} % {msg} {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(of).with_style(style.progress_chars("=> ")).with_prefix(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Prints an error with its hint; returns the exit code.
pub(super) fn print_error(error: &CliError) -> u8 {
    anstream::eprintln!("{ERROR}error:{ERROR:#} {error}");
    if let Some(hint) = hints::hint(error) {
        anstream::eprintln!("\n{HINT}hint:{HINT:#} {hint}");
    }
    2
}
