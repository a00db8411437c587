//! Files appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::IoError;
use crate::error::{is_stale, temporary_prefix};

/// Writes a file under a temporary name in the same folder and renames it when `fill` has succeeded.
///
/// On any error the temporary file is removed and an earlier file of that name is left as it was.
///
/// # Errors
/// [`IoError::System`] where the folder cannot be written or the disk is full, and whatever `fill` returns.
pub fn write_atomic<E: From<IoError>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| E::from(IoError::write(path, source));
    let file = temporary_in(path).map_err(failed)?;
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    let file = writer.into_inner().map_err(|e| failed(e.into_error()))?;
    Ok(persist(file, path)?)
}

/// The same for writers that open a file by its path: `fill` writes the file whose path it is given.
///
/// # Errors
/// As [`write_atomic`].
pub(super) fn write_atomic_at<E: From<IoError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| E::from(IoError::write(path, source));
    let file = temporary_in(path).map_err(failed)?;
    fill(file.path())?;
    Ok(persist(file, path)?)
}

/// A temporary file in the folder of `path`; its name tells which process writes it.
pub(super) fn temporary_in(path: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(&temporary_prefix()).tempfile_in(folder_of(path))
}

/// Gives a temporary file its name.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Result<(), IoError> {
    set_permissions(file.as_file()).map_err(|e| IoError::write(path, e))?;
    file.persist(path).map(|_| ()).map_err(|e| IoError::write(path, e.error))
}

/// Removes the temporary files of a folder whose processes were killed; those of running processes stay.
///
/// # Errors
/// [`IoError::System`] where one cannot be removed.
pub fn remove_stale(folder: &Path) -> Result<(), IoError> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_stale(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(IoError::write(&path, e)),
            _ => {}
        }
    }
    Ok(())
}

/// The folder a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are private; what we leave behind has the usual rights of a new file.
#[cfg(unix)]
pub(super) fn set_permissions(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub(super) fn set_permissions(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_killed_processes_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let own = temporary_in(&dir.path().join("x")).unwrap();
        // Numbers of processes end well below this.
        let dead = temporary_prefix().replace(&format!("-{}-", std::process::id()), "-999999999-");
        let elsewhere = ".grn-0000000g-999999999-x";
        for name in [&format!("{dead}aB3x"), elsewhere, ".grn-nonsense", "screen.h5ad"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join(format!("{dead}folder"))).unwrap();
        remove_stale(dir.path()).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        let own = own.path().file_name().unwrap().to_owned();
        let mut expected = vec![own, elsewhere.into(), ".grn-nonsense".into(), "screen.h5ad".into()];
        expected.sort();
        if cfg!(target_os = "linux") {
            assert_eq!(left, expected);
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let write = |text: &'static str, fail: bool| {
            write_atomic(&path, |w| {
                w.write_all(text.as_bytes()).map_err(|e| IoError::write("a.txt", e))?;
                if fail { Err(IoError::format("a.txt", "", "success", "failure")) } else { Ok(()) }
            })
        };
        write("first", false).unwrap();
        assert!(write("second", true).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
