//! Arrays of NumPy as borrowed numbers: the only unsafe code of the package.
#![allow(unsafe_code)]

use std::fmt;

use grn::io::{Lender, Numbers};
use numpy::{Element, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods, dtype};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyAny;

/// The buffer of an array, kept alive by a reference to the array.
pub(crate) struct Borrowed {
    /// The owner of the memory; NumPy neither moves nor frees a buffer while an array that refers to it lives.
    _array: Py<PyAny>,
    address: *const u8,
    len: usize,
    kind: Kind,
}

/// A type of numbers.
#[derive(Debug, Clone, Copy)]
enum Kind {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

/// An array, as far as it matters where its numbers lie.
pub(crate) struct View {
    /// The numbers, from the first to the last one in use.
    pub(crate) numbers: Borrowed,
    /// Length of each dimension.
    pub(crate) shape: Vec<usize>,
    /// Elements from one to the next in each dimension.
    pub(crate) strides: Vec<usize>,
}

impl fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers {:?} of an array", self.len, self.kind)
    }
}

// SAFETY: the buffer is only read, from any thread; the reference to the array is `Send`, and dropping it without the lock of
// the interpreter is deferred by pyo3.
unsafe impl Send for Borrowed {}
// SAFETY: as above; nothing is changed through a shared reference.
unsafe impl Sync for Borrowed {}

impl Lender for Borrowed {
    fn numbers(&self) -> Numbers<'_> {
        match self.kind {
            Kind::I8 => Numbers::I8(self.slice()),
            Kind::I16 => Numbers::I16(self.slice()),
            Kind::I32 => Numbers::I32(self.slice()),
            Kind::I64 => Numbers::I64(self.slice()),
            Kind::U8 => Numbers::U8(self.slice()),
            Kind::U16 => Numbers::U16(self.slice()),
            Kind::U32 => Numbers::U32(self.slice()),
            Kind::U64 => Numbers::U64(self.slice()),
            Kind::F32 => Numbers::F32(self.slice()),
            Kind::F64 => Numbers::F64(self.slice()),
        }
    }
}

impl Borrowed {
    fn slice<T>(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: `view` checked that the array holds elements of the type that `kind` names, in the byte order of the machine,
        // aligned, and that `len` elements from `address` on belong to its buffer. `_array` keeps the buffer alive.
        // Whoever writes to an array while it is lent breaks the rule that the documentation states.
        unsafe { std::slice::from_raw_parts(self.address.cast::<T>(), self.len) }
    }
}

/// The numbers of an array: no copy.
///
/// # Errors
/// `TypeError` for elements that are no numbers of 8 to 64 bits, `ValueError` for a layout that cannot be borrowed (negative
/// steps, foreign byte order, unaligned).
pub(crate) fn view(array: &Bound<'_, PyAny>) -> PyResult<View> {
    let py = array.py();
    let untyped = array.cast::<numpy::PyUntypedArray>()?;
    let kinds = [
        (dtype::<i8>(py), Kind::I8),
        (dtype::<i16>(py), Kind::I16),
        (dtype::<i32>(py), Kind::I32),
        (dtype::<i64>(py), Kind::I64),
        (dtype::<u8>(py), Kind::U8),
        (dtype::<u16>(py), Kind::U16),
        (dtype::<u32>(py), Kind::U32),
        (dtype::<u64>(py), Kind::U64),
        (dtype::<f32>(py), Kind::F32),
        (dtype::<f64>(py), Kind::F64),
    ];
    let own = untyped.dtype();
    let Some((_, kind)) = kinds.iter().find(|(known, _)| own.is_equiv_to(known)) else {
        return Err(PyTypeError::new_err(format!("expected numbers of 8 to 64 bits, got an array of {own}")));
    };
    match kind {
        Kind::I8 => of::<i8>(array, *kind),
        Kind::I16 => of::<i16>(array, *kind),
        Kind::I32 => of::<i32>(array, *kind),
        Kind::I64 => of::<i64>(array, *kind),
        Kind::U8 => of::<u8>(array, *kind),
        Kind::U16 => of::<u16>(array, *kind),
        Kind::U32 => of::<u32>(array, *kind),
        Kind::U64 => of::<u64>(array, *kind),
        Kind::F32 => of::<f32>(array, *kind),
        Kind::F64 => of::<f64>(array, *kind),
    }
}

fn of<T: Element>(array: &Bound<'_, PyAny>, kind: Kind) -> PyResult<View> {
    let typed = array.cast::<PyArrayDyn<T>>()?;
    let (shape, address) = (typed.shape().to_vec(), typed.data().cast_const());
    let wrong = || PyValueError::new_err("expected an array with steps of whole elements forward, aligned");
    let element = size_of::<T>() as isize;
    if !address.is_aligned() {
        return Err(wrong());
    }
    // Steps along a dimension of one element mean nothing, and may be anything.
    let steps = typed.strides().iter().zip(&shape).map(|(&step, &n)| if n > 1 { step } else { 0 });
    let step = |bytes: isize| (bytes >= 0 && bytes % element == 0).then_some((bytes / element) as usize);
    let strides: Vec<usize> = steps.map(step).collect::<Option<_>>().ok_or_else(wrong)?;
    let last: usize = shape.iter().zip(&strides).map(|(&n, &step)| n.saturating_sub(1) * step).sum();
    let len = if shape.contains(&0) { 0 } else { last + 1 };
    let numbers = Borrowed { _array: array.clone().unbind(), address: address.cast(), len, kind };
    Ok(View { numbers, shape, strides })
}
