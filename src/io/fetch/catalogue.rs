//! The data sets that can be fetched.
//!
//! Addresses, sizes and checksums are those that the hosts publish, or that several users of the files record alike. Where
//! none is known, none is given: the file is then checked against what its host states while sending it.

mod gears;
mod priors;
mod replogle;
mod vcc;

use super::{Checksum, SumKind};

/// A published data set.
#[derive(Debug)]
pub struct DataSet {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a line.
    pub what: &'static str,
    /// Its files.
    pub files: &'static [DataFile],
    /// Under which terms it may be used.
    pub terms: &'static Terms,
    /// Commands that use it, with `DIR` for the folder it lies in.
    pub next: &'static [&'static str],
}

/// A file of a data set.
#[derive(Debug)]
pub struct DataFile {
    /// Name it gets.
    pub name: &'static str,
    /// Where it is published.
    pub url: &'static str,
    /// Size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Checksum as hexadecimal digits, where one is known.
    pub sum: Option<(SumKind, &'static str)>,
}

/// Terms of use, and whom to cite.
#[derive(Debug)]
pub struct Terms {
    /// The licence, or what is known of it.
    pub licence: &'static str,
    /// Where the terms can be read.
    pub read_at: &'static str,
    /// Publications to cite.
    pub cite: &'static [&'static str],
}

impl DataFile {
    /// The checksum, where one is known.
    pub fn checksum(&self) -> Option<Checksum> {
        let (kind, hex) = self.sum?;
        Checksum::of_hex(kind, hex)
    }
}

impl DataSet {
    /// Size of all files, where that of each is known.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The commands that use it from this folder.
    pub fn next_in(&self, folder: &str) -> Vec<String> {
        let folder = folder.trim_end_matches('/');
        self.next.iter().map(|command| command.replace("DIR", folder)).collect()
    }
}

/// All data sets, priors first, then screens.
pub const DATA_SETS: &[&DataSet] = &[
    &priors::STRING,
    &priors::STRING_DETAILED,
    &priors::COLLECTRI,
    &vcc::TRAIN,
    &vcc::VALIDATION,
    &vcc::TEST,
    &replogle::K562_ESSENTIAL,
    &replogle::K562_GWPS,
    &replogle::RPE1,
    &replogle::K562_ESSENTIAL_BULK,
    &replogle::K562_GWPS_BULK,
    &replogle::RPE1_BULK,
    &gears::NORMAN,
    &gears::ADAMSON,
    &gears::DIXIT,
    &gears::REPLOGLE_K562,
    &gears::REPLOGLE_RPE1,
];

/// The data set of this name.
pub fn data_set(name: &str) -> Option<&'static DataSet> {
    DATA_SETS.iter().copied().find(|set| set.name == name)
}

/// The address with another scheme and host: `base` is what a mirror puts before the path.
///
/// ```
/// let url = grn::io::with_base("https://a.org/x/y?z=1", Some("http://127.0.0.1:8000/mirror/"));
/// assert_eq!(url, "http://127.0.0.1:8000/mirror/x/y?z=1");
/// ```
pub fn with_base(url: &str, base: Option<&str>) -> String {
    let Some(base) = base else { return url.to_owned() };
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.split_once('/').map_or("", |(_, path)| path);
    format!("{}/{path}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn entries_are_sound() {
        let mut names = HashSet::new();
        for set in DATA_SETS {
            assert!(names.insert(set.name), "{} occurs twice", set.name);
            assert!(!set.files.is_empty() && !set.next.is_empty() && !set.terms.cite.is_empty(), "{}", set.name);
            assert!(set.terms.read_at.starts_with("https://"), "{}", set.name);
            for file in set.files {
                assert!(file.url.starts_with("https://") && !file.name.contains('/'), "{}", file.name);
                assert_eq!(file.checksum().is_some(), file.sum.is_some(), "checksum of {} cannot be read", file.name);
            }
        }
    }

    #[test]
    fn one_name_is_one_file() {
        let mut known = std::collections::HashMap::new();
        for file in DATA_SETS.iter().flat_map(|set| set.files) {
            assert_eq!(*known.entry(file.name).or_insert(file.url), file.url, "{}", file.name);
        }
    }

    #[test]
    fn a_base_replaces_the_host() {
        assert_eq!(with_base("https://a.org/b/c", None), "https://a.org/b/c");
        assert_eq!(with_base("https://a.org/b/c", Some("http://h:1")), "http://h:1/b/c");
        assert_eq!(with_base("https://a.org", Some("http://h/m")), "http://h/m/");
    }
}
