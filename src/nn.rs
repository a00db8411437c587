//! Neural building blocks on candle: variables, layers whose gradients arrive, sparse products, losses, optimiser.
//!
//! Nothing here knows a gene. Several layers of `candle-nn` drop gradients without a word and its CPU generator cannot
//! be seeded, so the few layers that models need are written here, each with a numeric gradient check, and every random
//! number comes from [`crate::stats::Rng`].

mod adamw;
mod attention;
mod clip;
#[cfg(any(feature = "cuda", test))]
mod cuda;
mod decoder;
mod device;
mod error;
mod linear;
mod loss;
mod mlp;
mod rms_norm;
mod schedule;
mod sparse;
mod sparse_features;
mod torch;
mod variables;

pub use self::adamw::{AdamW, AdamWSettings};
pub use self::attention::Neighbourhoods;
pub use self::clip::{clip_factor, gradient_norm};
pub use self::decoder::gene_decoder;
pub use self::device::{Device, device_name, parse_device};
pub use self::error::NnError;
pub use self::linear::Linear;
pub use self::loss::{ElementLoss, LossKind};
pub use self::mlp::Mlp;
pub use self::rms_norm::rms_norm;
pub use self::schedule::Schedule;
pub use self::sparse::SparseMatrix;
pub use self::sparse_features::SparseFeatures;
pub use self::torch::read_torch_tensors;
pub use self::variables::Variables;

#[cfg(test)]
pub(crate) mod gradient_check;
