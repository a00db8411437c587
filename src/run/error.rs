//! Errors of the run room.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// What can be wrong with a run directory.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system refused.
    #[error("cannot {verb} `{}`: {source}", path.display())]
    System {
        /// `read`, `write` or `create`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder that is not a run directory, or a file of it that cannot be understood.
    #[error("`{}`: expected {expected}, got {got}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What a run directory holds there.
        expected: String,
        /// What was found.
        got: String,
    },
    /// There is no run yet.
    #[error("no finished run under `{}`", root.display())]
    NoRun {
        /// Where runs are looked for.
        root: PathBuf,
    },
}

impl RunError {
    /// A refusal of the system.
    pub(crate) fn system(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::System { verb, path, source }
    }
}
