//! What the engines have to say.

use ::log::{LevelFilter, Log, Metadata, Record};

/// Name of the variable that sets how much is said: `error` (the default), `warn`, `info`, `debug`.
const VARIABLE: &str = "GRN_CLUSTER_LOG";

struct Stderr;

static STDERR: Stderr = Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        super::say(format!("[{}] {}: {}", std::process::id(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// Listens.
pub(super) fn begin() {
    let level = std::env::var(VARIABLE).ok().and_then(|level| level.parse::<LevelFilter>().ok());
    // There is no other logger in this program.
    let _ = ::log::set_logger(&STDERR);
    ::log::set_max_level(level.unwrap_or(LevelFilter::Off));
}
