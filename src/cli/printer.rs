//! The only place that prints: stdout is data, stderr is talk. All talk is kept for `log.txt` too. A command that was called by a
//! program tells its [`Audience`](super::Audience) instead.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::args::{ColorArg, GlobalArgs};
use super::call::{Caller, Said, Table};
use super::error::CliError;
use super::hints;
use super::log::{self, Log};
use super::progress::{Bar, Shown};
use crate::error::Notice;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Green.on_default().bold();
const NOTICE: Style = AnsiColor::Yellow.on_default();

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Volume {
    /// Results and errors (`-qq`).
    Silent,
    /// Notices too (`-q`).
    Quiet,
    /// What is being done too.
    Usual,
    /// Details too (`-v`).
    Verbose,
}

/// How much is said, and to whom.
#[derive(Debug, Clone)]
pub(super) struct Printer {
    /// Results are one JSON object.
    pub(super) json: bool,
    volume: Volume,
    progress: Shown,
    log: Log,
}

impl Printer {
    /// A printer for these flags; colours are chosen for the whole process.
    pub(super) fn new(global: &GlobalArgs, log: Log) -> Self {
        if let Some(color) = global.color {
            choose_color(color);
        }
        let volume = match (global.quiet, global.verbose) {
            (0, 0) => Volume::Usual,
            (0, _) => Volume::Verbose,
            (1, _) => Volume::Quiet,
            _ => Volume::Silent,
        };
        let progress = match (global.no_progress || volume < Volume::Usual, volume) {
            (true, _) => Shown::Nowhere,
            (false, Volume::Usual) if std::io::stderr().is_terminal() => Shown::Bar,
            (false, _) => Shown::Lines,
        };
        Self { json: global.json, volume, progress, log }
    }

    /// One that tells everything to the program that called; what to show is for that to choose.
    pub(super) fn for_caller(json: bool, caller: Caller, log: Log) -> Self {
        Self { json, volume: Volume::Verbose, progress: Shown::Told(caller), log }
    }

    /// One for the steps of a longer job: it shows their progress alone; what they say goes to the log.
    pub(super) fn for_steps(&self) -> Self {
        Self { json: false, volume: Volume::Silent, ..self.clone() }
    }

    /// The log of what is said.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    fn caller(&self) -> Option<&Caller> {
        if let Shown::Told(caller) = &self.progress { Some(caller) } else { None }
    }

    /// Data: a result for the user or the next program. A newline is added.
    pub(super) fn data(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        if let Some(caller) = self.caller() {
            caller.result(text.as_ref());
            return Ok(());
        }
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_ref().as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    /// The result as one JSON object (with `--json`), else as text.
    pub(super) fn result(
        &self,
        json: impl FnOnce() -> serde_json::Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        self.data(if self.json { format!("{:#}", json()) } else { text() })
    }

    /// A large table for a program that called; nobody else gets it, and then it is not made.
    pub(super) fn table(&self, table: impl FnOnce() -> Table) {
        if let Some(caller) = self.caller() {
            caller.table(table());
        }
    }

    /// Talk: what is being done.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        self.talk(Volume::Usual, text.as_ref(), Said::Step);
    }

    /// Talk for those who asked for more.
    pub(super) fn detail(&self, text: impl AsRef<str>) {
        self.talk(Volume::Verbose, text.as_ref(), Said::Detail);
    }

    /// Something the user should know.
    pub(super) fn notice(&self, notice: &Notice) {
        self.log.keep(&format!("notice: {notice}"));
        if self.volume < Volume::Quiet {
            return;
        }
        match self.caller() {
            Some(caller) => caller.tell(Said::Notice(notice.to_string())),
            None => to_stderr(&format!("{NOTICE}notice:{NOTICE:#} {notice}")),
        }
    }

    /// Progress with a time estimate: a bar on a terminal, now and then a line elsewhere and with `-v`, nothing when quiet.
    /// Where a program called, its interrupt ends the work at the next step of the bar.
    pub(super) fn bar(&self, what: &'static str, of: u64) -> Bar {
        Bar::new(what, of, self.progress.clone())
    }

    /// The same for work that looks for an interrupt itself and ends in good order.
    pub(super) fn orderly_bar(&self, what: &'static str, of: u64) -> Bar {
        Bar::new(what, of, self.progress.clone()).orderly()
    }

    fn talk(&self, least: Volume, text: &str, said: fn(String) -> Said) {
        self.log.keep(text);
        if self.volume < least {
            return;
        }
        match self.caller() {
            Some(caller) => caller.tell(said(text.to_owned())),
            None => to_stderr(text),
        }
    }
}

/// A line of progress: not worth a place in the log.
pub(super) fn progress_line(text: &str) {
    to_stderr(text);
}

/// Prints an error with its hint; returns the exit code.
pub(super) fn print_error(error: &CliError) -> u8 {
    log::keep(&format!("error: {error}"));
    to_stderr(&format!("{ERROR}error:{ERROR:#} {error}"));
    if let Some(hint) = hints::hint(error) {
        log::keep(&format!("hint: {hint}"));
        to_stderr(&format!("\n{HINT}hint:{HINT:#} {hint}"));
    }
    2
}

/// A panic is a fault of this program: says so, with what a report of it needs. The exit code is 101.
pub(super) fn report_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let command: Vec<String> = std::env::args().collect();
        let mut lines = vec![
            format!("{ERROR}error:{ERROR:#} this is a bug in grn: {panic}"),
            format!("  version {}, command `{}`", env!("CARGO_PKG_VERSION"), command.join(" ")),
        ];
        lines.extend(
            log::folder()
                .map(|f| f.join("manifest.json"))
                .filter(|m| m.exists())
                .map(|m| format!("  manifest {}", m.display())),
        );
        lines.push(format!(
            "\n{HINT}hint:{HINT:#} please report it with the lines above; `RUST_BACKTRACE=1` adds where it happened"
        ));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            lines.push(trace.to_string());
        }
        let text = lines.join("\n");
        log::keep(&text);
        to_stderr(&text);
    }));
}

/// For the whole process, errors of the arguments included.
fn choose_color(color: ColorArg) {
    match color {
        ColorArg::Auto => anstream::ColorChoice::Auto,
        ColorArg::Always => anstream::ColorChoice::Always,
        ColorArg::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// A reader of the talk that went away is no reason to stop.
fn to_stderr(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
