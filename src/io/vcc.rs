//! Files of the Virtual Cell Challenge: a tar archive of compressed cells and a watermark.
//!
//! `cell-eval prep` writes an uncompressed tar archive of `pred.h5ad.zst` (an AnnData file compressed with Zstandard) and
//! `watermark.txt`, which holds exactly `vcc-prep`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

use super::IoError;
use super::atomic::{folder_of, write_atomic_at};
use super::h5ad::H5File;
use crate::error::temporary_prefix;

const CELLS: &str = "pred.h5ad.zst";
const WATERMARK: &str = "watermark.txt";
const MARK: &str = "vcc-prep";
/// Level of Zstandard: its own default.
const LEVEL: i32 = 3;

/// Whether the name is that of a challenge file.
pub(super) fn is_vcc(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("vcc"))
}

/// Writes a challenge file, whole or not at all: `fill` writes the AnnData file of the path it is given.
///
/// The folder of `path` holds the cells twice for a while, plain and compressed.
///
/// # Errors
/// Whatever `fill` returns; [`IoError::System`] where the folder cannot be written or the disk is full.
pub fn write_vcc<E: From<IoError>>(path: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let failed = |e| E::from(IoError::write(path, e));
    let folder = tempfile::Builder::new().prefix(&temporary_prefix()).tempdir_in(folder_of(path)).map_err(failed)?;
    let (plain, packed) = (folder.path().join("pred.h5ad"), folder.path().join(CELLS));
    fill(&plain)?;
    compress(&plain, &packed).map_err(failed)?;
    std::fs::remove_file(&plain).map_err(failed)?;
    write_atomic_at(path, |archive| pack(&packed, archive).map_err(failed))
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(File::create(to)?, LEVEL)?;
    encoder.include_checksum(true)?;
    io::copy(&mut File::open(from)?, &mut encoder)?;
    encoder.finish()?.sync_all()
}

fn pack(cells: &Path, archive: &Path) -> io::Result<()> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create(archive)?));
    tar.mode(tar::HeaderMode::Deterministic);
    tar.append_path_with_name(cells, CELLS)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(MARK.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, WATERMARK, MARK.as_bytes())?;
    tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

/// Unpacks the cells of a challenge file to a temporary file and opens it.
///
/// # Errors
/// [`IoError::Vcc`] for what is not a tar archive, a missing member, another watermark and truncated cells.
pub(super) fn open(path: &Path) -> Result<H5File, IoError> {
    let file = File::open(path).map_err(|e| IoError::read(path, e))?;
    let wrong = |expected: &str, got: String| IoError::Vcc { path: path.to_owned(), expected: expected.into(), got };
    let not_tar =
        |e: io::Error| wrong("an uncompressed tar archive of `pred.h5ad.zst` and `watermark.txt`", e.to_string());
    let (mut cells, mut mark) = (None, None);
    let mut archive = tar::Archive::new(BufReader::new(file));
    for member in archive.entries().map_err(not_tar)? {
        let member = member.map_err(not_tar)?;
        let name = member.path().map_err(not_tar)?.file_name().map(|n| n.to_string_lossy().into_owned());
        match name.as_deref() {
            Some(CELLS) => cells = Some(unpack(path, member)?),
            Some(WATERMARK) => mark = Some(start_of(member).map_err(not_tar)?),
            _ => {}
        }
    }
    match mark {
        None => return Err(wrong("the member `watermark.txt`", "an archive without it".into())),
        Some(mark) if mark != MARK => return Err(wrong("the watermark `vcc-prep`", format!("`{mark}`"))),
        Some(_) => {}
    }
    let cells = cells.ok_or_else(|| wrong("the member `pred.h5ad.zst`", "an archive without it".into()))?;
    H5File::open_unpacked(path, cells)
}

/// The first characters of a member, enough to tell the watermark.
fn start_of(member: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    member.take(64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unpack(path: &Path, member: impl Read) -> Result<TempPath, IoError> {
    let expected = "`pred.h5ad.zst` to be a complete Zstandard stream";
    let damaged = |e: io::Error| IoError::Vcc { path: path.to_owned(), expected: expected.into(), got: e.to_string() };
    let failed = |source| IoError::System { verb: "unpack to a temporary file", path: path.to_owned(), source };
    let mut decoder = zstd::Decoder::new(member).map_err(damaged)?;
    let mut file = NamedTempFile::with_suffix(".h5ad").map_err(failed)?;
    copy(&mut decoder, file.as_file_mut(), damaged, failed)?;
    Ok(file.into_temp_path())
}

/// Copies, telling apart what reading and what writing say.
fn copy(
    from: &mut impl Read,
    to: &mut File,
    reading: impl Fn(io::Error) -> IoError,
    writing: impl Fn(io::Error) -> IoError,
) -> Result<(), IoError> {
    let mut buffer = vec![0; 1 << 17];
    loop {
        match from.read(&mut buffer).map_err(&reading)? {
            0 => return Ok(()),
            n => io::Write::write_all(to, &buffer[..n]).map_err(&writing)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn archive(dir: &Path, members: &[(&str, &[u8])]) -> PathBuf {
        let path = dir.join("x.vcc");
        let mut tar = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        tar.finish().unwrap();
        path
    }

    #[test]
    fn what_is_wrong_with_an_archive_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let packed = zstd::encode_all(&[7u8; 5000][..], 3).unwrap();
        let t = |members: &[(&str, &[u8])], expected: &str| {
            let said = open(&archive(dir.path(), members)).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        };
        t(&[(CELLS, &packed)], "expected the member `watermark.txt`");
        t(&[(WATERMARK, b"vcc-prep")], "expected the member `pred.h5ad.zst`");
        t(&[(CELLS, &packed), (WATERMARK, b"vcc-prep\n")], "expected the watermark `vcc-prep`");
        t(&[(CELLS, &packed[..packed.len() / 2]), (WATERMARK, b"vcc-prep")], "to be a complete Zstandard stream");
        t(&[(CELLS, b"not compressed"), (WATERMARK, b"vcc-prep")], "to be a complete Zstandard stream");
        t(&[(CELLS, &packed), (WATERMARK, b"vcc-prep")], "it is not an HDF5 file");
    }

    #[test]
    fn what_is_not_an_archive_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.vcc");
        std::fs::write(&path, [b'x'; 2000]).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("expected an uncompressed tar archive"));
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let fill = |_: &Path| Err(IoError::format("x", "", "success", "failure"));
        assert!(write_vcc(&dir.path().join("x.vcc"), fill).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
