//! Published data sets: which there are, under which terms, and how their files arrive whole.
//!
//! A file is collected beside its final name (`FILE.part`), continued by range requests however often the connection or the
//! process dies, checked as a whole, and renamed: no file under a final name is ever partial.

mod catalogue;
mod checksum;
mod claims;
mod crc32c;
mod error;
mod http;
mod part;
mod present;
mod transfer;

pub use self::catalogue::{DATA_SETS, DataFile, DataSet, Terms, data_set, with_base};
pub use self::checksum::{Checksum, SumKind};
pub use self::error::FetchError;
pub use self::present::{Arrived, Verified, fetch_file};
pub use self::transfer::{FetchJob, FetchLimits, FetchStep};
