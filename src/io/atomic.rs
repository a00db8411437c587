//! Files appear whole or not at all.

use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::IoError;

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
    let file = NamedTempFile::new_in(folder_of(path)).map_err(failed)?;
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    let file = writer.into_inner().map_err(|e| failed(e.into_error()))?;
    set_permissions(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
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
    let file = NamedTempFile::new_in(folder_of(path)).map_err(failed)?;
    fill(file.path())?;
    set_permissions(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
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
