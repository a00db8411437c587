//! Spreading over the graph: random walks with restart, and profiles of shared neighbours.

mod neighbours;
mod random_walk;

pub use self::neighbours::NeighbourProfiles;
pub use self::random_walk::{RandomWalk, random_walk, random_walk_from};
