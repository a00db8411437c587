//! Which test, which means, which correction.

use crate::stats::PMethod;

/// What a perturbation is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Against {
    /// The control cells.
    #[default]
    Control,
    /// All other cells, the control among them; the control is tested as well (pdex mode `all`).
    Rest,
}

/// The test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Mann and Whitney's U; the statistic is U of the perturbed cells.
    MannWhitney(PMethod),
    /// Student's t with pooled variance.
    Student,
    /// Welch's t with a variance per group.
    Welch,
}

/// Which mean of the cells is reported and turned into a fold change; always of expression, not of its logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mean {
    /// expm1 of the mean of log1p values.
    #[default]
    Geometric,
    /// The mean of expm1 of log1p values, or of the values where they are no logarithms.
    Arithmetic,
}

/// Which tests are kept; the others are left out of the correction and of the table.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Keep {
    /// All.
    #[default]
    All,
    /// Genes above this share of all expression, in counts per million, in the perturbed cells or in those they are
    /// compared with (pooled over cells).
    PooledCpm(f64),
    /// Genes whose reported mean in the cells compared with is above this.
    ReferenceMean(f64),
}

/// Over which tests the false discovery rate is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FdrScope {
    /// The genes of one perturbation (pdex 0.2 and later).
    #[default]
    PerTarget,
    /// All genes of all perturbations at once (pdex 0.1).
    Table,
}

/// How means become a fold change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FoldChange {
    /// (m_t + e) / (m_c + e); 0/0 counts as no change. With e = 0 a one-sided zero gives an infinite log.
    Epsilon(f64),
    /// m_t / m_c, but c where the control is zero, 1/c where the target is zero, 1 where both are.
    Clip(f64),
}

/// How genes are tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeOptions {
    /// What perturbations are compared with.
    pub against: Against,
    /// The test.
    pub test: Test,
    /// The mean.
    pub mean: Mean,
    /// Fold change of the means.
    pub fold_change: FoldChange,
    /// Tests that are kept.
    pub keep: Keep,
    /// Scope of the correction.
    pub fdr: FdrScope,
}

impl DeOptions {
    /// What cell-eval 0.8.2 asks of pdex 0.3.0.
    pub const CELL_EVAL: Self = Self {
        against: Against::Control,
        test: Test::MannWhitney(PMethod::Asymptotic),
        mean: Mean::Geometric,
        fold_change: FoldChange::Epsilon(0.0),
        keep: Keep::All,
        fdr: FdrScope::PerTarget,
    };
}

impl Default for DeOptions {
    fn default() -> Self {
        Self::CELL_EVAL
    }
}

impl FoldChange {
    /// The ratio of two means.
    pub fn fold_change(self, target: f64, control: f64) -> f64 {
        match self {
            Self::Epsilon(e) if target + e == 0.0 && control + e == 0.0 => 1.0,
            Self::Epsilon(e) => (target + e) / (control + e),
            Self::Clip(_) if target == 0.0 && control == 0.0 => 1.0,
            Self::Clip(clip) if control == 0.0 => clip,
            Self::Clip(clip) if target == 0.0 => 1.0 / clip,
            Self::Clip(_) => target / control,
        }
    }

    /// Change relative to the control; 0/0 is no change.
    pub fn percent_change(self, target: f64, control: f64) -> f64 {
        let epsilon = if let Self::Epsilon(e) = self { e } else { 0.0 };
        if target == control { 0.0 } else { (target - control) / (control + epsilon) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_changes_of_zeros_are_defined() {
        let t = |rule: FoldChange, target: f64, control: f64, expected: f64| {
            assert_eq!(rule.fold_change(target, control), expected, "{rule:?} {target} {control}");
        };
        t(FoldChange::Epsilon(0.0), 0.0, 0.0, 1.0);
        t(FoldChange::Epsilon(0.0), 1.0, 0.0, f64::INFINITY);
        t(FoldChange::Epsilon(1.0), 3.0, 1.0, 2.0);
        t(FoldChange::Clip(20.0), 1.0, 0.0, 20.0);
        t(FoldChange::Clip(20.0), 0.0, 1.0, 0.05);
        t(FoldChange::Clip(20.0), 0.0, 0.0, 1.0);
        assert_eq!(FoldChange::Epsilon(0.0).percent_change(0.0, 0.0), 0.0);
        assert_eq!(FoldChange::Epsilon(0.0).percent_change(3.0, 2.0), 0.5);
    }
}
