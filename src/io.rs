//! Every file format, readers and writers alike.

mod anndata;
mod atomic;
mod error;
mod network;
mod prior;

pub use self::anndata::{AnnData, Column, Matrix};
pub use self::atomic::write_atomic;
pub use self::error::IoError;
pub use self::network::{NETWORK_FORMATS, NetworkFormat, write_network};
pub use self::prior::{PriorOptions, PriorSummary, PriorsRead, read_graph, read_priors, write_graph};
