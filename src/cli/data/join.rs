//! Which genes several files have together.

use clap::ValueEnum;

use crate::io::Join;

/// `--join`: genes of a result of several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum JoinArg {
    /// The same genes in the same order in every file
    Exact,
    /// Genes that all files have
    Inner,
    /// Genes that any file has
    Outer,
}

impl From<JoinArg> for Join {
    fn from(arg: JoinArg) -> Self {
        match arg {
            JoinArg::Exact => Self::Exact,
            JoinArg::Inner => Self::Inner,
            JoinArg::Outer => Self::Outer,
        }
    }
}
