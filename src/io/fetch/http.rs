//! One request at a time, read by a thread of its own, so that a silent host never keeps the user from stopping.

use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::HeaderMap;
use ureq::{Agent, Error, Timeout};

/// Bytes a message.
const BLOCK: usize = 1 << 18;
/// Blocks that may wait for the disk.
const WAITING: usize = 8;
/// How often it is looked whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// What to ask for.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) url: String,
    /// First byte wanted.
    pub(super) from: u64,
    /// The version of which the earlier bytes are.
    pub(super) if_range: Option<String>,
}

/// What arrives, in this order: one head, blocks, the end; or a failure at any place.
#[derive(Debug)]
pub(super) enum Event {
    Head(Head),
    Block(Vec<u8>),
    End,
    Failed(Failure),
    /// The user wants to stop.
    Stopped,
}

/// Status and headers.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

/// Why nothing more arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection was made.
    NoConnection(String),
    /// The connection was lost.
    Lost(String),
    /// Asking again would not help.
    Refused(String),
}

/// Asks hosts.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    patience: Duration,
}

impl Client {
    /// A client that takes a host as silent for `patience` as gone. Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`.
    pub(super) fn new(patience: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("grn/", env!("CARGO_PKG_VERSION")))
            // Checksums and ranges are of the file, not of a compressed form of it.
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT.min(patience)))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience));
        Self { agent: config.build().into(), patience }
    }

    /// Sends the request and returns what arrives.
    pub(super) fn ask(&self, ask: Ask) -> Incoming {
        let (sender, receiver) = sync_channel(WAITING);
        let agent = self.agent.clone();
        // The thread ends with the body, with its timeout, or when nobody listens any more.
        std::thread::spawn(move || drop(send_all(&agent, &ask, &sender)));
        Incoming { receiver, patience: self.patience }
    }
}

/// `Err` where nobody listens any more.
fn send_all(agent: &Agent, ask: &Ask, to: &SyncSender<Event>) -> Result<(), std::sync::mpsc::SendError<Event>> {
    let mut request = agent.get(&ask.url);
    if ask.from > 0 {
        request = request.header("range", format!("bytes={}-", ask.from));
        if let Some(version) = &ask.if_range {
            request = request.header("if-range", version);
        }
    }
    let answer = match request.call() {
        Ok(answer) => answer,
        Err(e) => return to.send(Event::Failed(failure(&e))),
    };
    let (parts, body) = answer.into_parts();
    to.send(Event::Head(Head { status: parts.status.as_u16(), headers: parts.headers }))?;
    let mut reader = body.into_reader();
    loop {
        let mut block = vec![0; BLOCK];
        match fill(&mut reader, &mut block) {
            (0, None) => return to.send(Event::End),
            (n, end) => {
                block.truncate(n);
                if n > 0 {
                    to.send(Event::Block(block))?;
                }
                if let Some(e) = end {
                    return to.send(Event::Failed(Failure::Lost(e.to_string())));
                }
            }
        }
    }
}

/// Fills as much of a block as arrives before it is worth passing on: a slow host must not hide its bytes.
fn fill(reader: &mut impl Read, block: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let began = Instant::now();
    let mut n = 0;
    while n < block.len() {
        match reader.read(&mut block[n..]) {
            Ok(0) => return (n, None),
            Ok(more) => n += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return (n, Some(e)),
        }
        if began.elapsed() > LOOK {
            break;
        }
    }
    (n, None)
}

fn failure(error: &Error) -> Failure {
    let reason = error.to_string();
    match error {
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::Tls(_)
        | Error::Rustls(_)
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::NoConnection(reason),
        Error::Timeout(_) | Error::Protocol(_) => Failure::Lost(reason),
        Error::Io(e) => match e.kind() {
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
            | ErrorKind::WouldBlock => Failure::Lost(reason),
            _ => Failure::NoConnection(reason),
        },
        _ => Failure::Refused(reason),
    }
}

/// What arrives for a request.
#[derive(Debug)]
pub(super) struct Incoming {
    receiver: Receiver<Event>,
    patience: Duration,
}

impl Incoming {
    /// Waits for what comes next, at most as long as a host may be silent.
    pub(super) fn next(&self, stop: &AtomicBool) -> Event {
        let began = Instant::now();
        // A little longer than the thread itself waits: its reason is the better one. Redirects and connecting count too.
        let most = self.patience.saturating_mul(2) + CONNECT;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Event::Stopped;
            }
            match self.receiver.recv_timeout(LOOK) {
                Ok(event) => return event,
                Err(RecvTimeoutError::Timeout) if began.elapsed() < most => {}
                Err(RecvTimeoutError::Timeout) => return Event::Failed(Failure::Lost("the host is silent".into())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Event::Failed(Failure::Lost("the connection was closed".into()));
                }
            }
        }
    }
}
