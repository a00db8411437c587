//! Settings in layers: flags > `GRN_*` > `--config FILE` > `grn.toml` of the folder > that of the user > defaults. Arrays
//! replace each other, they are not joined.

mod error;
mod layers;
mod settings;

pub use self::error::ConfigError;
pub use self::layers::{Layers, Source};
pub use self::settings::{CvSettings, DataSettings, FetchSettings, GraphSettings, Settings};
