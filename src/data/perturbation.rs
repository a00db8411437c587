//! What was done to a cell.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::DataError;

/// How a gene was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Intervention {
    /// Lower expression (CRISPRi, RNAi).
    #[default]
    Knockdown,
    /// No functional product (CRISPR cut).
    Knockout,
    /// Higher expression (CRISPRa, overexpression).
    Activation,
}

/// The genes a perturbation acts on, sorted; none means control.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Perturbation {
    targets: SmallVec<[Arc<str>; 2]>,
}

impl Perturbation {
    /// The control: nothing was perturbed.
    pub fn control() -> Self {
        Self { targets: SmallVec::new() }
    }

    /// A perturbation of these genes; repeated and empty names are dropped, order does not matter.
    pub fn of<S: AsRef<str>>(targets: impl IntoIterator<Item = S>) -> Self {
        let mut targets: SmallVec<[Arc<str>; 2]> =
            targets.into_iter().filter(|t| !t.as_ref().is_empty()).map(|t| Arc::from(t.as_ref())).collect();
        targets.sort();
        targets.dedup();
        Self { targets }
    }

    /// Reads `A`, `A+B`, `A+ctrl`, `ctrl`: genes joined by `+`, parts equal to `control` mean nothing was done.
    ///
    /// # Errors
    /// [`DataError::TooManyTargets`] for more than two genes.
    ///
    /// # Example
    /// ```
    /// use grn::data::Perturbation;
    /// let pair = Perturbation::parse("STAT1 + JAK2", "ctrl")?;
    /// assert_eq!(pair.to_string(), "JAK2+STAT1");
    /// assert!(Perturbation::parse("ctrl", "ctrl")?.is_control());
    /// # Ok::<(), grn::data::DataError>(())
    /// ```
    pub fn parse(label: &str, control: &str) -> Result<Self, DataError> {
        let label = label.trim();
        if label == control {
            return Ok(Self::control());
        }
        let parts = label.split('+').map(str::trim).filter(|p| *p != control && *p != "ctrl");
        let perturbation = Self::of(parts);
        match perturbation.targets.len() {
            0..=2 => Ok(perturbation),
            got => Err(DataError::TooManyTargets { label: label.to_owned(), got }),
        }
    }

    /// The perturbed genes, sorted by name.
    pub fn targets(&self) -> &[Arc<str>] {
        &self.targets
    }

    /// Whether nothing was perturbed.
    pub fn is_control(&self) -> bool {
        self.targets.is_empty()
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() {
            return f.write_str("control");
        }
        f.write_str(&self.targets.join("+"))
    }
}

/// A perturbation in its context: cells of one condition are replicates of each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition {
    /// What was done.
    pub perturbation: Perturbation,
    /// The cell type, where the screen has several.
    pub cell_type: Option<Arc<str>>,
    /// The batch, where conditions are kept apart by batch.
    pub batch: Option<Arc<str>>,
}

impl Condition {
    /// A condition without cell type or batch.
    pub fn of(perturbation: Perturbation) -> Self {
        Self { perturbation, cell_type: None, batch: None }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.perturbation)?;
        for part in [&self.cell_type, &self.batch].into_iter().flatten() {
            write!(f, " | {part}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_the_field_writes_them() {
        let t = |label: &str| Perturbation::parse(label, "ctrl").unwrap().to_string();
        assert_eq!(t("A"), "A");
        assert_eq!(t("A+ctrl"), "A");
        assert_eq!(t("ctrl+A "), "A");
        assert_eq!(t("B+A"), "A+B");
        assert_eq!(t("A+A"), "A");
        assert_eq!(t("ctrl"), "control");
        assert!(matches!(Perturbation::parse("A+B+C", "ctrl"), Err(DataError::TooManyTargets { got: 3, .. })));
    }
}
