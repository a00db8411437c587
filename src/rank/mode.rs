//! What is thought to have been done, and whether the candidate's own expression may be used.

use std::fmt;

use super::RankError;

/// What is thought to have been done to the upstream gene, relative to the training perturbations (knockdowns).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The same as in training.
    #[default]
    Knockdown,
    /// The activity is lowered and the expression need not be: as knockdown without the own reading.
    Inhibition,
    /// The opposite of the training perturbations.
    Activation,
    /// Either: the better of knockdown and activation counts.
    Any,
}

impl Mode {
    /// Signs by which the query is multiplied.
    pub(super) fn signs(self) -> &'static [f32] {
        match self {
            Self::Knockdown | Self::Inhibition => &[1.0],
            Self::Activation => &[-1.0],
            Self::Any => &[1.0, -1.0],
        }
    }

    /// # Errors
    /// [`RankError::OwnReading`] where the own reading is asked for and the mode says nothing about it.
    pub(super) fn check(self, own: Own) -> Result<(), RankError> {
        match (self, own) {
            (Self::Inhibition | Self::Any, Own::Used) => Err(RankError::OwnReading { mode: self }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Knockdown => "knockdown",
            Self::Inhibition => "inhibition",
            Self::Activation => "activation",
            Self::Any => "any",
        })
    }
}

/// The candidate's own expression in the query: the surest sign of a knockdown, and no evidence about regulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Own {
    /// The score of a gene is no function of the change of that gene.
    #[default]
    Excluded,
    /// It counts.
    Used,
}

impl Own {
    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Used => "used",
        }
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
