//! What a host states about a file while it sends it.

use serde::{Deserialize, Serialize};
use ureq::http::HeaderMap;

use super::{Checksum, SumKind};

/// Size, version and checksums of the whole file, as the headers of an answer state them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Size in bytes.
    pub(super) total: Option<u64>,
    /// Version of the file.
    pub(super) etag: Option<String>,
    /// When the file last changed.
    pub(super) last_modified: Option<String>,
    /// Checksums, strongest first.
    pub(super) sums: Vec<Checksum>,
}

impl Claims {
    /// What the headers of a complete answer (status 200) state.
    pub(super) fn of_whole(headers: &HeaderMap) -> Self {
        let mut claims = Self { total: number(headers, "content-length"), ..Self::of(headers) };
        // Of a range this header would describe the range alone.
        claims.sums.extend(text(headers, "content-md5").and_then(|t| Checksum::of_base64(SumKind::Md5, t)));
        claims.sums.sort_by_key(|sum| sum.kind as u8);
        claims
    }

    /// What the headers of a range (status 206) state about the whole file.
    pub(super) fn of_range(headers: &HeaderMap) -> Self {
        Self { total: ContentRange::of(headers).and_then(|range| range.total), ..Self::of(headers) }
    }

    fn of(headers: &HeaderMap) -> Self {
        let owned = |name| text(headers, name).map(str::to_owned);
        let mut sums: Vec<Checksum> = google(headers).chain(digests(headers)).chain(amazon(headers)).collect();
        sums.sort_by_key(|sum| sum.kind as u8);
        Self { total: None, etag: owned("etag"), last_modified: owned("last-modified"), sums }
    }

    /// What `If-Range` may carry: a strong version, else the date of the last change.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }

    /// Whether both can be of one version of a file, as far as both say.
    pub(super) fn agree(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        same(self.total.as_ref(), other.total.as_ref()) && same(self.etag.as_ref(), other.etag.as_ref())
    }
}

/// `Content-Range: bytes 100-199/200`, or `bytes */200` where nothing is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The first byte that is sent.
    pub(super) start: Option<u64>,
    /// Size of the whole file.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (range, total) = text(headers, "content-range")?.strip_prefix("bytes")?.trim().split_once('/')?;
        let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
        Some(Self { start, total: total.trim().parse().ok() })
    }
}

/// The text of a header.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// `x-goog-hash: crc32c=AAAAAA==,md5=...`, in one header or several. Of objects in pieces there is no MD5.
/// Those of an object that is stored compressed and sent unpacked are of other bytes.
fn google(headers: &HeaderMap) -> impl Iterator<Item = Checksum> {
    let as_stored = text(headers, "x-goog-stored-content-encoding").is_none_or(|kind| kind == "identity");
    let values = headers.get_all("x-goog-hash").iter().filter(move |_| as_stored).filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|one| {
        let (name, sum) = one.trim().split_once('=')?;
        match name {
            "md5" => Checksum::of_base64(SumKind::Md5, sum),
            "crc32c" => Checksum::of_base64(SumKind::Crc32c, sum),
            _ => None,
        }
    })
}

/// `Repr-Digest: sha-256=:...:` (RFC 9530) and its forerunner `Digest: SHA-256=...` (RFC 3230), both of the whole file.
fn digests(headers: &HeaderMap) -> impl Iterator<Item = Checksum> {
    let values = ["repr-digest", "digest"].into_iter().filter_map(|name| text(headers, name));
    values.flat_map(|value| value.split(',')).filter_map(|one| {
        let (name, sum) = one.trim().split_once('=')?;
        let sum = sum.trim_matches(':');
        match name.to_lowercase().as_str() {
            "sha-256" => Checksum::of_base64(SumKind::Sha256, sum),
            "md5" => Checksum::of_base64(SumKind::Md5, sum),
            _ => None,
        }
    })
}

/// Amazon's storage uses the MD5 as version of a file that came in one piece and is not encrypted with a key of its own.
fn amazon(headers: &HeaderMap) -> Option<Checksum> {
    let stored_there = text(headers, "server") == Some("AmazonS3") || headers.contains_key("x-amz-request-id");
    let keyed = text(headers, "x-amz-server-side-encryption").is_some_and(|kind| kind.contains("kms"))
        || headers.contains_key("x-amz-server-side-encryption-customer-algorithm");
    let tag = text(headers, "etag").filter(|_| stored_there && !keyed)?;
    Checksum::of_hex(SumKind::Md5, tag.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn sums(lines: &[(&'static str, &'static str)]) -> Vec<String> {
        Claims::of_whole(&headers(lines)).sums.iter().map(ToString::to_string).collect()
    }

    const MD5: &str = "md5 25f9e794323b453885f5181f1b624d0b";

    #[test]
    fn checksums_of_every_host() {
        assert_eq!(sums(&[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")]), [MD5]);
        let google = [("x-goog-hash", "crc32c=4waSgw=="), ("x-goog-hash", "md5=JfnnlDI7RTiF9RgfG2JNCw==")];
        assert_eq!(sums(&google), [MD5, "crc32c e3069283"]);
        assert_eq!(sums(&[("x-goog-hash", "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==")]).len(), 2);
        let unpacked = [("x-goog-hash", "crc32c=4waSgw=="), ("x-goog-stored-content-encoding", "gzip")];
        assert_eq!(sums(&unpacked), [""; 0]);
        let sha = "sha256 15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
        assert_eq!(sums(&[("repr-digest", "sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:")]), [sha]);
        assert_eq!(sums(&[("digest", "SHA-256=FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")]), [sha]);
    }

    #[test]
    fn versions_are_checksums_at_amazon_alone() {
        let tag = ("etag", "\"25f9e794323b453885f5181f1b624d0b\"");
        assert_eq!(sums(&[tag]), [""; 0]);
        assert_eq!(sums(&[tag, ("server", "AmazonS3")]), [MD5]);
        assert_eq!(sums(&[tag, ("server", "AmazonS3"), ("x-amz-server-side-encryption", "aws:kms")]), [""; 0]);
        assert_eq!(
            sums(&[("etag", "\"25f9e794323b453885f5181f1b624d0b-12\""), ("server", "AmazonS3")]),
            [""; 0],
            "files in pieces have another kind of version"
        );
    }

    #[test]
    fn ranges_state_nothing_about_the_part_alone() {
        let map = headers(&[("content-range", "bytes 5-8/9"), ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")]);
        assert_eq!(Claims::of_range(&map), Claims { total: Some(9), ..Claims::default() });
        assert_eq!(ContentRange::of(&map), Some(ContentRange { start: Some(5), total: Some(9) }));
        let none = headers(&[("content-range", "bytes */9")]);
        assert_eq!(ContentRange::of(&none), Some(ContentRange { start: None, total: Some(9) }));
    }

    #[test]
    fn only_strong_versions_continue_a_file() {
        let validator =
            |lines: &[(&'static str, &'static str)]| Claims::of_whole(&headers(lines)).validator().map(str::to_owned);
        let date = ("last-modified", "Tue, 16 May 2023 10:00:00 GMT");
        assert_eq!(validator(&[("etag", "\"a\""), date]).as_deref(), Some("\"a\""));
        assert_eq!(validator(&[("etag", "W/\"a\""), date]).as_deref(), Some(date.1));
        assert_eq!(validator(&[("etag", "W/\"a\"")]), None);
    }
}
