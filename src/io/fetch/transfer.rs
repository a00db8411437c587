//! Getting all bytes of a file, however often the connection breaks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::claims::{Claims, ContentRange, text};
use super::http::{Ask, Client, Event, Failure, Head};
use super::part::Part;
use super::{Checksum, FetchError};
use crate::io::IoError;

/// An attempt that brought this many bytes does not count as failed.
const PROGRESS: u64 = 1 << 20;
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Attempts where no host was ever reached: without a network nobody wants to wait.
const UNREACHED: u32 = 2;

/// A file to fetch.
#[derive(Debug, Clone)]
pub struct FetchJob {
    /// Where it is.
    pub url: String,
    /// Its final name.
    pub to: PathBuf,
    /// Its size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Its checksum, where it is known.
    pub sum: Option<Checksum>,
    /// How patient to be.
    pub limits: FetchLimits,
}

/// How patient a download is.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Attempts in a row that bring less than a megabyte before it gives up.
    pub attempts: u32,
    /// How long a host may be silent.
    pub patience: Duration,
    /// First pause between two attempts; each further one is twice as long, up to a minute.
    pub pause: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { attempts: 6, patience: Duration::from_secs(60), pause: Duration::from_secs(1) }
    }
}

/// What a download tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchStep {
    /// Goes on behind what an earlier run left.
    GoesOn {
        /// Bytes that are there.
        held: u64,
    },
    /// Bytes have arrived.
    Received {
        /// Bytes that are there.
        held: u64,
        /// Bytes of the whole file, where known.
        total: Option<u64>,
    },
    /// The connection broke; the next attempt follows after a pause.
    Pause {
        /// Why.
        reason: String,
        /// How long.
        pause: Duration,
        /// Which attempt failed, and how many may.
        attempt: (u32, u32),
    },
    /// What was there is of no use: starts from nothing.
    StartsAgain {
        /// Why.
        reason: String,
    },
    /// The bytes are being checked.
    Checked {
        /// Bytes read.
        done: u64,
        /// Bytes of the file.
        total: u64,
    },
}

/// Why an attempt ended before the end of the file.
enum Setback {
    /// Another attempt may do better; the host may say when.
    Passing { reason: Failure, status: Option<u16>, wait: Option<Duration> },
    /// What is there cannot be continued.
    StartAgain(String),
    /// Nothing helps.
    Final(IoError),
}

impl From<IoError> for Setback {
    fn from(error: IoError) -> Self {
        Self::Final(error)
    }
}

impl From<FetchError> for Setback {
    fn from(error: FetchError) -> Self {
        Self::Final(IoError::Fetch(error))
    }
}

/// A download at work.
pub(super) struct Transfer<'a> {
    job: &'a FetchJob,
    part: Part,
    client: Client,
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(FetchStep),
    /// Failed attempts in a row, and the bytes there when the last of them began.
    failed: u32,
    mark: u64,
    reached: bool,
    started_again: bool,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(job: &'a FetchJob, stop: &'a AtomicBool, tell: &'a mut dyn FnMut(FetchStep)) -> Self {
        let part = Part::open(&job.to, &job.url);
        let client = Client::new(job.limits.patience);
        let mark = part.held();
        Self { job, part, client, stop, tell, failed: 0, mark, reached: false, started_again: false }
    }

    /// Gets the rest of the file, and returns it with its bytes complete and not yet checked.
    pub(super) fn run(mut self) -> Result<Part, IoError> {
        if self.part.held() > 0 {
            (self.tell)(FetchStep::GoesOn { held: self.part.held() });
        }
        loop {
            match self.attempt() {
                Ok(()) => return Ok(self.part),
                Err(Setback::Final(error)) => return Err(error),
                Err(Setback::StartAgain(reason)) => self.start_again(reason).map_err(IoError::Fetch)?,
                Err(Setback::Passing { reason, status, wait }) => {
                    self.pause(&reason, status, wait).map_err(IoError::Fetch)?;
                }
            }
        }
    }

    fn attempt(&mut self) -> Result<(), Setback> {
        if self.part.total().is_some_and(|total| total == self.part.held() && total > 0) {
            self.part.go_on()?;
            return Ok(());
        }
        self.mark = self.part.held();
        let ask = self.ask();
        let incoming = self.client.ask(ask.clone());
        match incoming.next(self.stop) {
            Event::Head(head) => {
                self.reached = true;
                if self.accept(&ask, &head)? {
                    return Ok(());
                }
            }
            event => return Err(self.ended(event)),
        }
        loop {
            match incoming.next(self.stop) {
                Event::Block(bytes) => {
                    self.part.write(&bytes)?;
                    (self.tell)(FetchStep::Received { held: self.part.held(), total: self.part.total() });
                }
                event => return self.end_of_body(event),
            }
        }
    }

    /// Behind what is there, where it can be told that the rest will be of the same file.
    fn ask(&self) -> Ask {
        let claims = self.part.claims();
        let if_range = claims.and_then(Claims::validator).map(str::to_owned);
        let checked = self.job.sum.is_some() || claims.is_some_and(|c| !c.sums.is_empty());
        let from = if if_range.is_some() || checked { self.part.held() } else { 0 };
        Ask { url: self.job.url.clone(), from, if_range }
    }

    /// Makes the part ready for the body of an answer; true where nothing is missing.
    fn accept(&mut self, ask: &Ask, head: &Head) -> Result<bool, Setback> {
        let (url, path) = (|| self.job.url.clone(), || self.job.to.clone());
        let challenged = head.headers.contains_key("x-amzn-waf-action");
        let page = text(&head.headers, "content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let packed = text(&head.headers, "content-encoding").filter(|kind| *kind != "identity");
        if let (Some(kind), 200 | 206) = (packed, head.status) {
            let reason = format!("the host sends it in another form (`content-encoding: {kind}`) than was asked for");
            return Err(FetchError::Request { url: url(), reason }.into());
        }
        match head.status {
            status @ 200..=299 if challenged || page || ![200, 206].contains(&status) => {
                Err(FetchError::Page { url: url(), path: path(), status }.into())
            }
            206 if ask.from > 0 => self.accept_range(ask, head).map(|()| false),
            200 => self.accept_whole(ask, head).map(|()| false),
            416 if ask.from > 0 => self.accept_nothing(ask, head),
            status @ (408 | 425 | 429 | 500 | 502 | 503 | 504) => {
                let seconds = text(&head.headers, "retry-after").and_then(|secs| secs.parse().ok());
                let wait = seconds.map(Duration::from_secs).map(|wait| wait.min(LONGEST_PAUSE));
                let reason = Failure::Lost(format!("the host answers {status}"));
                Err(Setback::Passing { reason, status: Some(status), wait })
            }
            status => Err(FetchError::Status { url: url(), path: path(), status }.into()),
        }
    }

    fn accept_range(&mut self, ask: &Ask, head: &Head) -> Result<(), Setback> {
        let range = ContentRange::of(&head.headers);
        if range.and_then(|range| range.start) != Some(ask.from) {
            return Err(Setback::StartAgain("the host sent another range than was asked for".into()));
        }
        let now = Claims::of_range(&head.headers);
        if self.part.claims().is_some_and(|before| !before.agree(&now)) {
            return Err(Setback::StartAgain("the file at the host has changed".into()));
        }
        self.part.go_on()?;
        Ok(())
    }

    fn accept_whole(&mut self, ask: &Ask, head: &Head) -> Result<(), Setback> {
        let claims = Claims::of_whole(&head.headers);
        if let (Some(expected), Some(got)) = (self.job.bytes, claims.total)
            && expected != got
        {
            return Err(FetchError::Size { url: self.job.url.clone(), expected, got }.into());
        }
        if self.part.held() > 0 {
            let same = self.part.claims().is_some_and(|before| before.agree(&claims));
            let reason = match (ask.from, same) {
                (0, _) => "the host states nothing by which the rest could be told to be of the same file",
                (_, true) => "the host does not send parts of files",
                (_, false) => "the file at the host has changed",
            };
            (self.tell)(FetchStep::StartsAgain { reason: reason.to_owned() });
        }
        self.part.begin(claims)?;
        Ok(())
    }

    /// There is nothing behind what is there: it is complete, or of no use.
    fn accept_nothing(&mut self, ask: &Ask, head: &Head) -> Result<bool, Setback> {
        let total = ContentRange::of(&head.headers).and_then(|range| range.total);
        // A host that stated another size before is believed only where a checksum will tell.
        let contradicts = self.part.total().is_some() && self.job.sum.is_none();
        if total == Some(ask.from) && !contradicts {
            self.part.go_on()?;
            return Ok(true);
        }
        Err(Setback::StartAgain("the host does not have the size it stated".into()))
    }

    /// What the end of a body means.
    fn end_of_body(&mut self, event: Event) -> Result<(), Setback> {
        let (held, total) = (self.part.held(), self.part.total());
        match (event, total) {
            (Event::End, None) => Ok(()),
            (Event::End, Some(total)) if held == total => Ok(()),
            (Event::End, Some(total)) if held > total => {
                Err(Setback::StartAgain(format!("{held} bytes arrived of a file of {total}")))
            }
            (Event::End, Some(_)) => Err(passing(Failure::Lost("the connection was cut".into()))),
            (event, _) => Err(self.ended(event)),
        }
    }

    fn ended(&self, event: Event) -> Setback {
        match event {
            Event::Failed(Failure::Refused(reason)) => FetchError::Request { url: self.job.url.clone(), reason }.into(),
            Event::Failed(reason) => passing(reason),
            Event::Stopped => self.stopped().into(),
            // A second head or an early end: nothing a host can cause.
            Event::Head(_) | Event::Block(_) | Event::End => passing(Failure::Lost("the answer ended early".into())),
        }
    }

    fn stopped(&self) -> FetchError {
        FetchError::Stopped { held: self.part.held(), part: self.part.path().to_owned() }
    }

    /// Once: a host that does it again will not stop.
    fn start_again(&mut self, reason: String) -> Result<(), FetchError> {
        if self.started_again {
            return Err(FetchError::Unstable { url: self.job.url.clone(), reason });
        }
        self.started_again = true;
        self.part.remove();
        (self.tell)(FetchStep::StartsAgain { reason });
        Ok(())
    }

    fn pause(&mut self, reason: &Failure, status: Option<u16>, wait: Option<Duration>) -> Result<(), FetchError> {
        let gained = self.part.held().saturating_sub(self.mark);
        self.failed = if gained >= PROGRESS { 1 } else { self.failed + 1 };
        let most = if self.reached { self.job.limits.attempts } else { self.job.limits.attempts.min(UNREACHED) };
        let (Failure::NoConnection(text) | Failure::Lost(text) | Failure::Refused(text)) = reason;
        if self.failed >= most {
            return Err(self.gave_up(reason, text, status));
        }
        let doubled = self.job.limits.pause.saturating_mul(1 << (self.failed - 1).min(16)).min(LONGEST_PAUSE);
        let pause = wait.unwrap_or(doubled);
        (self.tell)(FetchStep::Pause { reason: text.clone(), pause, attempt: (self.failed, most) });
        self.sleep(pause)
    }

    fn gave_up(&self, reason: &Failure, text: &str, status: Option<u16>) -> FetchError {
        let (url, path, held) = (self.job.url.clone(), self.job.to.clone(), self.part.held());
        match (reason, status) {
            (_, Some(status)) if held == 0 => FetchError::Status { url, path, status },
            (Failure::NoConnection(_), _) if !self.reached => {
                FetchError::Offline { url, path, reason: text.to_owned() }
            }
            _ => FetchError::GaveUp {
                url,
                reason: text.to_owned(),
                attempts: self.failed,
                held,
                total: self.part.total().or(self.job.bytes),
                part: self.part.path().to_owned(),
            },
        }
    }

    fn sleep(&self, pause: Duration) -> Result<(), FetchError> {
        let until = Instant::now() + pause;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.stopped());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

fn passing(reason: Failure) -> Setback {
    Setback::Passing { reason, status: None, wait: None }
}
