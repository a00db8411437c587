//! `--dry-run`: what a command would do, write and need.

mod cost;
mod survey;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub(super) use self::cost::{Cost, Work};
pub(super) use self::survey::Survey;
use super::args::ScreenArgs;
use super::error::CliError;
use super::progress::span;
use super::session::Session;
use crate::io::{ScreenFile, open_screen};

/// What a command would do.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    what: String,
    sizes: Vec<(&'static str, usize)>,
    writes: Vec<PathBuf>,
    cost: Option<Cost>,
    notes: Vec<(&'static str, String)>,
}

impl Plan {
    /// A plan in words: what follows `would`.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// How many of something.
    pub(super) fn size(mut self, name: &'static str, n: usize) -> Self {
        self.sizes.push((name, n));
        self
    }

    /// A file or folder that would be written.
    pub(super) fn writes(mut self, path: impl AsRef<Path>) -> Self {
        self.writes.push(path.as_ref().to_owned());
        self
    }

    /// One that is written only where it was asked for.
    pub(super) fn may_write(self, path: Option<&Path>) -> Self {
        match path {
            Some(path) => self.writes(path),
            None => self,
        }
    }

    /// A line of another kind, under a name of at most seven letters.
    pub(super) fn note(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.notes.push((name, text.into()));
        self
    }

    /// The memory and time it takes.
    pub(super) fn costs(mut self, cost: Cost) -> Self {
        self.cost = Some(cost);
        self
    }

    fn json(&self) -> Value {
        let sizes: serde_json::Map<_, _> = self.sizes.iter().map(|(k, n)| ((*k).to_owned(), json!(n))).collect();
        let notes: Vec<Value> = self.notes.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect();
        let mut plan = json!({
            "dry_run": true, "would": self.what, "sizes": sizes, "writes": self.writes,
            "memory_bytes": self.cost.map(|c| c.bytes.round() as u64), "seconds": self.cost.map(|c| c.secs),
        });
        if !notes.is_empty() {
            plan["notes"] = Value::Array(notes);
        }
        plan
    }

    fn text(&self, threads: usize) -> String {
        let mut lines = vec![format!("would {}", self.what)];
        if !self.sizes.is_empty() {
            let sizes: Vec<String> = self.sizes.iter().map(|(name, n)| format!("{n} {name}")).collect();
            lines.push(format!("sizes   {}", sizes.join(", ")));
        }
        if !self.writes.is_empty() {
            let paths: Vec<String> = self.writes.iter().map(|p| p.display().to_string()).collect();
            lines.push(format!("writes  {}", paths.join(", ")));
        }
        lines.extend(self.notes.iter().map(|(name, text)| format!("{name:<7} {text}")));
        if let Some(cost) = self.cost {
            lines.push(format!("memory  about {} at the peak", bytes(cost.bytes)));
            lines.push(format!("time    about {} with {threads} threads", span(cost.secs)));
        }
        lines.push("nothing was written".to_owned());
        lines.join("\n")
    }
}

/// `1.5 GB`, `40 MB`.
pub(super) fn bytes(n: f64) -> String {
    if n >= 1e9 { format!("{:.1} GB", n / 1e9) } else { format!("{:.0} MB", (n / 1e6).max(1.0)) }
}

impl Session {
    /// Whether a command has to make its plan before it starts: to print it, or to hold it against `--memory`.
    pub(super) fn plans(&self) -> bool {
        self.dry_run || self.memory.is_some()
    }

    /// Prints a plan as the result of the command, which then stops (true); or lets the command go on if it fits into
    /// `--memory`.
    ///
    /// # Errors
    /// A usage error where the plan needs more memory than it may take.
    pub(super) fn plan(&self, plan: &Plan) -> Result<bool, CliError> {
        if self.dry_run {
            self.printer.result(|| plan.json(), || plan.text(self.threads))?;
            return Ok(true);
        }
        match (self.memory, plan.cost) {
            (Some(memory), Some(cost)) if cost.bytes > memory as f64 => {
                let expected = format!("a job of at most {}", bytes(memory as f64));
                let got = format!("one of about {} ({})", bytes(cost.bytes), plan.what);
                let hint = Some("a larger `--memory`, or a smaller screen: `grn data subset`".to_owned());
                Err(CliError::usage("--memory", expected, got, hint))
            }
            _ => Ok(false),
        }
    }
}

/// Opens a screen for its sizes: labels are read, expression is not.
pub(super) fn open(session: &Session, path: &Path, options: &ScreenArgs) -> Result<ScreenFile, CliError> {
    let file = open_screen(path, &options.options()?)?;
    file.notices.iter().for_each(|n| session.printer.notice(n));
    Ok(file)
}

impl Work {
    /// A plan with the sizes of the screen.
    pub(super) fn sizes(&self, plan: Plan) -> Plan {
        plan.size("cells", self.cells).size("genes", self.genes).size("conditions", self.conditions)
    }
}
