//! HDF5 files that hold cells: what is inside, by rows and by columns.

mod chunk;
mod dense;
mod field;
mod file;
mod frame;
mod labels;
mod matrix;
mod numbers;
mod rows;
mod spill;
mod stream;
mod values;
mod write;

pub(super) use self::dense::rows_per_chunk;
pub use self::dense::{TableParts, TableRowNames, write_h5ad_parts};
pub(super) use self::file::H5File;
pub(super) use self::frame::Frame;
pub use self::labels::Labels;
pub(super) use self::matrix::{Layout, Matrix as StoredMatrix, blocks_of_entries, blocks_of_rows, places};
pub(super) use self::rows::{BLOCK_ROWS, DENSE_ENTRIES, MOST_AT_ONCE, Rows, sorted};
pub(super) use self::spill::{Spill, Spiller};
pub use self::stream::{RowsLayout, StreamedCells, write_h5ad_rows, write_h5ad_stream};
pub use self::write::write_h5ad;
