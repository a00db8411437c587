//! What has to be done below pyo3: the entry of the module, and arrays of NumPy as slices. The only unsafe code of the package.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::fmt;
use std::ptr::{addr_of_mut, null_mut};

use grn::io::{Lender, Numbers};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::{ffi, intern};

// ---- The entry of the module ------------------------------------------------------------------------------------------

/// What the interpreter is told of the module: its functions are added when it is executed.
static mut SLOTS: [ffi::PyModuleDef_Slot; 2] = [
    ffi::PyModuleDef_Slot { slot: ffi::Py_mod_exec, value: execute as *mut _ },
    ffi::PyModuleDef_Slot { slot: 0, value: null_mut() },
];
static mut DEFINITION: ffi::PyModuleDef = ffi::PyModuleDef {
    m_base: ffi::PyModuleDef_HEAD_INIT,
    m_name: c"_grn".as_ptr(),
    m_doc: c"The commands of grn for Python; used by the package `grn` alone.".as_ptr(),
    m_size: 0,
    m_methods: null_mut(),
    m_slots: addr_of_mut!(SLOTS).cast(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// Called by the interpreter when the module is imported.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn PyInit__grn() -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this with its lock held, and is the only one that uses the definition, which lives
    // as long as the process.
    unsafe { ffi::PyModuleDef_Init(addr_of_mut!(DEFINITION)) }
}

/// Called by the interpreter with the new module.
extern "C" fn execute(module: *mut ffi::PyObject) -> c_int {
    Python::attach(|py| {
        // SAFETY: the interpreter hands over a module that lives as long as this call, with its lock held.
        let module = unsafe { Bound::from_borrowed_ptr(py, module) };
        let filled = module.cast_into::<PyModule>().map_err(PyErr::from).and_then(|module| super::fill(&module));
        filled.map_or_else(
            |error| {
                error.restore(py);
                -1
            },
            |()| 0,
        )
    })
}

// ---- Arrays -----------------------------------------------------------------------------------------------------------

/// The buffer of an array, kept alive by a reference to the array.
pub(crate) struct Borrowed {
    /// The owner of the memory; NumPy neither moves nor frees a buffer while an array that refers to it lives.
    _array: Py<PyAny>,
    address: usize,
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
        // SAFETY: `view` checked that this is an array of NumPy whose elements have the type that `kind` names, in the byte
        // order of the machine, aligned; shape and strides, from which `len` is taken, are those that NumPy gives for its
        // buffer. `_array` keeps the buffer alive. Numbers have no invalid bits. Who writes to an array while it is lent
        // breaks the rule that the package states.
        unsafe { std::slice::from_raw_parts(self.address as *const T, self.len) }
    }
}

impl Kind {
    /// From the text that NumPy gives for a type, and the bytes of an element.
    fn of(typestr: &str) -> Option<(Self, usize)> {
        let (order, kind) = typestr.split_at_checked(1)?;
        let native = if cfg!(target_endian = "little") { "<" } else { ">" };
        if order != "|" && order != "=" && order != native {
            return None;
        }
        Some(match kind {
            "i1" => (Self::I8, 1),
            "i2" => (Self::I16, 2),
            "i4" => (Self::I32, 4),
            "i8" => (Self::I64, 8),
            // True and false are bytes of 1 and 0.
            "u1" | "b1" => (Self::U8, 1),
            "u2" => (Self::U16, 2),
            "u4" => (Self::U32, 4),
            "u8" => (Self::U64, 8),
            "f4" => (Self::F32, 4),
            "f8" => (Self::F64, 8),
            _ => return None,
        })
    }
}

/// The numbers of an array: no copy.
///
/// # Errors
/// `TypeError` for what is no array of NumPy, or whose elements are no numbers of 8 to 64 bits in the byte order of the
/// machine; `ValueError` for a layout that cannot be borrowed (steps backward, unaligned).
pub(crate) fn view(array: &Bound<'_, PyAny>) -> PyResult<View> {
    let py = array.py();
    let of_numpy = py.import(intern!(py, "numpy"))?.getattr(intern!(py, "ndarray"))?;
    if !array.is_instance(&of_numpy)? {
        return Err(PyTypeError::new_err(format!("expected an array of NumPy, got {}", array.get_type())));
    }
    // The getter of NumPy's own type: a subclass cannot tell another address.
    let about = of_numpy.getattr(intern!(py, "__array_interface__"))?.call_method1(intern!(py, "__get__"), (array,))?;
    let (address, _): (usize, bool) = about.get_item("data")?.extract()?;
    let typestr: String = about.get_item("typestr")?.extract()?;
    let shape: Vec<usize> = about.get_item("shape")?.extract()?;
    let steps: Option<Vec<isize>> = about.get_item("strides")?.extract()?;
    let Some((kind, element)) = Kind::of(&typestr) else {
        return Err(PyTypeError::new_err(format!("expected numbers of 8 to 64 bits, got an array of `{typestr}`")));
    };
    let wrong = || PyValueError::new_err("expected an array with steps of whole elements forward, aligned");
    if !address.is_multiple_of(element) {
        return Err(wrong());
    }
    let strides = match steps {
        None => in_one_piece(&shape),
        // Steps along a dimension of one element mean nothing, and may be anything.
        Some(steps) => {
            let steps = steps.iter().zip(&shape).map(|(&step, &n)| if n > 1 { step } else { 0 });
            let whole =
                |step: isize| usize::try_from(step).ok().filter(|s| s.is_multiple_of(element)).map(|s| s / element);
            steps.map(whole).collect::<Option<Vec<usize>>>().ok_or_else(wrong)?
        }
    };
    let last: usize = shape.iter().zip(&strides).map(|(&n, &step)| n.saturating_sub(1) * step).sum();
    let len = if shape.contains(&0) { 0 } else { last + 1 };
    let numbers = Borrowed { _array: array.clone().unbind(), address, len, kind };
    Ok(View { numbers, shape, strides })
}

/// Steps of an array whose last dimension runs fastest.
fn in_one_piece(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for k in (1..shape.len()).rev() {
        steps[k - 1] = steps[k] * shape[k];
    }
    steps
}
