//! Statistics on plain slices and matrices: random numbers, correlation, linear algebra, tests.

mod correlation;
mod linalg;
mod moments;
mod rng;

pub use self::correlation::{average_ranks, cosine, pearson, spearman};
pub use self::linalg::{LinalgError, Pca, pca, solve_spd};
pub use self::moments::{CentralMoments, PowerSums};
pub use self::rng::Rng;
