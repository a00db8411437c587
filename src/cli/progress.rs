//! Progress of long work: a bar on a terminal, elsewhere a line now and then, or told to the program that called.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::call::{Caller, Said};
use super::printer::progress_line;

/// Least time between two lines.
const SECS_BETWEEN: f64 = 5.0;
/// Least time between two steps that a caller is told.
const BETWEEN_TOLD: Duration = Duration::from_millis(50);
/// Least progress between two lines, in percent.
const PERCENT_BETWEEN: u64 = 10;

/// Where progress is shown.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// Nowhere.
    Nowhere,
    /// As a bar that redraws itself.
    Bar,
    /// As plain lines.
    Lines,
    /// By the program that called.
    Told(Caller),
}

/// Progress of one piece of work; copies share it.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    bar: ProgressBar,
    what: &'static str,
    lines: Option<Arc<Mutex<Lines>>>,
    told: Option<Told>,
}

/// To whom progress is told.
#[derive(Debug, Clone)]
struct Told {
    caller: Caller,
    /// When something was told last.
    last: Arc<Mutex<Option<Instant>>>,
    /// Whether the work looks for an interrupt itself.
    orderly: bool,
}

impl Bar {
    /// Progress through `of` steps.
    pub(super) fn new(what: &'static str, of: u64, shown: Shown) -> Self {
        let bar = if matches!(shown, Shown::Bar) { drawn(what, of) } else { ProgressBar::hidden() };
        bar.set_length(of);
        let lines = matches!(shown, Shown::Lines).then(|| Arc::new(Mutex::new(Lines::new())));
        let told = match shown {
            Shown::Told(caller) => Some(Told { caller, last: Arc::default(), orderly: false }),
            _ => None,
        };
        Self { bar, what, lines, told }
    }

    /// The same for work that looks for an interrupt itself.
    pub(super) fn orderly(mut self) -> Self {
        if let Some(told) = &mut self.told {
            told.orderly = true;
        }
        self
    }

    /// Sets the number of steps.
    pub(super) fn set_length(&self, of: u64) {
        self.bar.set_length(of);
    }

    /// Makes the work longer.
    pub(super) fn inc_length(&self, by: u64) {
        self.bar.inc_length(by);
    }

    /// Number of steps.
    pub(super) fn length(&self) -> u64 {
        self.bar.length().unwrap_or(0)
    }

    /// Steps done.
    pub(super) fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Sets the steps done.
    pub(super) fn set_position(&self, done: u64) {
        self.bar.set_position(done);
        self.show();
    }

    /// Sets steps done and their number at once.
    pub(super) fn set(&self, done: u64, of: u64) {
        self.set_length(of);
        self.set_position(done);
    }

    /// More steps done.
    pub(super) fn inc(&self, by: u64) {
        self.bar.inc(by);
        self.show();
    }

    /// Shown beside: a loss, a model.
    pub(super) fn set_message(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// Takes a bar away.
    pub(super) fn finish_and_clear(&self) {
        self.bar.finish_and_clear();
        if let Some(told) = &self.told {
            told.caller.tell(Said::Finished { what: self.what });
        }
    }

    fn show(&self) {
        self.line();
        let Some(told) = &self.told else { return };
        if !told.orderly {
            told.caller.stop_if_interrupted();
        }
        if told.is_due() {
            let (what, done, of, message) = (self.what, self.position(), self.length(), self.bar.message());
            told.caller.tell(Said::Progress { what, done, of, message });
        }
    }

    fn line(&self) {
        let Some(lines) = &self.lines else { return };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let now = lines.began.elapsed().as_secs_f64();
        if let Some(text) = lines.due(now, self.position(), self.length()) {
            let message = self.bar.message();
            let beside = if message.is_empty() { String::new() } else { format!(", {message}") };
            progress_line(&format!("{}: {text}{beside}", self.what));
        }
    }
}

impl Told {
    /// Whether enough time has passed since the last time.
    fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= BETWEEN_TOLD);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

fn drawn(what: &'static str, of: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {percent:>3} % {msg} {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(of).with_style(style.progress_chars("=> ")).with_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// When the next line is due, in seconds since the work began.
#[derive(Debug)]
struct Lines {
    began: Instant,
    /// Seconds and percent at which this part of the work began, and of the last line.
    first: (f64, u64),
    last: (f64, u64),
}

impl Lines {
    fn new() -> Self {
        Self { began: Instant::now(), first: (0.0, 0), last: (0.0, 0) }
    }

    /// `30 %, about 12 s left`, where enough happened since the last line.
    fn due(&mut self, now: f64, done: u64, of: u64) -> Option<String> {
        let percent = (100 * done.min(of)).checked_div(of).unwrap_or(0);
        if percent < self.last.1 {
            // The next part of the work counts from the start.
            (self.first, self.last) = ((now, percent), (self.last.0, percent));
        }
        if now - self.last.0 < SECS_BETWEEN || percent < self.last.1 + PERCENT_BETWEEN {
            return None;
        }
        self.last = (now, percent);
        let left = (now - self.first.0) * (100 - percent) as f64 / (percent - self.first.1).max(1) as f64;
        Some(if percent == 100 { "100 %".to_owned() } else { format!("{percent} %, about {} left", span(left)) })
    }
}

/// `12 s`, `3 min`, `1 h 20 min`.
pub(super) fn span(secs: f64) -> String {
    let minutes = (secs / 60.0).round() as u64;
    match secs {
        s if s < 1.5 => "1 s".to_owned(),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_rare_and_know_the_time_left() {
        let mut lines = Lines::new();
        // 1000 steps, one each 0.1 s: 10 % takes 10 s.
        let said: Vec<String> = (0..=1000).filter_map(|k| lines.due(0.1 * k as f64, k, 1000)).collect();
        assert_eq!(said.len(), 10, "{said:?}");
        assert_eq!((said[0].as_str(), said[9].as_str()), ("10 %, about 90 s left", "100 %"));
        assert!(said[2].starts_with("30 %, about 70 s"), "{said:?}");
        // Ten times as fast: the time between lines rules.
        let mut lines = Lines::new();
        assert_eq!((0..=1000).filter_map(|k| lines.due(0.01 * k as f64, k, 1000)).count(), 2);
        // Under five seconds nothing is said.
        let mut lines = Lines::new();
        assert_eq!((0..=1000).filter_map(|k| lines.due(0.004 * k as f64, k, 1000)).count(), 0);
    }

    #[test]
    fn a_second_part_starts_anew() {
        let mut lines = Lines::new();
        assert!(lines.due(6.0, 5, 5).is_some());
        assert_eq!(lines.due(7.0, 0, 100), None);
        assert_eq!(lines.due(17.0, 10, 100).as_deref(), Some("10 %, about 90 s left"));
    }

    #[test]
    fn spans_of_time() {
        let t = |secs, text: &str| assert_eq!(span(secs), text);
        t(0.2, "1 s");
        t(75.0, "75 s");
        t(600.0, "10 min");
        t(5520.0, "1 h 32 min");
    }
}
