//! The metrics of a cross-validation, in table order.

/// A metric of an out-of-fold prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CvMetric {
    /// Average precision of the predicted values on the genes that change significantly.
    AveragePrecision,
    /// Pearson correlation over genes of prediction - m and truth - m.
    CentredR,
    /// Share of the other perturbations of the fold whose truth is farther from the prediction than its own truth.
    Discrimination,
    /// Pearson correlation over genes of prediction and truth.
    PearsonDelta,
    /// Euclidean distance of prediction and truth divided by that of m and truth.
    L2Ratio,
}

impl CvMetric {
    /// Every metric in table order.
    pub const ALL: [Self; 5] =
        [Self::AveragePrecision, Self::CentredR, Self::Discrimination, Self::PearsonDelta, Self::L2Ratio];

    /// Name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::AveragePrecision => "ap",
            Self::CentredR => "centred_r",
            Self::Discrimination => "disc",
            Self::PearsonDelta => "pearson_delta",
            Self::L2Ratio => "l2_ratio",
        }
    }

    /// The metric of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether larger values are better.
    pub fn higher_is_better(self) -> bool {
        self != Self::L2Ratio
    }
}
