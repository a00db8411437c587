//! Statistics on plain slices and matrices: random numbers, correlation, linear algebra, tests.

mod average_precision;
mod correlation;
mod distance_correlation;
mod distances;
mod fdr;
mod forest;
mod lbfgs;
mod leiden;
mod linalg;
mod mersenne;
mod moments;
mod mutual_information;
mod neighbour_graph;
mod numpy;
mod ranksum;
mod rng;
mod sinkhorn;
mod theil_sen;

pub use self::average_precision::average_precision;
pub use self::correlation::{average_ranks, cosine, pearson, spearman};
pub use self::distance_correlation::{Centred, Distances, distance_correlation};
pub use self::distances::squared_distances;
pub use self::fdr::benjamini_hochberg;
pub use self::forest::{Forest, ForestOptions, ForestTables};
pub use self::lbfgs::minimise;
pub use self::leiden::{WeightedGraph, leiden};
pub use self::linalg::{LinalgError, Pca, eigenvalues, inverse_spd, pca, solve, solve_spd, symmetric_eigen};
pub use self::mersenne::MersenneTwister;
pub use self::moments::{CentralMoments, PowerSums};
pub use self::mutual_information::adjusted_mutual_information;
pub use self::neighbour_graph::fuzzy_neighbour_graph;
pub use self::numpy::{NumpyRng, seed_sequence};
pub use self::ranksum::{Around, PMethod, RankSum, RankSums};
pub use self::rng::Rng;
pub use self::sinkhorn::{sinkhorn_cost, sinkhorn_potential};
pub use self::theil_sen::TheilSen;
