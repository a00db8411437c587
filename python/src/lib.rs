//! `grn._grn`: the commands of `grn` for Python. Everything a user sees is in the Python files of the package; here are the
//! two things that they cannot do: lend the arrays of an AnnData without a copy, and run a command without the interpreter's lock.

mod borrow;
mod call;
mod cells;

#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The extension module.
#[pyo3::pymodule]
mod _grn {
    #[pymodule_export]
    use super::call::call;
    #[pymodule_export]
    use super::cells::{Loan, lend};

    /// Version of the library, as `grn --version` has it.
    #[pymodule_export]
    #[allow(non_upper_case_globals)] // its name in Python
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
