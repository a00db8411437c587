//! A small HTTP server with faults: what it answers is up to each test.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Number of requests before this one.
    pub n: usize,
    pub path: String,
    /// First byte wanted.
    pub from: Option<usize>,
    pub if_range: Option<String>,
    pub agent: String,
}

/// An answer, and what goes wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// `Content-Length`, where it is not that of the body.
    pub stated: Option<usize>,
    /// Without `Content-Length`, as one chunk after the other.
    pub chunked: bool,
    /// Closes the connection after this many bytes of the body.
    pub cut: Option<usize>,
    /// Pause after every 16 KiB.
    pub slow: Option<Duration>,
    /// Says nothing more after this many bytes, and keeps the connection open.
    pub hang: Option<usize>,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            stated: None,
            chunked: false,
            cut: None,
            slow: None,
            hang: None,
        }
    }

    /// The whole body.
    pub(crate) fn whole(body: &[u8]) -> Self {
        Self { body: body.to_vec(), ..Self::status(200) }
    }

    /// What a good server answers: ranges, and the whole file where the version is another one.
    pub(crate) fn of_file(body: &[u8], etag: &str, asked: &Asked) -> Self {
        let same = asked.if_range.as_deref().is_none_or(|version| version == etag);
        let answer = match asked.from.filter(|_| same) {
            Some(from) if from >= body.len() => {
                Self::status(416).header("content-range", format!("bytes */{}", body.len()))
            }
            Some(from) => Self { status: 206, ..Self::whole(&body[from..]) }
                .header("content-range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())),
            None => Self::whole(body),
        };
        answer.header("etag", etag).header("accept-ranges", "bytes")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn cut(self, after: usize) -> Self {
        Self { cut: Some(after), ..self }
    }

    pub(crate) fn slow(self, millis: u64) -> Self {
        Self { slow: Some(Duration::from_millis(millis)), ..self }
    }
}

/// A server on a free port of this machine; it stops when it is dropped.
pub(crate) struct Server {
    pub url: String,
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, ended, count) = (Arc::clone(&asked), Arc::clone(&stop), AtomicUsize::new(0));
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let Some(asked) = read(&stream, count.load(Ordering::Relaxed)) else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                log.lock().unwrap().push(asked.clone());
                let (answer, ended) = (Arc::clone(&answer), Arc::clone(&ended));
                std::thread::spawn(move || {
                    // A client that was killed is no fault of the server.
                    let _ = send(stream, &answer(&asked), &ended);
                });
            }
        });
        Self { url: format!("http://{address}"), address, asked, stop }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn read(stream: &TcpStream, n: usize) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut asked = Asked { n, path, from: None, if_range: None, agent: String::new() };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            return Some(asked);
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.to_lowercase().as_str() {
            "range" => asked.from = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok(),
            "if-range" => asked.if_range = Some(value.to_owned()),
            "user-agent" => value.clone_into(&mut asked.agent),
            _ => {}
        }
    }
    None
}

fn send(mut to: TcpStream, answer: &Answer, ended: &AtomicBool) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    if answer.chunked {
        head.push_str("transfer-encoding: chunked\r\n");
    } else {
        head.push_str(&format!("content-length: {}\r\n", answer.stated.unwrap_or(answer.body.len())));
    }
    answer.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    to.write_all(format!("{head}\r\n").as_bytes())?;
    let end = answer.cut.or(answer.hang).unwrap_or(usize::MAX).min(answer.body.len());
    for block in answer.body[..end].chunks(1 << 14) {
        if answer.chunked {
            to.write_all(format!("{:x}\r\n", block.len()).as_bytes())?;
        }
        to.write_all(block)?;
        if answer.chunked {
            to.write_all(b"\r\n")?;
        }
        if let Some(pause) = answer.slow {
            std::thread::sleep(pause);
        }
    }
    if answer.chunked && answer.cut.is_none() {
        to.write_all(b"0\r\n\r\n")?;
    }
    while answer.hang.is_some() && !ended.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
