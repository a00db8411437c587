//! An open HDF5 file whose errors name the file and the element.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, Group, H5Type, Location};
use tempfile::TempPath;

use super::values::{Values, read_values};
use crate::io::IoError;

/// Bytes of decompressed chunks kept per dataset, as neighbouring blocks share the chunk at their border: few where
/// chunks are small, many where they are not or are tiles of a dense matrix.
const SMALL_CACHE: usize = 2 << 20;
const LARGE_CACHE: usize = 32 << 20;
/// Where sparse values may lie.
const SPARSE: [&str; 4] = ["X/data", "layers/counts/data", "raw/X/data", "matrix/data"];

/// An open file; elements are named by their path from the root.
#[derive(Debug, Clone)]
pub(in crate::io) struct H5File {
    /// Where the file is.
    pub(in crate::io) path: PathBuf,
    // Dropped before the file it lies in.
    root: Group,
    _unpacked: Option<Arc<TempPath>>,
}

impl H5File {
    /// Opens a file for reading.
    pub(in crate::io) fn open(path: &Path) -> Result<Self, IoError> {
        Self::open_at(path, path, None)
    }

    /// Opens what was unpacked from `path` to a temporary file, which lives as long as this and its copies.
    pub(in crate::io) fn open_unpacked(path: &Path, unpacked: TempPath) -> Result<Self, IoError> {
        let unpacked = Arc::new(unpacked);
        Self::open_at(path, &unpacked.clone(), Some(unpacked))
    }

    /// Opens the file `at`; errors call it `path`.
    fn open_at(path: &Path, at: &Path, unpacked: Option<Arc<TempPath>>) -> Result<Self, IoError> {
        let metadata = std::fs::metadata(at).map_err(|e| IoError::read(path, e))?;
        let mut start = [0u8; 8];
        let mut file = std::fs::File::open(at).map_err(|e| IoError::read(path, e))?;
        let read = std::io::Read::read(&mut file, &mut start).map_err(|e| IoError::read(path, e))?;
        drop(file);
        let open = |cache: usize| {
            let mut options = hdf5::File::with_options();
            options.with_fapl(|access| access.chunk_cache(10_007, cache, 1.0));
            options.open_as(at, hdf5::file::OpenMode::Read)
        };
        let root = open(SMALL_CACHE).and_then(|f| if has_small_chunks(&f) { Ok(f) } else { open(LARGE_CACHE) });
        let root = root.map_err(|error| {
            let reason = if &start[..read] == b"\x89HDF\r\n\x1a\n" {
                format!("the HDF5 file of {} bytes is truncated or damaged ({error})", metadata.len())
            } else {
                "it is not an HDF5 file (cells are read from .h5ad, 10x .h5, 10x folders and .mtx)".into()
            };
            IoError::Hdf5 { path: path.to_owned(), element: String::new(), reason }
        })?;
        Ok(Self { path: path.to_owned(), root: root.group("/").map_err(Self::refused(path, ""))?, _unpacked: unpacked })
    }

    fn refused(path: &Path, element: &str) -> impl Fn(hdf5::Error) -> IoError + use<> {
        let (path, element) = (path.to_owned(), element.to_owned());
        move |error| IoError::Hdf5 { path: path.clone(), element: element.clone(), reason: error.to_string() }
    }

    /// Turns what the library says about an element into an error.
    pub(in crate::io) fn wrong(&self, element: &str) -> impl Fn(hdf5::Error) -> IoError + use<> {
        Self::refused(&self.path, element)
    }

    /// A layout that is not what was expected.
    pub(in crate::io) fn layout(&self, element: &str, expected: impl Into<String>, got: impl Into<String>) -> IoError {
        IoError::format(&self.path, format!("`{element}`"), expected, got)
    }

    /// Names in a group, empty where there is no such group.
    pub(in crate::io) fn members(&self, group: &str) -> Vec<String> {
        self.group(group).and_then(|g| g.member_names().ok()).unwrap_or_default()
    }

    /// The group of this name.
    pub(in crate::io) fn group(&self, name: &str) -> Option<Group> {
        let name = if name.is_empty() { "/" } else { name };
        self.exists(name).then(|| self.root.group(name).ok()).flatten()
    }

    /// Whether a group or dataset of this name exists.
    pub(in crate::io) fn exists(&self, name: &str) -> bool {
        let mut path = String::new();
        name.split('/').filter(|part| !part.is_empty()).all(|part| {
            path = format!("{path}/{part}");
            self.root.link_exists(&path)
        })
    }

    /// The dataset of this name, if it is one.
    pub(in crate::io) fn find_dataset(&self, name: &str) -> Option<Dataset> {
        self.exists(name).then(|| self.root.dataset(name).ok()).flatten()
    }

    /// The dataset of this name.
    pub(in crate::io) fn dataset(&self, name: &str) -> Result<Dataset, IoError> {
        if !self.exists(name) {
            return Err(self.layout(name, "a dataset", "none of that name"));
        }
        self.root.dataset(name).map_err(self.wrong(name))
    }

    /// All values of a dataset as `T`.
    pub(in crate::io) fn read<T: H5Type>(&self, name: &str) -> Result<Vec<T>, IoError> {
        self.dataset(name)?.read_raw().map_err(self.wrong(name))
    }

    /// All values of a dataset, whatever their type.
    pub(in crate::io) fn values(&self, name: &str) -> Result<Values, IoError> {
        read_values(&self.dataset(name)?, None).map_err(self.wrong(name))
    }

    /// An attribute that holds one text.
    pub(in crate::io) fn text_attr(&self, element: &str, attr: &str) -> Option<String> {
        let at = self.location(element)?;
        let attr = at.attr(attr).ok()?;
        let read = |s: &VarLenUnicode| String::from_utf8_lossy(s.as_bytes()).into_owned();
        if let Ok(text) = attr.read_scalar::<VarLenUnicode>() {
            return Some(read(&text));
        }
        let ascii = attr.read_scalar::<hdf5::types::VarLenAscii>().map(|s| s.as_bytes().to_vec());
        let fixed = || attr.read_scalar::<hdf5::types::FixedAscii<64>>().map(|s| s.as_bytes().to_vec());
        let bytes = ascii.or_else(|_| fixed()).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// An attribute that is true or false.
    pub(in crate::io) fn flag_attr(&self, element: &str, attr: &str) -> Option<bool> {
        self.location(element)?.attr(attr).ok()?.read_scalar::<bool>().ok()
    }

    /// An attribute that holds two whole numbers.
    pub(in crate::io) fn shape_attr(&self, element: &str, attr: &str) -> Option<[usize; 2]> {
        let shape = self.location(element)?.attr(attr).ok()?.read_raw::<i64>().ok()?;
        match shape[..] {
            [rows, columns] if rows >= 0 && columns >= 0 => Some([rows as usize, columns as usize]),
            _ => None,
        }
    }

    /// Names in an attribute that lists text.
    pub(in crate::io) fn names_attr(&self, element: &str, attr: &str) -> Option<Vec<String>> {
        let names = self.location(element)?.attr(attr).ok()?.read_raw::<VarLenUnicode>().ok()?;
        Some(names.iter().map(|s| String::from_utf8_lossy(s.as_bytes()).into_owned()).collect())
    }

    fn location(&self, element: &str) -> Option<Location> {
        if element.is_empty() {
            return Some((*self.root).clone());
        }
        let dataset = || self.find_dataset(element).map(|d| (**d).clone());
        self.group(element).map(|g| (*g).clone()).or_else(dataset)
    }
}

/// Whether the values are sparse, in chunks (or none) that fit the small cache several times.
fn has_small_chunks(file: &hdf5::File) -> bool {
    let found: Vec<hdf5::Dataset> = SPARSE.iter().filter_map(|name| file.dataset(name).ok()).collect();
    let bytes = |d: &hdf5::Dataset| d.chunk().map_or(0, |chunk| chunk.iter().product::<usize>() * 8);
    !found.is_empty() && found.iter().all(|d| bytes(d) <= SMALL_CACHE / 4)
}
