//! Judging predictions.

mod cv;

pub use self::cv::{Bootstrap, CvMetric, CvRow, CvScores, Interval, ceiling_scores, cv_row, cv_scores};
