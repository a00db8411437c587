//! Every file format, readers and writers alike.

mod accumulate;
mod anndata;
mod atomic;
mod cells;
mod detect;
mod error;
mod folds;
mod genes;
mod h5ad;
mod mtx;
mod network;
mod perturbations;
mod prior;
mod pseudobulk;
mod scale;
mod screen;
mod table;
mod tenx;
mod text;

pub use self::accumulate::pseudobulk_of;
pub use self::anndata::{AnnData, Column, Matrix};
pub use self::atomic::write_atomic;
pub use self::cells::{CellFile, open_cells};
pub use self::error::IoError;
pub use self::folds::read_folds;
pub use self::h5ad::write_h5ad;
pub use self::network::{NETWORK_FORMATS, NetworkFormat, write_network};
pub use self::prior::{PriorOptions, PriorSummary, PriorsRead, read_graph, read_priors, write_graph};
pub use self::pseudobulk::write_pseudobulk;
pub use self::scale::ScaleGuess;
pub use self::screen::{ScreenFile, ScreenOptions, check_control, label_cells, open_screen, read_screen};
pub use self::table::{InputSummary, TableRead, read_table};
