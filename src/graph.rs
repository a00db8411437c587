//! The directed gene graph: what earlier work says about which gene acts on which.

mod adjacency;
mod builder;
mod channels;
mod coexpression;
mod coverage;
mod derived;
mod edge;
mod error;
mod gene_graph;
mod gene_sets;
mod hops;
mod neighborhood;
mod paths;
mod prune;
mod summary;

pub mod propagate;

pub use self::adjacency::{Normalisation, SparseAdjacency, Weights};
pub use self::builder::GraphBuilder;
pub use self::coexpression::{Coexpressed, Coexpression, CoexpressionOptions, ControlCells};
pub use self::coverage::Coverage;
pub use self::edge::{ChannelId, Edge, Evidence, Sign};
pub use self::error::GraphError;
pub use self::gene_graph::GeneGraph;
pub use self::gene_sets::{Connected, GeneSets, Overlap, OverlapOptions};
pub use self::neighborhood::{Neighbor, Neighborhood};
pub use self::paths::GenePath;
pub use self::summary::{ChannelSummary, Degrees, GraphSummary, Hub};
