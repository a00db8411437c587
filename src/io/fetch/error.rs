//! How a download can fail.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Checksum;

/// What can go wrong between a host and a file. Whatever was received is kept unless the message says otherwise.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection to the host.
    #[error("no connection to the host of `{url}`: {reason}")]
    Offline {
        /// The address asked for.
        url: String,
        /// The final name of the file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The host answers with an error.
    #[error("`{url}` answered {status}{}\n  expected 200 or 206", phrase(*status))]
    Status {
        /// The address asked for.
        url: String,
        /// The final name of the file.
        path: PathBuf,
        /// The HTTP status.
        status: u16,
    },
    /// The host wants to see a browser.
    #[error("`{url}`: expected the file, got a page for browsers (status {status})")]
    Page {
        /// The address asked for.
        url: String,
        /// The final name of the file.
        path: PathBuf,
        /// The HTTP status.
        status: u16,
    },
    /// An address, proxy or redirect that cannot be followed.
    #[error("`{url}` cannot be asked for: {reason}")]
    Request {
        /// The address asked for.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The connection was lost too often.
    #[error(
        "`{url}`: {reason}, {attempts} times in a row\n  expected {}, got {held} bytes; they are kept in `{}`",
        total.map_or("the whole file".to_owned(), |n| format!("{n} bytes")), part.display()
    )]
    GaveUp {
        /// The address asked for.
        url: String,
        /// What happened last.
        reason: String,
        /// How often in a row.
        attempts: u32,
        /// Bytes received so far.
        held: u64,
        /// Bytes of the file, where the host said so.
        total: Option<u64>,
        /// What was received.
        part: PathBuf,
    },
    /// The file at the host has another size than the published one.
    #[error("`{url}`: expected {expected} bytes, got {got}")]
    Size {
        /// The address asked for.
        url: String,
        /// The known size.
        expected: u64,
        /// What the host has.
        got: u64,
    },
    /// What arrived is not the file; it was deleted.
    #[error("`{}` arrived with a wrong checksum ({stated_by}) and was deleted\n  expected {expected}, got {got}", path.display())]
    Checksum {
        /// The final name of the file.
        path: PathBuf,
        /// Who states the checksum.
        stated_by: &'static str,
        /// The stated checksum.
        expected: Checksum,
        /// That of the bytes that arrived.
        got: Checksum,
    },
    /// A file of that name is there and is not the one that is fetched; it was left as it is.
    #[error("`{}` is there and differs from what would be fetched ({stated_by})\n  expected {expected}, got {got}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// Who states what it should be.
        stated_by: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// Another process writes the same file.
    #[error("another process has begun to fetch the same file: `{}` is in use", part.display())]
    Taken {
        /// What both write.
        part: PathBuf,
    },
    /// The host cannot make up its mind: the file changed again and again.
    #[error("`{url}` cannot be continued: {reason}, even from the start")]
    Unstable {
        /// The address asked for.
        url: String,
        /// What happened last.
        reason: String,
    },
    /// Stopped by the user.
    #[error("stopped{}", kept(*held, part))]
    Stopped {
        /// Bytes received so far.
        held: u64,
        /// What was received.
        part: PathBuf,
    },
}

/// Nothing is kept of what was not received.
fn kept(held: u64, part: &Path) -> String {
    if held == 0 { String::new() } else { format!("; {held} bytes are kept in `{}`", part.display()) }
}

/// The words that go with the usual statuses.
fn phrase(status: u16) -> &'static str {
    match status {
        400 => " (bad request)",
        401 => " (log in first)",
        403 => " (forbidden)",
        404 => " (not found)",
        408 => " (timeout)",
        410 => " (gone)",
        416 => " (range not satisfiable)",
        429 => " (too many requests)",
        500 => " (server error)",
        502 => " (bad gateway)",
        503 => " (unavailable)",
        504 => " (gateway timeout)",
        _ => "",
    }
}
