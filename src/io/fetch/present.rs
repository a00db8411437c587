//! A file under its final name: fetched, checked, and remembered by its checksum.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::checksum::{FileDigest, digest_file};
use super::part::{Part, beside};
use super::transfer::Transfer;
use super::{Checksum, FetchError, FetchJob, FetchStep, SumKind};
use crate::io::IoError;
use crate::io::atomic::write_atomic;

/// What says that a file is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// A checksum known beforehand.
    Known(SumKind),
    /// A checksum that the host stated while it sent the file.
    Host(SumKind),
    /// The checksum beside the file, from when it was fetched.
    Remembered,
    /// Its size alone.
    Size,
    /// Nothing.
    Nothing,
}

/// A file that is there.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 as hexadecimal digits.
    pub sha256: String,
    /// What it was checked against.
    pub verified: Verified,
    /// Whether it was there before.
    pub was_there: bool,
    /// Bytes that an earlier run had received.
    pub continued_from: u64,
}

/// Fetches a file unless it is there, checks all of it, and writes its SHA-256 beside it (`FILE.sha256`).
///
/// Bytes are collected in `FILE.part`; a run that ends early, by whatever cause, is continued by the next one. The final name
/// appears when the checksum is right and the bytes are on the disk. With `overwrite` a file that is there is replaced.
///
/// # Errors
/// [`IoError::Fetch`] where the host, the connection or the checksum fails, [`IoError::System`] where the disk does.
///
/// # Complexity
/// Every byte is received, written and read once; memory is constant.
pub fn fetch_file(
    job: &FetchJob,
    overwrite: bool,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(FetchStep),
) -> Result<Arrived, IoError> {
    if job.to.exists() && !overwrite {
        return keep(job, stop, tell);
    }
    let held = Part::open(&job.to, &job.url).held();
    let mut goes_on = held;
    let mut listen = |step: FetchStep| {
        if matches!(step, FetchStep::StartsAgain { .. }) {
            goes_on = 0;
        }
        tell(step);
    };
    let mut part = Transfer::new(job, stop, &mut listen).run()?;
    let checked = check(job, &mut part, stop, tell);
    let (digest, verified) = checked?;
    part.check_owner()?;
    let beside_it = beside(&job.to, ".sha256");
    // A checksum of an older file must not outlive it.
    let _ = std::fs::remove_file(&beside_it);
    part.finish(&job.to)?;
    remember(&job.to, digest.sha256())?;
    let (bytes, sha256) = (digest.bytes, digest.sha256().to_owned());
    Ok(Arrived { bytes, sha256, verified, was_there: false, continued_from: goes_on })
}

/// Compares a complete part with what is known of it; deletes it where it is wrong.
fn check(
    job: &FetchJob,
    part: &mut Part,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(FetchStep),
) -> Result<(FileDigest, Verified), IoError> {
    let stated: Vec<Checksum> = match &job.sum {
        Some(known) => vec![known.clone()],
        None => part.claims().map(|claims| claims.sums.clone()).unwrap_or_default(),
    };
    let stated_by = if job.sum.is_some() { "known beforehand" } else { "stated by the host" };
    let Some(digest) = digest(part.path(), &stated, stop, tell)? else {
        return Err(IoError::Fetch(FetchError::Stopped { held: part.held(), part: part.path().to_owned() }));
    };
    for expected in &stated {
        if let Some(got) = digest.sum(expected.kind).filter(|got| *got != expected) {
            let (expected, got) = (expected.clone(), got.clone());
            part.remove();
            return Err(IoError::Fetch(FetchError::Checksum { path: job.to.clone(), stated_by, expected, got }));
        }
    }
    if let Some(expected) = job.bytes.filter(|&expected| expected != digest.bytes) {
        part.remove();
        return Err(IoError::Fetch(FetchError::Size { url: job.url.clone(), expected, got: digest.bytes }));
    }
    let verified = match (&job.sum, stated.first(), part.total().or(job.bytes)) {
        (Some(sum), ..) => Verified::Known(sum.kind),
        (None, Some(sum), _) => Verified::Host(sum.kind),
        (None, None, Some(_)) => Verified::Size,
        (None, None, None) => Verified::Nothing,
    };
    Ok((digest, verified))
}

/// Leaves a file that is there alone, once it is known to be the right one.
fn keep(job: &FetchJob, stop: &AtomicBool, tell: &mut dyn FnMut(FetchStep)) -> Result<Arrived, IoError> {
    let remembered = remembered(&job.to);
    let stated: Vec<Checksum> = job.sum.clone().or_else(|| remembered.clone()).into_iter().collect();
    let Some(digest) = digest(&job.to, &stated, stop, tell)? else {
        return Err(IoError::Fetch(FetchError::Stopped { held: 0, part: beside(&job.to, ".part") }));
    };
    let differs = |stated_by, expected: String, got: String| {
        IoError::Fetch(FetchError::Differs { path: job.to.clone(), stated_by, expected, got })
    };
    for expected in &stated {
        if let Some(got) = digest.sum(expected.kind).filter(|got| *got != expected) {
            let by = if job.sum.is_some() { "checksum known beforehand" } else { "checksum of when it was fetched" };
            return Err(differs(by, expected.to_string(), got.to_string()));
        }
    }
    if let Some(expected) = job.bytes.filter(|&expected| expected != digest.bytes) {
        let bytes = |n: u64| format!("{n} bytes");
        return Err(differs("size known beforehand", bytes(expected), bytes(digest.bytes)));
    }
    if remembered.is_none() {
        remember(&job.to, digest.sha256())?;
    }
    let verified = match (&job.sum, &remembered, job.bytes) {
        (Some(sum), ..) => Verified::Known(sum.kind),
        (None, Some(_), _) => Verified::Remembered,
        (None, None, Some(_)) => Verified::Size,
        (None, None, None) => Verified::Nothing,
    };
    let (bytes, sha256) = (digest.bytes, digest.sha256().to_owned());
    Ok(Arrived { bytes, sha256, verified, was_there: true, continued_from: 0 })
}

fn digest(
    path: &Path,
    stated: &[Checksum],
    stop: &AtomicBool,
    tell: &mut dyn FnMut(FetchStep),
) -> Result<Option<FileDigest>, IoError> {
    let total = std::fs::metadata(path).map_err(|e| IoError::read(path, e))?.len();
    let kinds: Vec<SumKind> = stated.iter().map(|sum| sum.kind).collect();
    digest_file(path, &kinds, &mut |done| {
        tell(FetchStep::Checked { done, total });
        !stop.load(Ordering::Relaxed)
    })
}

/// The checksum beside a file, as `sha256sum` writes and reads it.
fn remembered(path: &Path) -> Option<Checksum> {
    let text = std::fs::read_to_string(beside(path, ".sha256")).ok()?;
    Checksum::of_hex(SumKind::Sha256, text.split_whitespace().next()?)
}

fn remember(path: &Path, sha256: &str) -> Result<(), IoError> {
    let beside_it = beside(path, ".sha256");
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let line = format!("{sha256}  {name}\n");
    write_atomic(&beside_it, |to| to.write_all(line.as_bytes()).map_err(|e| IoError::write(&beside_it, e)))
}
