//! Statistics on plain slices and matrices: random numbers, correlation, linear algebra, tests.

mod average_precision;
mod correlation;
mod fdr;
mod linalg;
mod moments;
mod numpy;
mod ranksum;
mod rng;

pub use self::average_precision::average_precision;
pub use self::correlation::{average_ranks, cosine, pearson, spearman};
pub use self::fdr::benjamini_hochberg;
pub use self::linalg::{LinalgError, Pca, inverse_spd, pca, solve_spd, symmetric_eigen};
pub use self::moments::{CentralMoments, PowerSums};
pub use self::numpy::{NumpyRng, seed_sequence};
pub use self::ranksum::{Around, PMethod, RankSum, RankSums};
pub use self::rng::Rng;
