//! `grn._grn`: the commands of `grn` for Python. Everything a user sees is in the Python files of the package; here are the
//! two things that they cannot do: lend the arrays of an AnnData without a copy, and run a command without the interpreter's lock.
//!
//! The macros of pyo3 are left out, as `Cargo.toml` says: the few functions take their arguments apart themselves.

mod call;
mod cells;
mod raw;

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fills the module.
fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let call = |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| call::call(args).map(Bound::unbind);
    let lend = |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| cells::lend(args);
    let release = |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| cells::release(args);
    module.add("call", PyCFunction::new_closure(py, Some(c"call"), Some(c"Runs a command of grn."), call)?)?;
    module.add(
        "lend",
        PyCFunction::new_closure(py, Some(c"lend"), Some(c"Lends cells; returns the number of the loan."), lend)?,
    )?;
    module.add("release", PyCFunction::new_closure(py, Some(c"release"), Some(c"Ends a loan."), release)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
