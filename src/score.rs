//! Judging predictions: cells against cells, out-of-fold changes against measured ones, and differential expression.
//!
//! Adding a metric = one file under `src/score/metric/`, its `mod` line and its entry in [`METRICS`].

mod baseline;
mod ceiling;
mod comparison;
mod cv;
mod de;
mod error;
mod log_cells;
mod metric;
mod profile;
mod scale;
mod scorecard;
mod summary;
mod table;

pub use self::baseline::{mean_profile, relative_to_baseline};
pub use self::ceiling::spearman_brown;
pub use self::comparison::{Comparison, Side};
pub use self::cv::{Bootstrap, CvMetric, CvRow, CvScores, Interval, ceiling_scores, cv_row, cv_scores};
pub use self::de::{DeOptions, DeTable, FdrScope, FoldChange, differential_expression};
pub use self::error::ScoreError;
pub use self::log_cells::LogCells;
pub use self::metric::{Best, METRICS, Metric, Values, metric};
pub use self::profile::{PROFILES, Profile, profile};
pub use self::scale::{ScaledScores, scale};
pub use self::scorecard::{Row, Scorecard, score};
pub use self::summary::Summary;
pub use self::table::{write_aggregate, write_de, write_results};
