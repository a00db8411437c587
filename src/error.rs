//! What a command says besides its result: notices, and how it ended.
//!
//! Every room has its own error enum (`DataError`, `GraphError`, ...). Their `Display` says what happened, what was
//! expected and what was found; `cli::hints` adds the command that mends it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something a user should know that did not stop the work: printed, kept in the manifest, shown in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice(pub String);

impl Notice {
    /// A notice with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a command ended, when it ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done (exit code 0).
    Done,
    /// The work was done and a check said no (exit code 1).
    CheckFailed,
    /// Interrupted, with a checkpoint written (exit code 130).
    Interrupted,
}

impl ExitStatus {
    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CheckFailed => 1,
            Self::Interrupted => 130,
        }
    }
}

/// The beginning of the names of temporary files: a process that is killed leaves them behind, and they tell whose they were.
pub(crate) fn temporary_prefix() -> String {
    format!(".grn-{:08x}-{}-", place(), std::process::id())
}

/// Whether a name is that of a temporary file whose process has ended: one of this machine and container, as others may
/// work in the same folder (known on Linux alone, elsewhere never).
pub(crate) fn is_stale(name: &str) -> bool {
    let process = name.strip_prefix(&format!(".grn-{:08x}-", place())).and_then(|rest| rest.split_once('-'));
    let process = process.and_then(|(number, _)| number.parse::<u32>().ok());
    let processes = std::path::Path::new("/proc");
    process.is_some_and(|p| processes.join("self").exists() && !processes.join(p.to_string()).exists())
}

/// The boot of the machine and the space in which numbers of processes are given out, hashed.
fn place() -> u32 {
    let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let bytes = boot.iter().chain(space.as_os_str().as_encoded_bytes());
    bytes.fold(0x811c_9dc5, |h: u32, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

/// At most `limit` names joined by commas, with the number left out: the form used in every message.
///
/// ```
/// assert_eq!(grn::error::some_of(["A", "B", "C"], 2), "`A`, `B` and 1 more");
/// ```
pub fn some_of<S: AsRef<str>>(names: impl IntoIterator<Item = S>, limit: usize) -> String {
    let names: Vec<S> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(limit).map(|n| format!("`{}`", n.as_ref())).collect();
    match names.len().saturating_sub(limit) {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}
