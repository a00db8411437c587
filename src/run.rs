//! The run directory: everything a fit leaves behind, as text and safetensors, never pickles.
//!
//! ```text
//! manifest.json   versions, arguments, seed, inputs with hashes, outputs, notices, seconds, peak memory
//! config.toml     effective settings; `grn fit --config RUN/config.toml` repeats the run
//! genes.tsv split.tsv graph.tsv.gz responses.h5ad model/      all that `predict` and `rank` need
//! metrics.jsonl   {"t","step","split","name","value"}, append-only
//! log.txt         all that the command had to say, whatever was shown
//! checkpoints/    state of an interrupted fit
//! ```

mod directory;
mod error;
mod event_file;
mod manifest;
mod recorder;

pub use self::directory::RunDir;
pub use self::error::RunError;
pub use self::event_file::write_events;
pub use self::manifest::{Input, Manifest, Status, peak_rss_bytes};
pub use self::recorder::{MetricRow, Recorder, read_metrics};
