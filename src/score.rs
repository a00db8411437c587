//! Judging predictions: cells against cells, out-of-fold changes against measured ones, and differential expression.
//!
//! Adding a metric = one file under `src/score/metric/`, its `mod` line and its entry in [`METRICS`].

mod anchors;
mod baseline;
mod bulk;
mod ceiling;
mod checks;
mod comparison;
pub mod course;
mod cv;
mod de;
mod error;
mod log_cells;
mod metric;
mod profile;
mod resample;
mod scale;
mod scorecard;
mod summary;
mod table;

pub use self::anchors::{Anchor, Scaling};
pub use self::baseline::{mean_profile, relative_to_baseline};
pub use self::ceiling::{Ceiling, CeilingRow, ceiling, spearman_brown};
pub use self::checks::checks;
pub use self::comparison::{Comparison, Side, SideCells, Tested};
pub use self::cv::{
    Bootstrap, CvMetric, CvRow, CvScores, Interval, Paired, Stratum, ceiling_scores, cv_row, cv_scores, paired,
    terciles,
};
pub use self::de::{
    Against, DeOptions, DeRow, DeTable, Effects, FdrScope, FoldChange, Keep, Mean, OnTarget, Test,
    differential_expression, on_target,
};
pub use self::error::ScoreError;
pub use self::log_cells::{GeneColumn, LogCells, Stored, Units};
pub use self::metric::{Best, Evaluate, METRICS, Metric, Needs, Values, metric};
pub use self::profile::{Controls, PROFILES, Preparation, Profile, profile};
pub use self::scale::{ScaledScores, scale};
pub use self::scorecard::{Row, ScoreOptions, Scorecard, score};
pub use self::summary::Summary;
pub use self::table::{write_aggregate, write_ceiling, write_ceiling_results, write_de, write_results};
