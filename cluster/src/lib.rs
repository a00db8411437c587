//! Grouped moments of very large single-cell Parquet: one plan, run by DataFusion in this process or by a Ballista cluster.
//!
//! Rows are cells with lists of gene tokens and counts (as Tahoe-100M stores them). The plan groups them by their labels
//! and adds up, per group and gene, the powers of log1p expression with the aggregate function [`grn_moments`]. Its state
//! is small, mergeable and spills; so the plan is the same for one core and for a cluster.
//!
//! [`grn_moments`]: functions::MOMENTS

pub mod cluster;
pub mod engine;
mod error;
pub mod files;
pub mod functions;
pub mod plan;
pub mod rows;
pub mod sums;
pub mod table;
pub mod tokens;

pub use self::error::ClusterError;
