//! Kernel ridge regression on learned similarity of targets: what [`super::graph_kernel`] and [`super::grn`] share.

mod channel;
mod family;
mod layers;
mod learned;
mod loss;
mod memo;
mod regulation;
mod ridge;
mod rows;
mod similarity;
mod walk;
mod weights;

pub(super) use self::layers::Layers;
pub(super) use self::learned::{Kernel, StoredKernel};
pub(super) use self::loss::loss;
pub(super) use self::ridge::{Ridge, penalties};
pub(super) use self::rows::Rows;
pub(super) use self::similarity::{Kind, Similarity, View};
