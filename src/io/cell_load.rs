//! The TOML in which cell-load (the loader of STATE) describes a split.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::IoError;
use crate::error::some_of;

/// `[datasets]`, `[training]`, `[zeroshot]` and `[fewshot]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitToml {
    /// Files or folders of each data set: paths with `*`, `?` and `{a,b}`.
    #[serde(default)]
    pub datasets: BTreeMap<String, String>,
    /// Data sets that are learned from (`train`).
    #[serde(default)]
    pub training: BTreeMap<String, String>,
    /// Cell types (`dataset.celltype`) all of whose perturbations are `val` or `test`.
    #[serde(default)]
    pub zeroshot: BTreeMap<String, String>,
    /// Perturbations of cell types that are not learned from.
    #[serde(default)]
    pub fewshot: BTreeMap<String, FewShot>,
}

/// Perturbations of one cell type; all others are learned from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewShot {
    /// For validation.
    #[serde(default)]
    pub val: Vec<String>,
    /// For the test.
    #[serde(default)]
    pub test: Vec<String>,
}

impl SplitToml {
    /// Reads a split.
    ///
    /// # Errors
    /// [`IoError::Format`] with what the parser says, for other words than `train`, `val` and `test`, and for a data set that
    /// is not listed.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let text = std::fs::read_to_string(path).map_err(|e| IoError::read(path, e))?;
        let split: Self = toml::from_str(&text).map_err(|e| {
            let tables = "the tables `datasets`, `training`, `zeroshot` and `fewshot` of cell-load";
            IoError::format(path, "", tables, e.to_string().trim_end())
        })?;
        for (name, word) in &split.training {
            if word != "train" {
                return Err(IoError::format(path, format!("training.{name}"), "`train`", format!("`{word}`")));
            }
        }
        for (name, word) in &split.zeroshot {
            if word != "val" && word != "test" {
                return Err(IoError::format(path, format!("zeroshot.{name}"), "`val` or `test`", format!("`{word}`")));
            }
        }
        let known = |key: &str| split.datasets.keys().any(|name| key == name || cell_type(key, name).is_some());
        let mut keys = split.training.keys().chain(split.zeroshot.keys()).chain(split.fewshot.keys());
        match keys.find(|key| !known(key)) {
            None => Ok(split),
            Some(unknown) => {
                let known = some_of(split.datasets.keys(), 8);
                Err(IoError::format(path, "", format!("one of the data sets {known}"), format!("`{unknown}`")))
            }
        }
    }

    /// The data sets whose path leads to this file: the file itself, or a folder it lies in.
    pub fn datasets_of(&self, file: &Path) -> Vec<&str> {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let whole = file.to_string_lossy();
        let fits = |pattern: &str| {
            expand(pattern).iter().any(|one| {
                let path = Path::new(one);
                let absolute = path.canonicalize().unwrap_or_else(|_| std::path::absolute(path).unwrap_or(path.into()));
                let absolute = absolute.to_string_lossy().into_owned();
                file.ancestors().any(|part| matches(&absolute, &part.to_string_lossy())) || matches(&absolute, &whole)
            })
        };
        self.datasets.iter().filter(|(_, pattern)| fits(pattern)).map(|(name, _)| name.as_str()).collect()
    }

    /// The entries of `[zeroshot]` and `[fewshot]` of one data set by cell type.
    pub fn of_dataset(&self, dataset: &str) -> (BTreeMap<&str, &str>, BTreeMap<&str, &FewShot>) {
        let zero = self.zeroshot.iter().filter_map(|(k, word)| Some((cell_type(k, dataset)?, word.as_str())));
        let few = self.fewshot.iter().filter_map(|(k, few)| Some((cell_type(k, dataset)?, few)));
        (zero.collect(), few.collect())
    }
}

/// The cell type in `dataset.celltype`; cell types may hold points themselves.
fn cell_type<'a>(key: &'a str, dataset: &str) -> Option<&'a str> {
    key.strip_prefix(dataset)?.strip_prefix('.')
}

/// `a{b,c}d` as `abd` and `acd`; braces may follow each other and hold others.
pub(super) fn expand(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else { return vec![pattern.to_owned()] };
    let (mut depth, mut cuts, mut close) = (0, vec![open], None);
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => cuts.push(at),
            _ => {}
        }
        if depth == 0 {
            close = Some(at);
            break;
        }
    }
    // A brace that is never closed is a character like any other.
    let Some(close) = close else { return vec![pattern.to_owned()] };
    cuts.push(close);
    let (before, after) = (&pattern[..open], &pattern[close + 1..]);
    let parts = cuts.windows(2).map(|w| &pattern[w[0] + 1..w[1]]);
    parts.flat_map(|part| expand(&format!("{before}{part}{after}"))).collect()
}

/// Whether a path fits a pattern: `*` is any text without `/`, `?` one character of it.
fn matches(pattern: &str, text: &str) -> bool {
    fn from(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                from(&pattern[1..], text) || text.first().is_some_and(|&c| c != '/' && from(pattern, &text[1..]))
            }
            (Some('?'), Some(&c)) if c != '/' => from(&pattern[1..], &text[1..]),
            (Some(p), Some(c)) if p == c => from(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    from(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_and_stars_are_expanded() {
        assert_eq!(expand("a{b,c}{d,e}"), ["abd", "abe", "acd", "ace"]);
        assert_eq!(expand("a{b,c{d,e}}f"), ["abf", "acdf", "acef"]);
        assert_eq!(expand("a{b"), ["a{b"]);
        let t = |pattern: &str, text: &str, expected: bool| assert_eq!(matches(pattern, text), expected, "{pattern}");
        t("/d/*.h5", "/d/k562.h5", true);
        t("/d/*.h5", "/d/e/k562.h5", false);
        t("/d/k?62.h5", "/d/k562.h5", true);
        t("/d", "/d", true);
        t("/d", "/dd", false);
    }

    fn read(text: &str) -> Result<SplitToml, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("split.toml");
        std::fs::write(&path, text).unwrap();
        SplitToml::read(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn files_find_their_data_set() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("k562.h5");
        std::fs::write(&file, "").unwrap();
        let at = dir.path().display();
        let toml = format!("[datasets]\none = \"{at}/{{k562,rpe1}}.h5\"\nall = \"{at}\"\nother = \"{at}/*.h5ad\"\n");
        assert_eq!(read(&toml).unwrap().datasets_of(&file), ["all", "one"]);
    }

    #[test]
    fn cell_types_may_hold_points_and_wrong_words_are_refused() {
        let base = "[datasets]\na = \"x\"\n[training]\na = \"train\"\n";
        let split =
            read(&format!("{base}[zeroshot]\n\"a.T.cell\" = \"test\"\n[fewshot.\"a.B\"]\nval = [\"G1\"]\n")).unwrap();
        let (zero, few) = split.of_dataset("a");
        assert_eq!(zero.into_iter().collect::<Vec<_>>(), [("T.cell", "test")]);
        assert_eq!(few["B"].val, ["G1"]);
        let t = |more: &str, expected: &str| {
            let said = read(&format!("{base}{more}")).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        t("[zeroshot]\n\"a.T\" = \"tset\"\n", "zeroshot.a.T: expected `val` or `test`, got `tset`");
        t("[zeroshot]\n\"b.T\" = \"test\"\n", "expected one of the data sets `a`, got `b.T`");
        t("[fewshots]\n", "unknown field `fewshots`");
    }
}
