//! A command that runs without the lock of the interpreter, on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grn::cli::{Answer, Audience, Failure, FailureKind, Said, Table, TableColumn};
use grn::error::ExitStatus;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyTuple};

/// How often signals are looked for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Stack of the working thread: that of a program.
const STACK: usize = 64 << 20;

/// What comes from the working thread.
enum Event {
    Said(Said),
    Ended(Result<Answer, Failure>),
}

/// Sends on what is said: the working thread never needs the lock of the interpreter.
#[derive(Debug)]
struct Line(Mutex<Sender<Event>>);

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(said) => said.fmt(f),
            Self::Ended(_) => f.write_str("Ended"),
        }
    }
}

impl Audience for Line {
    fn hear(&self, said: Said) {
        // A listener that went away does not stop the work.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(Event::Said(said));
    }
}

/// Runs a command of `grn`: takes its arguments and `heard`, which is called on this thread as `(kind, ...)`:
/// `("notice" | "step" | "detail", text)`, `("progress", what, done, of, message)`, `("finished", what)`. Returns how it
/// ended, what it printed, and its table.
///
/// Ctrl-C is seen within 0.1 s: the work is asked to end in good order, and the answer is awaited; a second one does not wait.
pub(crate) fn call<'py>(args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = args.py();
    let (arguments, heard): (Vec<String>, Bound<'py, PyAny>) = args.extract()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let events = start(arguments, &interrupted)?;
    let mut stopped: Option<PyErr> = None;
    let ended = loop {
        let event = py.detach(|| events.receive());
        let listened = match event {
            Some(Event::Ended(ended)) => break ended,
            Some(Event::Said(said)) => tell(py, &heard, said),
            None => Ok(()),
        };
        // Signals are for the main thread; elsewhere this does nothing.
        if let Err(error) = listened.and_then(|()| py.check_signals()) {
            if interrupted.swap(true, Ordering::Relaxed) {
                return Err(error);
            }
            stopped = Some(error);
        }
    };
    match (ended, stopped) {
        (Ok(Answer { status, output, table }), stopped) => {
            let status = match (status, stopped) {
                (ExitStatus::Interrupted, _) => "interrupted",
                // The work was done before it saw the signal, which still counts.
                (_, Some(error)) => return Err(error),
                (ExitStatus::Done, None) => "done",
                (ExitStatus::CheckFailed, None) => "check failed",
            };
            Ok((status, output, table.map(|table| columns(py, table)).transpose()?).into_pyobject(py)?.into_any())
        }
        (Err(failure), Some(error)) if failure.kind == FailureKind::Interrupted => Err(error),
        (Err(failure), _) => Err(raised(py, failure)),
    }
}

/// What comes from the working thread, one event at a time.
struct Events(Mutex<Receiver<Event>>);

impl Events {
    /// The next event, if there is one soon.
    fn receive(&self) -> Option<Event> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(BETWEEN_LOOKS);
        let lost = || Failure { kind: FailureKind::Bug, message: "the working thread is gone".into(), hint: None };
        match next {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::Ended(Err(lost()))),
        }
    }
}

fn start(arguments: Vec<String>, interrupted: &Arc<AtomicBool>) -> PyResult<Events> {
    let (send, receive) = channel();
    let (line, flag) = (Arc::new(Line(Mutex::new(send.clone()))), Arc::clone(interrupted));
    let work = move || {
        let ended = grn::cli::call(&arguments, line, &flag);
        let _ = send.send(Event::Ended(ended));
    };
    let thread = std::thread::Builder::new().name("grn".into()).stack_size(STACK).spawn(work);
    thread.map_err(|e| PyRuntimeError::new_err(format!("cannot start a thread: {e}")))?;
    Ok(Events(Mutex::new(receive)))
}

fn tell(py: Python<'_>, heard: &Bound<'_, PyAny>, said: Said) -> PyResult<()> {
    let arguments = match said {
        Said::Notice(text) => ("notice", text).into_pyobject(py)?.into_any(),
        Said::Step(text) => ("step", text).into_pyobject(py)?.into_any(),
        Said::Detail(text) => ("detail", text).into_pyobject(py)?.into_any(),
        Said::Progress { what, done, of, message } => {
            ("progress", what, done, of, message).into_pyobject(py)?.into_any()
        }
        Said::Finished { what } => ("finished", what).into_pyobject(py)?.into_any(),
    };
    heard.call1(arguments.cast_into::<PyTuple>()?)?;
    Ok(())
}

/// Columns by name: the type of the numbers as NumPy writes it, their bytes, and the categories of labels.
fn columns(py: Python<'_>, table: Table) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    for (name, column) in table.columns {
        let (kind, bytes, categories) = match column {
            TableColumn::Floats(values) => ("f8", bytes(py, &values, f64::to_ne_bytes)?, None),
            TableColumn::Integers(values) => ("i8", bytes(py, &values, i64::to_ne_bytes)?, None),
            TableColumn::Labels { categories, codes } => ("i4", bytes(py, &codes, i32::to_ne_bytes)?, Some(categories)),
        };
        out.set_item(name, (kind, bytes, categories))?;
    }
    Ok(out)
}

/// Numbers as bytes that NumPy takes over without a copy.
fn bytes<'py, T: Copy, const N: usize>(
    py: Python<'py>,
    values: &[T],
    of: fn(T) -> [u8; N],
) -> PyResult<Bound<'py, PyByteArray>> {
    PyByteArray::new_with(py, N * values.len(), |bytes| {
        let (elements, _) = bytes.as_chunks_mut::<N>();
        elements.iter_mut().zip(values).for_each(|(to, &value)| *to = of(value));
        Ok(())
    })
}

/// The exception for a failure: the package says which.
fn raised(py: Python<'_>, failure: Failure) -> PyErr {
    let kind = match failure.kind {
        FailureKind::Value => "value",
        FailureKind::Key => "key",
        FailureKind::FileNotFound => "file",
        FailureKind::System => "system",
        FailureKind::Interrupted => "interrupted",
        FailureKind::Bug => "bug",
    };
    let make = || py.import("grn._errors")?.getattr("failure")?.call1((kind, failure.message, failure.hint));
    make().map_or_else(|error| error, PyErr::from_value)
}
