//! What has arrived so far: `FILE.part`, and `FILE.part.json` that says of what it is a part.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::FetchError;
use super::claims::Claims;
use crate::io::IoError;
use crate::io::atomic::{folder_of, write_atomic};

/// How often it is looked whether another process has taken over.
const LOOK: Duration = Duration::from_secs(1);

/// What the note beside a part holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    url: String,
    #[serde(flatten)]
    claims: Claims,
    /// Who writes: the last to begin.
    owner: String,
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    note_path: PathBuf,
    url: String,
    owner: String,
    claims: Option<Claims>,
    held: u64,
    file: Option<File>,
    looked: Instant,
}

impl Part {
    /// What an earlier attempt left of this address; nothing where it was of another one or cannot be read.
    pub(super) fn open(to: &Path, url: &str) -> Self {
        let path = beside(to, ".part");
        let note_path = beside(to, ".part.json");
        let note = std::fs::read(&note_path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let claims = note.filter(|note| note.url == url).map(|note| note.claims);
        let held = claims.as_ref().and_then(|_| Some(std::fs::metadata(&path).ok()?.len())).unwrap_or(0);
        let (url, looked) = (url.to_owned(), Instant::now());
        Self { path, note_path, url, owner: owner(), claims, held, file: None, looked }
    }

    /// Where the bytes are.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// What the host stated when it sent the first of them.
    pub(super) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref().filter(|_| self.held > 0)
    }

    /// Size of the whole file, where it is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.claims.as_ref()?.total
    }

    /// Starts from nothing with what the host now states.
    pub(super) fn begin(&mut self, claims: Claims) -> Result<(), IoError> {
        self.file = None;
        self.held = 0;
        // The old bytes go before the new note comes: a note never describes bytes of another version.
        let file = File::create(&self.path).map_err(|e| IoError::write(&self.path, e))?;
        self.claims = Some(claims);
        self.write_note()?;
        self.file = Some(file);
        Ok(())
    }

    /// Goes on behind the bytes that are there.
    pub(super) fn go_on(&mut self) -> Result<(), IoError> {
        self.write_note()?;
        let failed = |e| IoError::write(&self.path, e);
        let mut file = OpenOptions::new().write(true).open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.held)).map_err(failed)?;
        self.file = Some(file);
        Ok(())
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        if self.looked.elapsed() > LOOK {
            self.check_owner()?;
            self.looked = Instant::now();
        }
        let Some(file) = &mut self.file else {
            let closed = std::io::Error::other("not open");
            return Err(IoError::write(&self.path, closed));
        };
        if let Err(e) = file.write_all(bytes) {
            // Some of them may be there: the next attempt goes on behind these.
            self.held = file.stream_position().unwrap_or(self.held);
            return Err(IoError::write(&self.path, e));
        }
        self.held += bytes.len() as u64;
        Ok(())
    }

    /// Two processes may fetch one file: the last that began goes on, the other stops.
    pub(super) fn check_owner(&self) -> Result<(), IoError> {
        let note = std::fs::read(&self.note_path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        match note {
            Some(note) if note.owner == self.owner => Ok(()),
            _ => Err(IoError::Fetch(FetchError::Taken { part: self.path.clone() })),
        }
    }

    /// Gives the part its final name, once all of it is on the disk.
    pub(super) fn finish(&mut self, to: &Path) -> Result<(), IoError> {
        self.file = None;
        let file = File::open(&self.path).map_err(|e| IoError::read(&self.path, e))?;
        file.sync_all().map_err(|e| IoError::write(&self.path, e))?;
        std::fs::rename(&self.path, to).map_err(|e| IoError::write(to, e))?;
        let _ = std::fs::remove_file(&self.note_path);
        sync_folder(to);
        Ok(())
    }

    /// Forgets all of it.
    pub(super) fn remove(&mut self) {
        self.file = None;
        self.held = 0;
        self.claims = None;
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.note_path);
    }

    fn write_note(&self) -> Result<(), IoError> {
        let claims = self.claims.clone().unwrap_or_default();
        let note = Note { url: self.url.clone(), claims, owner: self.owner.clone() };
        let text = serde_json::to_vec_pretty(&note).map_err(|e| IoError::write(&self.note_path, e.into()))?;
        write_atomic(&self.note_path, |to| to.write_all(&text).map_err(|e| IoError::write(&self.note_path, e)))
    }
}

/// The name of a file with something behind it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// One name per download of any process.
fn owner() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{}-{nanos}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Makes a new name last. Systems that cannot open folders do without.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}
