//! Every file format, readers and writers alike.

mod accumulate;
mod aggregate;
mod anndata;
mod annotation;
mod atomic;
mod cell_counts;
mod cell_load;
mod cell_rows;
mod cells;
mod column;
mod copy;
mod detect;
mod drug_targets;
mod error;
mod features;
mod fetch;
mod folds;
mod genes;
mod h5ad;
mod lent;
mod mtx;
mod network;
mod parquet;
mod parquet_cells;
mod perturbations;
mod preset;
mod prior;
mod pseudobulk;
mod pseudobulk_files;
mod read_ahead;
mod scale;
mod screen;
mod table;
mod tahoe;
mod tenx;
mod text;
mod vcc;

pub use self::accumulate::pseudobulk_of;
pub use self::aggregate::read_mean_row;
pub use self::anndata::{AnnData, Column, Matrix};
pub use self::atomic::{remove_stale, write_atomic};
pub use self::cell_counts::read_cell_counts;
pub use self::cell_load::{FewShot, SplitToml};
pub use self::cells::{CellFile, open_cells, open_cells_with};
pub use self::column::{Coded, ColumnKind};
pub use self::copy::{CellFormat, Cells, Concat, CopyOptions, Join, Kept, write_cells};
pub use self::drug_targets::{DrugTargetsRead, read_drug_targets};
pub use self::error::IoError;
pub use self::features::{read_feature_tables, read_features, write_feature_tables};
pub use self::fetch::{
    Arrived, Checksum, DATA_SETS, DataFile, DataSet, FetchError, FetchJob, FetchLimits, FetchStep, SumKind, Terms,
    Verified, data_set, fetch_file, with_base,
};
pub use self::folds::{FoldRow, read_fold_rows, read_folds};
pub use self::genes::read_gene_list;
pub use self::h5ad::{
    Labels, RowsLayout, StreamedCells, TableParts, TableRowNames, write_h5ad, write_h5ad_parts, write_h5ad_rows,
    write_h5ad_stream,
};
pub use self::lent::{
    Lender, LentCells, LentFrame, LentLayout, LentMatrix, Loan, Numbers, Shared, is_lent, lend, lent_bytes, lent_file,
    lent_summary,
};
pub use self::network::{
    ACTIVATION, EdgeMark, GeneMark, NETWORK_FORMATS, NetworkDrawing, NetworkFormat, REPRESSION, Rgb, UNSIGNED,
    write_network,
};
pub use self::parquet::{ParquetKind, ParquetValues, write_parquet};
pub use self::preset::{PRESETS, Preset};
pub use self::prior::{PriorOptions, PriorSummary, PriorsRead, read_graph, read_priors, write_graph};
pub use self::pseudobulk::write_pseudobulk;
pub use self::pseudobulk_files::{Reduced, reduce_files};
pub use self::scale::ScaleGuess;
pub use self::screen::{ScreenFile, ScreenOptions, check_control, label_cells, open_screen, read_screen};
pub use self::table::{InputSummary, TableRead, read_table};
pub use self::tahoe::{Dropped, DrugExtraction, PairControl, PairOptions, TahoeOptions, TokenTable, extract_tahoe};
pub use self::vcc::write_vcc;
