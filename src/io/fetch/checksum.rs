//! Checksums of files.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::crc32c::Crc32c;
use crate::io::IoError;

/// Kinds of checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SumKind {
    /// 32 bytes; nobody can make another file of the same sum.
    Sha256,
    /// 16 bytes; against accidents, not against malice.
    Md5,
    /// 4 bytes; against accidents of transfer.
    Crc32c,
}

impl SumKind {
    fn n_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Md5 => 16,
            Self::Crc32c => 4,
        }
    }
}

impl fmt::Display for SumKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
            Self::Crc32c => "crc32c",
        })
    }
}

/// A checksum of known kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Its kind.
    pub kind: SumKind,
    /// Hexadecimal digits, lower case.
    pub hex: String,
}

impl Checksum {
    /// From hexadecimal digits; `None` where they are not as many as the kind has.
    pub fn of_hex(kind: SumKind, text: &str) -> Option<Self> {
        let hex = text.trim().to_lowercase();
        let sound = hex.len() == 2 * kind.n_bytes() && hex.bytes().all(|b| b.is_ascii_hexdigit());
        sound.then_some(Self { kind, hex })
    }

    /// From base64, as headers have it; `None` where it is not one of this kind.
    pub(super) fn of_base64(kind: SumKind, text: &str) -> Option<Self> {
        let bytes = base64(text.trim())?;
        (bytes.len() == kind.n_bytes()).then(|| Self::of_bytes(kind, &bytes))
    }

    fn of_bytes(kind: SumKind, bytes: &[u8]) -> Self {
        Self { kind, hex: bytes.iter().map(|b| format!("{b:02x}")).collect() }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.hex)
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut n_bits) = (0u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((held >> n_bits) as u8);
        }
    }
    Some(bytes)
}

/// What is known of a file after reading it.
#[derive(Debug)]
pub(super) struct FileDigest {
    /// Its size.
    pub(super) bytes: u64,
    /// SHA-256, always, and what else was asked for.
    sums: Vec<Checksum>,
}

impl FileDigest {
    /// The checksum of this kind, where it was computed.
    pub(super) fn sum(&self, kind: SumKind) -> Option<&Checksum> {
        self.sums.iter().find(|sum| sum.kind == kind)
    }

    /// The SHA-256 as hexadecimal digits.
    pub(super) fn sha256(&self) -> &str {
        self.sum(SumKind::Sha256).map_or("", |sum| &sum.hex)
    }
}

/// Reads a file once for its SHA-256 and checksums of other kinds. `go_on` is told the bytes read so far and ends the
/// reading with `false`; the result is then `None`.
pub(super) fn digest_file(
    path: &Path,
    others: &[SumKind],
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<FileDigest>, IoError> {
    let failed = |e| IoError::read(path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut sha256 = Sha256::new();
    let mut md5 = others.contains(&SumKind::Md5).then(md5::Md5::new);
    let mut crc32c = others.contains(&SumKind::Crc32c).then(Crc32c::new);
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let n = match file.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(failed(e)),
        };
        if n == 0 {
            break;
        }
        let read = &buffer[..n];
        sha256.update(read);
        md5.iter_mut().for_each(|md5| md5.update(read));
        crc32c.iter_mut().for_each(|crc| crc.update(read));
        bytes += n as u64;
        if !go_on(bytes) {
            return Ok(None);
        }
    }
    let mut sums = vec![Checksum::of_bytes(SumKind::Sha256, &sha256.finalize())];
    sums.extend(md5.map(|md5| Checksum::of_bytes(SumKind::Md5, &md5.finalize())));
    sums.extend(crc32c.map(|crc| Checksum::of_bytes(SumKind::Crc32c, &crc.finish())));
    Ok(Some(FileDigest { bytes, sums }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sha256sum and md5sum of coreutils 9; the CRC of RFC 3720's check string.
    #[test]
    fn sums_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nine");
        std::fs::write(&path, "123456789").unwrap();
        let found = digest_file(&path, &[SumKind::Md5, SumKind::Crc32c], &mut |_| true).unwrap().unwrap();
        assert_eq!(found.bytes, 9);
        assert_eq!(found.sha256(), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        assert_eq!(found.sum(SumKind::Md5).unwrap().hex, "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(found.sum(SumKind::Crc32c).unwrap().hex, "e3069283");
        assert!(digest_file(&path, &[], &mut |_| false).unwrap().is_none());
    }

    #[test]
    fn base64_of_headers() {
        // Python: base64.b64encode(hashlib.md5(b"123456789").digest())
        let sum = Checksum::of_base64(SumKind::Md5, "JfnnlDI7RTiF9RgfG2JNCw==").unwrap();
        assert_eq!(sum.hex, "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(Checksum::of_base64(SumKind::Crc32c, "4waSgw==").unwrap().hex, "e3069283");
        assert_eq!(Checksum::of_base64(SumKind::Md5, "4waSgw=="), None);
        assert_eq!(Checksum::of_base64(SumKind::Md5, "not base64!"), None);
    }

    #[test]
    fn hexadecimal_digits_are_counted() {
        assert!(Checksum::of_hex(SumKind::Md5, " 25F9E794323B453885F5181F1B624D0B\n").is_some());
        assert_eq!(Checksum::of_hex(SumKind::Md5, "25f9"), None);
        assert_eq!(Checksum::of_hex(SumKind::Crc32c, "e306928g"), None);
    }
}
