//! Statistics on plain slices and matrices: random numbers, correlation, linear algebra, tests.

mod correlation;
mod linalg;
mod rng;

pub use self::correlation::{average_ranks, cosine, pearson, spearman};
pub use self::linalg::{LinalgError, Pca, pca, solve_spd, symmetric_eigen};
pub use self::rng::Rng;
