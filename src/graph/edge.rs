//! One directed edge and the evidence for it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::data::GeneId;

/// What a regulator does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// More regulator, more target.
    Activation,
    /// More regulator, less target.
    Repression,
    /// Not known, or both have been reported.
    #[default]
    Unknown,
}

impl Sign {
    /// 1, -1 or 0.
    pub fn value(self) -> f32 {
        match self {
            Self::Activation => 1.0,
            Self::Repression => -1.0,
            Self::Unknown => 0.0,
        }
    }

    /// `+`, `-` or `.`, as graph tables write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Activation => "+",
            Self::Repression => "-",
            Self::Unknown => ".",
        }
    }

    /// The sign of a number; 0 and NaN are unknown.
    pub fn of(value: f32) -> Self {
        match value {
            v if v > 0.0 => Self::Activation,
            v if v < 0.0 => Self::Repression,
            _ => Self::Unknown,
        }
    }

    /// Two reports of the same edge: a known sign wins over none, a contradiction is unknown.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, known) | (known, Self::Unknown) => known,
            (a, b) if a == b => a,
            _ => Self::Unknown,
        }
    }
}

/// Position of an evidence channel in its graph (`string.experiments`, `collectri`, `coexpression`, ...).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u16);

/// Scores by channel, each 0..=1, ascending by channel.
pub type Evidence = SmallVec<[(ChannelId, f32); 4]>;

/// A directed edge from a regulator (or partner) to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The regulator.
    pub source: GeneId,
    /// The gene acted on.
    pub target: GeneId,
    /// Confidence, 0..=1; the sign is kept apart.
    pub weight: f32,
    /// Activation, repression or unknown.
    pub sign: Sign,
    /// Where the edge comes from.
    pub evidence: Evidence,
}
