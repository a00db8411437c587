//! A full disk and a read-only folder end in a clear error, and nothing partial is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/screen.rs"]
mod screen;

use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::MultiGzDecoder;
use grn::io::open_cells;

use self::screen::{Screen, grn, transcript, write_chain};

/// A small file system in memory that is unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason printed, where mounting is not allowed.
    fn mount(at: &Path, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        match mounted {
            Ok(out) if out.status.success() => Some(Self(at.to_owned())),
            Ok(out) => {
                println!("skipped: cannot mount a tmpfs: {}", String::from_utf8_lossy(&out.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: cannot mount a tmpfs: {error}");
                None
            }
        }
    }

    fn make_read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A folder with a screen and a prior.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut screen = Screen::usual();
    screen.genes = (0..400).map(|k| format!("G{k}")).collect();
    screen.write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    dir
}

const COMMANDS: [&[&str]; 7] = [
    &["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "grn", "--outdir", "disk/run"],
    &["data", "convert", "screen.h5ad", "-o", "disk/copy.h5ad"],
    &["data", "convert", "screen.h5ad", "-o", "disk/copy.mtx"],
    &["data", "convert", "screen.h5ad", "-o", "disk/copy.parquet"],
    &["data", "subset", "screen.h5ad", "--fraction", "0.9", "-o", "disk/some.h5ad"],
    &["data", "pseudobulk", "screen.h5ad", "--halves", "-o", "disk/table.h5ad"],
    &["data", "pseudobulk", "screen.h5ad", "--memory", "1M", "-o", "disk/parts.h5ad"],
];

/// Files of a folder, sub-folders included.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_partial() {
    let dir = folder();
    for command in COMMANDS {
        let Some(disk) = SmallDisk::mount(&dir.path().join("disk"), 48) else { return };
        let out = grn(dir.path(), command);
        let said = transcript(dir.path(), &out);
        assert_eq!(out.status.code(), Some(2), "{command:?}\n{said}");
        assert!(said.to_lowercase().contains("no space left on device"), "{command:?}\n{said}");
        for file in files(&disk.0) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.starts_with(".grn-"), "{command:?} leaves {name}");
            // What was finished before the disk was full is whole.
            match file.extension().and_then(|e| e.to_str()) {
                Some("h5ad") => {
                    open_cells(&file, None).unwrap().blocks().unwrap().for_each(|block| drop(block.unwrap()));
                }
                Some("parquet") => {
                    let bytes = std::fs::read(&file).unwrap();
                    assert!(bytes.len() > 8 && bytes.ends_with(b"PAR1"), "{command:?}: {name}");
                }
                Some("gz") => {
                    drop(std::io::read_to_string(MultiGzDecoder::new(std::fs::File::open(&file).unwrap())).unwrap());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_read_only_folder_is_told() {
    let dir = folder();
    for command in COMMANDS {
        let Some(disk) = SmallDisk::mount(&dir.path().join("disk"), 64) else { return };
        disk.make_read_only();
        let out = grn(dir.path(), command);
        let said = transcript(dir.path(), &out);
        assert_eq!(out.status.code(), Some(2), "{command:?}\n{said}");
        assert!(said.to_lowercase().contains("read-only file system"), "{command:?}\n{said}");
        assert!(files(&disk.0).is_empty(), "{command:?}");
    }
}
