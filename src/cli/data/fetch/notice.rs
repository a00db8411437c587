//! Under which terms a data set may be used: said before the download, and kept beside the files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::fit::write_text;
use crate::io::{DataSet, FetchJob};

/// The terms in a few lines.
pub(super) fn text(set: &DataSet) -> String {
    let mut text = format!("{}: {}\n", set.name, set.what);
    let _ = writeln!(text, "licence  {}", set.terms.licence);
    let _ = write!(text, "terms    {}", set.terms.read_at);
    for cite in set.terms.cite {
        let _ = write!(text, "\ncite     {cite}");
    }
    text
}

/// Where they are kept.
pub(super) fn path(set: &DataSet, folder: &Path) -> PathBuf {
    folder.join(format!("{}.LICENCE.txt", set.name))
}

/// Keeps them beside the files, with where these are from and when they were fetched.
pub(super) fn write(set: &DataSet, jobs: &[FetchJob], folder: &Path) -> Result<(), CliError> {
    let mut kept = text(set);
    for job in jobs {
        let name = job.to.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let _ = write!(kept, "\nsource   {name} from {}", job.url);
    }
    let _ = writeln!(kept, "\nfetched  {}", jiff::Timestamp::now().strftime("%F %T UTC"));
    write_text(&path(set, folder), &kept)
}
