//! Settings in layers: flags > `GRN_*` > settings file > defaults. Arrays replace, they are not joined.

mod error;
mod layers;
mod settings;

pub use self::error::ConfigError;
pub use self::layers::{Layers, Source};
pub use self::settings::{CvSettings, DataSettings, GraphSettings, Settings};
