//! The directed gene graph: what earlier work says about which gene acts on which.

mod builder;
mod edge;
mod error;
mod gene_graph;

pub use self::builder::GraphBuilder;
pub use self::edge::{ChannelId, Edge, Evidence, Sign};
pub use self::error::GraphError;
pub use self::gene_graph::GeneGraph;
