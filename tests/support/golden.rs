//! Files of other programs' scores, where they are at hand.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use grn::data::Scale;
use grn::io::{ScreenOptions, read_screen};
use grn::score::LogCells;

const GOLDEN: &str = "../shared/data/golden_scoring";

/// The path of a golden file; `None`, said on stdout, where it is absent.
pub(crate) fn golden(path: &str) -> Option<PathBuf> {
    let path = Path::new(GOLDEN).join(path);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// The cells of a file, in the scale given.
pub(crate) fn cells(path: &Path, scale: Scale) -> LogCells {
    let options = ScreenOptions { scale: Some(scale), ..ScreenOptions::default() };
    LogCells::new(&read_screen(path, &options).unwrap().0).unwrap()
}
