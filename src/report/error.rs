//! Errors of the report room.

use thiserror::Error;

use crate::graph::GraphError;

/// What can go wrong while a figure or a report is made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The gene to draw around is not in the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Nothing to draw.
    #[error("nothing to draw in the {figure}\n  expected {expected}, got {got}")]
    Empty {
        /// Which figure.
        figure: &'static str,
        /// What it needs.
        expected: String,
        /// What there was.
        got: String,
    },
    /// More than a figure can show.
    #[error("too many {what} for this layout\n  expected at most {most}, got {got}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many can be shown.
        most: usize,
        /// How many there are.
        got: usize,
    },
    /// The drawing library refused.
    #[error("cannot draw the figure: {reason}")]
    Drawing {
        /// What it says.
        reason: String,
    },
}

impl ReportError {
    /// A refusal of the drawing library.
    pub(super) fn drawing(error: impl std::fmt::Display) -> Self {
        Self::Drawing { reason: error.to_string() }
    }
}
