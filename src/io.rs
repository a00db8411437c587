//! Every file format, readers and writers alike.

mod anndata;
mod atomic;
mod error;

pub use self::anndata::{AnnData, Column, Matrix};
pub use self::atomic::write_atomic;
pub use self::error::IoError;
