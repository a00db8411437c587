//! Which files are read.

use std::path::{Path, PathBuf};

use grn::io::IoError;

use crate::ClusterError;

/// The Parquet files that these names mean, absolute: files, folders (all files in them that end in `.parquet`, sorted) and
/// names with `*` or `?` in their last part. Files in `but` are left out of folders and patterns.
///
/// # Errors
/// [`ClusterError::Io`] for what cannot be read; [`ClusterError::Usage`] for a folder or pattern without a file.
pub fn expand(names: &[PathBuf], but: &[PathBuf]) -> Result<Vec<PathBuf>, ClusterError> {
    let but = but.iter().filter_map(|path| path.canonicalize().ok()).collect::<Vec<PathBuf>>();
    let mut files = Vec::new();
    for name in names {
        let last = name.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let pattern = !name.exists() && last.contains(['*', '?']);
        if !name.is_dir() && !pattern {
            files.push(absolute(name)?);
            continue;
        }
        let folder =
            if pattern { name.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new(".")) } else { name };
        let last = if pattern { last } else { "*.parquet".to_owned() };
        let mut found = inside(folder, &last)?;
        found.retain(|path| !but.contains(path));
        if found.is_empty() {
            return Err(ClusterError::usage("FILE", "Parquet files", format!("`{}`, which has none", name.display())));
        }
        files.extend(found);
    }
    Ok(files)
}

fn absolute(path: &Path) -> Result<PathBuf, ClusterError> {
    path.canonicalize().map_err(|e| IoError::read(path, e).into())
}

/// Files of a folder whose name fits a pattern, sorted.
fn inside(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, ClusterError> {
    let failed = |e| ClusterError::from(IoError::read(folder, e));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_file() && fits(name.as_bytes(), pattern.as_bytes()) {
            found.push(absolute(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern of `*` and `?`.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    match (name, pattern) {
        ([], []) => true,
        (_, [b'*', rest @ ..]) => (0..=name.len()).any(|skip| fits(&name[skip..], rest)),
        ([_, name @ ..], [b'?', rest @ ..]) => fits(name, rest),
        ([a, name @ ..], [b, rest @ ..]) if a == b => fits(name, rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        let t = |name: &str, pattern: &str| fits(name.as_bytes(), pattern.as_bytes());
        assert!(t("cells-0.parquet", "*.parquet") && t("cells-0.parquet", "cells-?.*") && t("a", "a*"));
        assert!(!t("cells-10.parquet", "cells-?.parquet") && !t("cells.parquet.tmp", "*.parquet") && !t("", "?"));
    }

    #[test]
    fn folders_and_patterns_are_expanded_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.parquet", "a.parquet", "genes.parquet", "notes.txt"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let t = |name: &str| -> Vec<String> {
            let files = expand(&[dir.path().join(name)], &[dir.path().join("genes.parquet")]).unwrap();
            files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(t(""), ["a.parquet", "b.parquet"]);
        assert_eq!(t("?.parquet"), ["a.parquet", "b.parquet"]);
        assert_eq!(t("genes.parquet"), ["genes.parquet"]);
        assert!(expand(&[dir.path().join("*.csv")], &[]).is_err());
        assert!(expand(&[dir.path().join("none.parquet")], &[]).is_err());
    }
}
