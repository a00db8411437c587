//! Errors of the config room.

use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A settings file that cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Text that is not TOML, or a setting that does not exist or has the wrong type.
    #[error("{from}: {reason}")]
    Invalid {
        /// The file or variable.
        from: String,
        /// What the reader says, with line and column for files.
        reason: String,
    },
}
